"""Messages of a real HAProxy 2.6.12 about itself, and those that its source has besides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.haproxy.events import read_event
from tests.haproxy.lines import HEADERS, interpreted

B = {"haproxy.backend_name": "b", "haproxy.server_name": "s1"}
CLIENT = {"source.address": "127.0.0.1", "source.ip": "127.0.0.1", "source.port": 46912}
SERVERS = "0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue."
EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "connect",
        "Connect from 127.0.0.1:46912 to ::1:16090 (srv/HTTP)",
        CLIENT
        | {
            "destination.address": "::1",
            "destination.ip": "::1",
            "destination.port": 16090,
            "haproxy.frontend_name": "srv",
            "haproxy.mode": "http",
        },
    ),
    ("server_down", f"Server b/s1 is DOWN. {SERVERS}", B),
    ("server_down", f"Backup Server b/s1 is DOWN. {SERVERS}", B),
    ("server_down", f"Server b/s1 is DOWN, changed from CLI. {SERVERS}", B | {"event.reason": "changed from CLI"}),
    (
        "server_down",
        f'Server b/s1 is DOWN, reason: Layer7 wrong status, code: 503, info: "Oops", check duration: 12ms. {SERVERS}',
        B | {"event.reason": "Layer7 wrong status", "haproxy.check.code": 503, "haproxy.check.duration_ms": 12},
    ),
    ("server_up", "Server b/s1 is UP. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.", B),
    (
        "server_up",
        "Server b/s1 is UP/READY (leaving forced maintenance).",
        B | {"event.reason": "leaving forced maintenance"},
    ),
    ("server_up", "Server b/s1 is UP (leaving forced drain).", B | {"event.reason": "leaving forced drain"}),
    ("server_maintenance", f"Server b/s1 is going DOWN for maintenance. {SERVERS}", B),
    ("server_maintenance", f"Server b/s1 was DOWN and now enters maintenance. {SERVERS}", B),
    ("server_drain", "Server b/s1 enters drain state. 0 active and 0 backup servers online.", B),
    ("server_changed", "Server b/s1 changed its IP from 127.0.0.1 to 127.0.0.2 by DNS cache", B),
    (
        "health_check_failed",
        'Health check for backup server b/s1 failed, reason: Layer4 timeout, info: "x", check duration: 0ms, s: 0.',
        B | {"event.reason": "Layer4 timeout", "haproxy.check.duration_ms": 0},
    ),
    (
        "health_check_succeeded",
        "Agent check for server b/s1 succeeded, reason: Layer7 check passed, code: 200, check duration: 0ms.",
        B | {"event.reason": "Layer7 check passed", "haproxy.check.code": 200, "haproxy.check.duration_ms": 0},
    ),
    ("no_server_available", "backend b has no server available!", {"haproxy.backend_name": "b"}),
    ("proxy_started", "Proxy b started.", {}),
    ("proxy_stopped", "Proxy <HTTPCLIENT> stopped (cumulated conns: FE: 0, BE: 0).", {}),
    ("proxy_stopping", "Stopping frontend f in 0 ms.", {"haproxy.frontend_name": "f"}),
    ("proxy_paused", "Paused frontend f.", {"haproxy.frontend_name": "f"}),
    ("proxy_resumed", "Resumed frontend f.", {"haproxy.frontend_name": "f"}),
    (
        "tls_handshake_failed",
        "127.0.0.1:46912 [21/Nov/2026:01:02:03.004] tls/1: SSL handshake failure",
        CLIENT
        | {
            "haproxy.frontend_name": "tls",
            "haproxy.bind_name": "1",
            "haproxy.error_message": "SSL handshake failure",
            "@timestamp": "2026-11-21T01:02:03.004000Z",
        },
    ),
    (
        "tls_handshake_failed",
        "127.0.0.1:46912 [21/Nov/2026:01:02:03.004] tls/1: Connection closed during SSL handshake",
        CLIENT
        | {
            "haproxy.frontend_name": "tls",
            "haproxy.bind_name": "1",
            "haproxy.error_message": "Connection closed during SSL handshake",
        },
    ),
    (
        "connection_failed",
        "127.0.0.1:46912 [21/Nov/2026:01:02:03.004] fe/http: Received something which is no PROXY header",
        CLIENT
        | {
            "haproxy.frontend_name": "fe",
            "haproxy.bind_name": "http",
            "haproxy.error_message": "Received something which is no PROXY header",
        },
    ),
]


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
    named = {path for path in document if path.startswith(("haproxy.", "event.reason", "source.", "destination."))}
    assert named - {"haproxy.line"} == {path for path in expected if path != "@timestamp"}


@pytest.mark.parametrize("date", ["21/Nov/2026:01:02:99.004", "99/Nov/2026:01:02:03.004", "21/Xyz/2026:01:02:03.004"])
def test_a_message_with_an_impossible_date_takes_its_headers(date: str) -> None:
    document = interpreted(HEADERS["local"] + f"10.0.0.1:1 [{date}] tls/1: SSL handshake failure".encode())
    assert document["event.action"] == "tls_handshake_failed"
    assert document["@timestamp"] == "2026-11-21T01:02:03.000000Z"


@given(st.sampled_from([message.encode() for _, message, _ in EVENTS]), st.integers(0, 60), st.binary(max_size=3))
def test_no_bytes_raise(message: bytes, at: int, bytes_: bytes) -> None:
    read_event(message[:at] + bytes_ + message[at:])
