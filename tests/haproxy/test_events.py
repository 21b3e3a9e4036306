"""Messages of a real HAProxy 2.6.12 about itself, and those that other versions have besides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.haproxy.events import read_event
from tests.haproxy.lines import HEADERS, interpreted

H = "haproxy."
B = {"haproxy.backend_name": "b", "haproxy.server_name": "s1"}
CLIENT = {"source.address": "127.0.0.1", "source.ip": "127.0.0.1", "source.port": 46912}
LEFT = "0 active and 1 backup servers left. Running on backup. 2 sessions active, 3 requeued, 4 remaining in queue."
ONLINE = "1 active and 0 backup servers online. 2 sessions requeued, 3 total in queue."
SERVERS_LEFT = {
    "haproxy.servers.active": 0,
    "haproxy.servers.backup": 1,
    "haproxy.sessions.active": 2,
    "haproxy.sessions.requeued": 3,
    "haproxy.sessions.queued": 4,
}
SERVERS_ONLINE = {
    "haproxy.servers.active": 1,
    "haproxy.servers.backup": 0,
    "haproxy.sessions.requeued": 2,
    "haproxy.sessions.queued": 3,
}
FAILED = {"event.outcome": "failure"}
PASSED = {"event.outcome": "success"}
NETWORK = {"event.category": "network", "event.type": "connection"}
CONFIGURED = {"event.category": "configuration"}
AT = {"@timestamp": "2026-11-21T01:02:03.004000Z"}


def because(reason: str) -> dict[str, str]:
    return {"event.reason": reason}


def process(kind: str) -> dict[str, str]:
    return {"event.category": "process", "event.type": kind}


def failed(error: str, frontend: str = "tls", listener: str = "1") -> dict[str, Any]:
    names = {H + "frontend_name": frontend, H + "bind_name": listener, H + "error_message": error}
    return CLIENT | names | NETWORK | FAILED | AT


CONNECTIONS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "connect",
        "Connect from 127.0.0.1:46912 to ::1:16090 (srv/HTTP)",
        CLIENT
        | NETWORK
        | {"destination.address": "::1", "destination.ip": "::1", "destination.port": 16090}
        | {H + "frontend_name": "srv", H + "mode": "http"},
    ),
    (
        "connect",
        "Connect from unix:1 to unix:1 (srv/TCP)",
        NETWORK
        | {"source.address": "unix", "source.port": 1, "destination.address": "unix", "destination.port": 1}
        | {H + "frontend_name": "srv", H + "mode": "tcp"},
    ),
    (
        "connect",
        "Connect from unknown source to listener 2 (srv/TCP)",
        NETWORK | {H + "bind_name": "2", H + "frontend_name": "srv", H + "mode": "tcp"},
    ),
    (
        "connect",
        "Connect to unix:4 (srv/HTTP)",
        NETWORK | {H + "bind_name": "4", H + "frontend_name": "srv", H + "mode": "http"},
    ),
    *(
        ("tls_handshake_failed", f"127.0.0.1:46912 [21/Nov/2026:01:02:03.004] tls/1: {error}", failed(error))
        for error in (
            "SSL handshake failure",
            "SSL handshake failure (error:0A000416:SSL routines::sslv3 alert certificate unknown)",
            "Connection closed during SSL handshake",
            "Timeout during SSL handshake",
            "SSL client certificate not trusted",
            "Stopped a TLSv1 heartbeat attack (CVE-2014-0160)",
        )
    ),
    *(
        (
            "connection_failed",
            f"127.0.0.1:46912 [21/Nov/2026:01:02:03.004] fe/http: {error}",
            failed(error, "fe", "http"),
        )
        for error in (
            "Received something which does not look like a PROXY protocol header",
            "unknown connection error (code=0 flags=00000300)",
            "Words of another version",
        )
    ),
    (
        "connection_failed",
        "unknown [21/Nov/2026:01:02:03.004] fe/1: Too many sockets on the process",
        {H + "frontend_name": "fe", H + "bind_name": "1", H + "error_message": "Too many sockets on the process"}
        | NETWORK
        | FAILED
        | AT,
    ),
    (
        "response_blocked",
        "Blocking cacheable cookie in response from instance b, server s1.",
        B | {"event.category": "web", "event.type": "denied"},
    ),
]
SERVERS: list[tuple[str, str, dict[str, Any]]] = [
    ("server_down", f"Server b/s1 is DOWN. {LEFT}", B | SERVERS_LEFT),
    ("server_down", f"Backup Server b/s1 is DOWN. {LEFT}", B | SERVERS_LEFT),
    ("server_down", f"Backup Server b/s1 is DOWN via a/s2. {LEFT}", B | SERVERS_LEFT | because("via a/s2")),
    ("server_down", f"Server b/s1 is DOWN, changed from CLI. {LEFT}", B | SERVERS_LEFT | because("changed from CLI")),
    (
        "server_down",
        "Server b/s1 is DOWN/READY (leaving forced maintenance).",
        B | because("leaving forced maintenance"),
    ),
    (
        "server_down",
        f'Server b/s1 is DOWN, reason: Layer7 wrong status, code: 503, info: "Oops", check duration: 12ms. {LEFT}',
        B
        | SERVERS_LEFT
        | because("Layer7 wrong status")
        | {H + "check.code": 503, H + "check.info": "Oops", H + "check.duration_ms": 12},
    ),
    (
        "server_down",
        'Server b/s1 is DOWN, reason: Health analyze, info: "Detected 3 consecutive errors".',
        B | because("Health analyze") | {H + "check.info": "Detected 3 consecutive errors"},
    ),
    (
        "server_down",
        f'Server b/s1 is DOWN, reason: Layer7 invalid response, info: "My "bad" thing", check duration: 5ms. {LEFT}',
        B
        | SERVERS_LEFT
        | because("Layer7 invalid response")
        | {H + "check.info": 'My "bad" thing', H + "check.duration_ms": 5},
    ),
    ("server_down", f"Server b/s1 is DOWN, by words of another version. {LEFT}", B),
    ("server_maintenance", "Server b/s1 is DOWN for maintenance.", B),
    ("server_changed", "Server b/s1 is doing what no version says.", B),
    (
        "health_check_failed",
        "Health check for server b/s1 failed, reason: L4, by words of another version",
        B | FAILED | because("L4"),
    ),
    ("server_up", f"Server b/s1 is UP. {ONLINE}", B | SERVERS_ONLINE),
    ("server_up", f"Backup Server b/s1 is UP via a/s2. {ONLINE}", B | SERVERS_ONLINE | because("via a/s2")),
    (
        "server_up",
        f"Server b/s1 is UP, reason: Layer4 check passed, check duration: 0ms. {ONLINE}",
        B | SERVERS_ONLINE | because("Layer4 check passed") | {H + "check.duration_ms": 0},
    ),
    ("server_up", "Server b/s1 is UP/READY (leaving forced maintenance).", B | because("leaving forced maintenance")),
    ("server_up", "Server b/s1 ('db.example') is UP/READY (resolves again).", B | because("resolves again")),
    ("server_up", "Server b/s1 is UP (leaving forced drain).", B | because("leaving forced drain")),
    ("server_maintenance", f"Server b/s1 is going DOWN for maintenance. {LEFT}", B | SERVERS_LEFT),
    (
        "server_maintenance",
        f"Server b/s1 is going DOWN for maintenance (DNS timeout status). {LEFT}",
        B | SERVERS_LEFT | because("DNS timeout status"),
    ),
    (
        "server_maintenance",
        f"Backup Server b/s3 is going DOWN for maintenance via b/s1. {LEFT}",
        B | {H + "server_name": "s3"} | SERVERS_LEFT | because("via b/s1"),
    ),
    ("server_maintenance", f"Server b/s1 was DOWN and now enters maintenance. {LEFT}", B | SERVERS_LEFT),
    ("server_maintenance", "Server b/s1 is leaving forced maintenance but remains in maintenance.", B),
    ("server_maintenance", "Server b/s1 remains in forced maintenance.", B),
    ("server_maintenance", "Server b/s1 ('db.example') resolves again but remains in maintenance.", B),
    ("server_drain", f"Server b/s1 enters drain state. {ONLINE}", B | SERVERS_ONLINE),
    (
        "server_drain",
        f"Server b/s1 is stopping, changed from CLI. {ONLINE}",
        B | SERVERS_ONLINE | because("changed from CLI"),
    ),
    (
        "server_drain",
        "Server b/s1 is UP/DRAIN (leaving forced maintenance).",
        B | because("leaving forced maintenance"),
    ),
    ("server_drain", "Server b/s1 is leaving forced drain but remains in drain mode.", B),
    ("server_drain", "Server b/s1 remains in forced drain mode.", B),
    (
        "server_address_changed",
        "b/s1 changed its IP from 127.0.0.1 to 127.0.0.2 by DNS cache",
        B | because("DNS cache"),
    ),
    ("server_address_changed", "b/s1 changed its IP from (none) to ::1 by dns/ns1.", B | because("dns/ns1")),
    ("server_address_changed", "b/s1 changed its FQDN from a.example to b.example", B),
    (
        "server_address_changed",
        "b/s1: IP changed from '127.0.0.1' to '127.0.0.2', port changed from '80' to '81' by 'stats socket command'.",
        B | because("'stats socket command'"),
    ),
    ("server_changed", "Server b/s1 administratively READY thanks to valid DNS answer.", B),
    (
        "health_check_failed",
        'Health check for backup server b/s1 failed, reason: L4, info: "x", check duration: 0ms, status: 0/1 DOWN.',
        B | FAILED | because("L4") | {H + "check.info": "x", H + "check.duration_ms": 0},
    ),
    (
        "health_check_succeeded",
        "Agent check for server b/s1 succeeded, reason: passed, code: 200, check duration: 0ms, status: 3/3 UP.",
        B | PASSED | because("passed") | {H + "check.code": 200, H + "check.duration_ms": 0},
    ),
    (
        "health_check_not_run",
        "Starting [b:s1] check: out of memory.",
        B | FAILED | {H + "error_message": "out of memory."},
    ),
    (
        "health_check_not_run",
        "Failed to exec process for external health check: No such file. Aborting.",
        FAILED | {H + "error_message": "Failed to exec process for external health check: No such file. Aborting."},
    ),
    ("no_server_available", "backend b has no server available!", {H + "backend_name": "b"}),
    ("no_server_available", "proxy b has no server available!", {H + "backend_name": "b"}),
]
PROXIES: list[tuple[str, str, dict[str, Any]]] = [
    ("proxy_started", "Proxy b started.", {H + "proxy_name": "b"}),
    (
        "proxy_stopped",
        "Proxy <HTTPCLIENT> stopped (cumulated conns: FE: 0, BE: 0).",
        {H + "proxy_name": "<HTTPCLIENT>"},
    ),
    ("proxy_stopped", "Proxy b stopped (FE: 0 conns, BE: 0 conns).", {H + "proxy_name": "b"}),
    ("proxy_stopped", "Proxy b hard-stopped (2 remaining conns will be closed).", {H + "proxy_name": "b"}),
    ("proxy_stopping", "Stopping frontend f in 0 ms.", {H + "frontend_name": "f"}),
    ("proxy_stopping", "Stopping backend b in 0 ms.", {H + "backend_name": "b"}),
    ("proxy_paused", "Paused frontend f.", {H + "frontend_name": "f"}),
    ("proxy_paused", "Pausing proxy f.", {H + "frontend_name": "f"}),
    ("proxy_resumed", "Resumed frontend f.", {H + "frontend_name": "f"}),
    (
        "proxy_limit_reached",
        "Proxy f reached the configured maximum connection limit. Please check the global 'maxconn' value.",
        {H + "proxy_name": "f"} | because("the configured maximum connection limit"),
    ),
    (
        "proxy_limit_reached",
        "Proxy f reached process FD limit (maxsock=4096). Please check 'ulimit-n' and restart.",
        {H + "proxy_name": "f"} | because("process FD limit"),
    ),
    ("state_reported", "SIGHUP received, dumping servers states for proxy f.", {H + "proxy_name": "f"}),
    ("state_reported", "SIGHUP: Server b/s1 is UP. Conn: 0 act, 0 pend, 0 tot.", B),
    (
        "state_reported",
        "SIGHUP: Proxy f has no servers. Conn: act(FE+BE): 0+0, 0 pend (0 unass)",
        {H + "proxy_name": "f"},
    ),
    ("spoe_processed", "SPOE: [agent] <EVENT:on-client-session> sid=1 st=0 0/0/0/0/0 1/1 0/0 0/1", {}),
]
PROCESSES: list[tuple[str, str, dict[str, Any]]] = [
    ("worker_started", "New worker (24126) forked", process("start")),
    ("worker_started", "New worker #1 (24126) forked", process("start")),
    ("worker_started", "Initializing new worker (24126)", process("start")),
    (
        "worker_exited",
        "Former worker (24126) exited with code 0 (Exit)",
        process("end") | PASSED | because("Exit") | {"process.exit_code": 0},
    ),
    (
        "worker_exited",
        "Current worker #1 (24126) exited with code 139 (Segmentation fault)",
        process("end") | FAILED | because("Segmentation fault") | {"process.exit_code": 139},
    ),
    ("master_reloading", "Reloading HAProxy", process("change")),
    ("master_reloading", "Reexecuting Master process", process("change")),
    ("master_exiting", "Exiting Master process...", process("end")),
    ("master_exiting", "All workers exited. Exiting... (0)", process("end") | PASSED | {"process.exit_code": 0}),
    ("configuration_loaded", "Loading success.", CONFIGURED | PASSED | {"event.type": "change"}),
    ("configuration_refused", "Loading failure!", CONFIGURED | FAILED | {"event.type": "change"}),
    (
        "configuration_refused",
        "config : Error(s) found in configuration file : mw.cfg",
        CONFIGURED | FAILED | {"event.type": "change"},
    ),
    (
        "configuration_reported",
        "config : parsing [mw.cfg:16] : unknown keyword 'bogus' in 'backend' section",
        CONFIGURED | {"event.type": "info"},
    ),
    ("configuration_reported", "Configuration file is valid", CONFIGURED | {"event.type": "info"}),
    ("version_reported", "haproxy version is 2.6.12-1+deb12u4", {"observer.version": "2.6.12-1+deb12u4"}),
    ("version_reported", "path to executable is /usr/sbin/haproxy", {}),
    ("process_reported", "Some proxies refused to pause, performing soft stop now.", {}),
    ("process_reported", "Some tasks resisted to hard-stop, exiting now.", {}),
    ("process_reported", "soft-stop running for too long, performing a hard-stop.", {}),
    ("process_reported", "haproxy-systemd-wrapper: exit, haproxy RC=0", {}),
    ("message_repeated", "last message repeated 3 times", {H + "repeated": 3}),
    ("message_repeated", "message repeated 2 times: [ Proxy b started.]", {H + "repeated": 2}),
]
EVENTS = CONNECTIONS + SERVERS + PROXIES + PROCESSES
TELLING = ("haproxy.", "event.", "source.", "destination.", "process.exit_code", "observer.version", "log.level")
GIVEN = {"haproxy.line", "event.kind", "event.action", "event.dataset", "event.created"}


@pytest.mark.parametrize("header", ["local", "rfc5424", "raw"])
@pytest.mark.parametrize(("action", "message", "expected"), EVENTS, ids=[message[:60] for _, message, _ in EVENTS])
def test_a_message_is_an_event_with_what_it_names(
    action: str, message: str, expected: dict[str, Any], header: str
) -> None:
    document = interpreted(HEADERS[header] + message.encode())
    wanted = expected | {
        "haproxy.line": "event",
        "event.kind": "event",
        "event.action": action,
        "message": message,
    }
    assert {path: document.get(path) for path in wanted} == wanted
    assert {path for path in document if path.startswith(TELLING)} - GIVEN == expected.keys() - AT.keys()


@pytest.mark.parametrize(("action", "message", "expected"), EVENTS, ids=[message[:60] for _, message, _ in EVENTS])
def test_on_stderr_the_same_event_has_its_level_and_process(
    action: str, message: str, expected: dict[str, Any]
) -> None:
    for prefix in ("[WARNING]  (24126) : ", "[WARNING] 324/010203 (24126) : "):
        document = interpreted(prefix.encode() + message.encode())
        wanted = expected | {"event.action": action, "log.level": "warning", "process.pid": 24126}
        assert {path: document.get(path) for path in wanted} == wanted
        assert document["message"] == prefix + message


@pytest.mark.parametrize("level", ["ALERT", "WARNING", "NOTICE", "DIAG"])
def test_whatever_haproxy_says_with_a_level_is_an_event(level: str) -> None:
    document = interpreted(b"haproxy[1]: [%b]   (2) : anything at all \xff" % level.encode())
    assert (document["event.action"], document["log.level"]) == ("process_reported", level.lower())
    assert (document["process.pid"], document["process.name"]) == (2, "haproxy")


def test_a_backend_in_quotes_is_named_without_them() -> None:
    assert interpreted(b"[ALERT]    (1) : backend 'b' has no server available!")[H + "backend_name"] == "b"


@pytest.mark.parametrize("date", ["21/Nov/2026:01:02:99.004", "99/Nov/2026:01:02:03.004", "21/Xyz/2026:01:02:03.004"])
def test_a_message_with_an_impossible_date_takes_its_headers(date: str) -> None:
    document = interpreted(HEADERS["local"] + f"10.0.0.1:1 [{date}] tls/1: SSL handshake failure".encode())
    assert document["event.action"] == "tls_handshake_failed"
    assert document["@timestamp"] == "2026-11-21T01:02:03.000000Z"


@pytest.mark.parametrize(
    "message", ["", " ", "Server", "Server b is DOWN", "Proxy", "hello [ALERT] (1) : x", "last message"]
)
def test_what_haproxy_does_not_say_is_no_event(message: str) -> None:
    assert read_event(message.encode()) is None


@given(st.sampled_from([message.encode() for _, message, _ in EVENTS]), st.integers(0, 60), st.binary(max_size=3))
def test_no_bytes_raise(message: bytes, at: int, bytes_: bytes) -> None:
    read_event(message[:at] + bytes_ + message[at:])


@pytest.mark.parametrize(
    "hostile",
    [
        "Server b/s1 is DOWN" + ", reason: x" * 5_000,
        "Server b/s1 is going DOWN for maintenance" + " (x)" * 15_000,
        "Blocking " + " in response from instance " * 2_000,
        "b/s1 changed its IP from a to b" + " by x." * 10_000,
        "[ALERT] (1) : " + "a" * 60_000,
        "Starting [" + "a" * 60_000,
        "Proxy b reached " + "x " * 30_000,
        "Server b/s1 remains" + " maintenance" * 5_000,
        'Server b/s1 is DOWN, reason: x, info: "' + '", check duration: 1ms' * 3_000,
        "Failed to run external health check: " + ". Aborting." * 5_000 + "x",
        "Server b/s1 is DOWN" + " via a/b" * 8_000,
        "127.0.0.1:1 [" + "] a/" * 15_000,
    ],
    ids=range(12),
)
def test_reading_takes_linear_time(hostile: str) -> None:
    started = datetime.now(UTC)
    for _ in range(20):
        read_event(hostile.encode())
    assert (datetime.now(UTC) - started).total_seconds() < 1
