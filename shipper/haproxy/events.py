"""Lines in which HAProxy speaks of itself: servers, checks, proxies, its own processes, connections without a request.

1. A message is an event when one of ``_SHAPES`` matches all of it; they are tried in their order.
2. What HAProxy writes to stderr or the journal has its level and process in front (`[ALERT]    (123) : …`). These are
   taken off first; with them a message is an event whatever it says.
3. What a shape names becomes an attribute, and the whole message stays readable as ``message``.
4. Each shape is literal text between names and numbers, and what may be anything comes last: reading is linear.

The words are those of HAProxy 1.4 to 3.x: checked against a running 2.6, and for the rest against its sources
(`server.c`, `check.c`, `proxy.c`, `listener.c`, `session.c`, `mworker.c`, `haproxy.c`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from shipper.haproxy.fields import address, count, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.haproxy.record import Attributes

DATE_GROUP: Final = "date"
"""The group of a shape that holds a date as `%t` has it."""

# -- grammar ---------------------------------------------------------------------------------------------------------

_NAME: Final = rb"[A-Za-z0-9._:<>-]{1,255}"
_NUMBER: Final = rb"[0-9]{1,18}"
_DATE: Final = rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
_ADDRESS: Final = rb"unix|[0-9A-Fa-f:.]{2,45}"
_CLIENT: Final = rb"(?P<client>" + _ADDRESS + rb"):(?P<client_port>[0-9]{1,10})"
_OF: Final = rb"(?P<backend>" + _NAME + rb")/(?P<server>" + _NAME + rb")"
_SERVER: Final = rb"(?:Backup )?Server " + _OF + rb"(?: \('[^']*+'\))? "
_CHECKED: Final = rb"(?:Health|Agent) check for (?:backup )?server " + _OF + rb" "
_PROXY: Final = rb"(?:frontend|proxy|listener) (?P<frontend>" + _NAME + rb")"
_WORKER: Final = rb"(?:worker|program '[^']*+')(?: #[0-9]{1,9})? \([0-9]{1,10}\)"
_EXIT: Final = rb"(?P<exit>[0-9]{1,9})"
_WHY: Final = (
    rb"(?: (?P<via>via " + _NAME + rb"/" + _NAME + rb"))?"
    rb"(?: \((?P<why>[^)]*+)\))?(?:, (?P<changed>changed from [^.,]++))?"
)  # fmt: skip
_CHECK: Final = (
    rb"(?:, reason: (?P<reason>[^,.]++))?(?:, code: (?P<code>[0-9]{1,9}))?"
    rb'(?:, info: "(?P<info>[^"]*+)")?(?:, check duration: (?P<duration>' + _NUMBER + rb")ms)?"
)
_REST: Final = rb"(?:[.,] .*|\.)?"
_LEFT: Final = (
    rb"(?:\. (?P<active>" + _NUMBER + rb") active and (?P<backup>" + _NUMBER + rb") backup servers (?:left|online)\."
    rb"(?: Running on backup\.)? "
    rb"(?:(?P<sessions>" + _NUMBER + rb") sessions active, (?P<moved>" + _NUMBER + rb") requeued, "
    rb"(?P<waiting>" + _NUMBER + rb") remaining in queue"
    rb"|(?P<requeued>" + _NUMBER + rb") sessions requeued, (?P<queued>" + _NUMBER + rb") total in queue)"
    rb"\.?+)?" + _REST
)  # fmt: skip
_BEFORE_REQUEST: Final = (
    rb"(?:" + _CLIENT + rb"|unknown) \[(?P<date>" + _DATE + rb")\] "
    rb"(?P<frontend>" + _NAME + rb")/(?P<bind>[^ ]{1,255}): "
)  # fmt: skip
_TLS: Final = (
    rb"(?P<error>(?:[A-Z][a-z ]{0,40} )?SSL handshake.*|SSL client .*|Out of memory when initializing an SSL .*"
    rb"|Rejected a client-initiated SSL .*|Stopped a TLSv1 .*)"
)

# -- shapes ----------------------------------------------------------------------------------------------------------

_Shapes: TypeAlias = tuple[tuple[str, bytes], ...]

_CONNECTIONS: Final[_Shapes] = (
    (
        "connect",
        rb"Connect (?:from " + _CLIENT + rb" to (?P<to>" + _ADDRESS + rb"):(?P<to_port>[0-9]{1,10})"
        rb"|(?:from unknown source to listener |to unix:)(?P<bind>[0-9]{1,10}))"
        rb" \((?P<frontend>" + _NAME + rb")/(?P<mode>HTTP|TCP)\)",
    ),
    ("tls_handshake_failed", _BEFORE_REQUEST + _TLS),
    ("connection_failed", _BEFORE_REQUEST + rb"(?P<error>[A-Z].*|unknown connection error.*)"),
    (
        "response_blocked",
        rb"Blocking .* in response from instance (?P<backend>" + _NAME + rb"), server (?P<server>" + _NAME + rb")\.",
    ),
)  # fmt: skip
_SERVERS: Final[_Shapes] = (
    (
        "server_maintenance",
        _SERVER + rb"(?:(?:is|was) (?:going )?DOWN (?:for|and now enters) maintenance"
        rb"|(?:is leaving|remains|resolves)[^.,]* maintenance)" + _WHY + _CHECK + _LEFT,
    ),
    (
        "server_drain",
        _SERVER + rb"(?:enters drain state|is stopping|is UP/DRAIN|(?:is leaving|remains)[^.,]* drain mode)"
        + _WHY + _CHECK + _LEFT,
    ),
    ("server_up", _SERVER + rb"is UP(?:/READY)?" + _WHY + _CHECK + _LEFT),
    ("server_down", _SERVER + rb"is DOWN(?:/[A-Z]{1,9})?" + _WHY + _CHECK + _LEFT),
    (
        "server_address_changed",
        _OF + rb"(?: changed its (?:IP|FQDN|port)|: (?:IP|port) changed) from [^ ]{1,255} to [^ ]{1,255}"
        rb"(?: port changed[^.]{1,99})?(?: by (?P<by>[^.]++)\.?)?",
    ),
    ("server_changed", _SERVER + rb"(?:is|was|enters|leaves|remains|changed|administratively) .*"),
    ("health_check_failed", _CHECKED + rb"failed" + _CHECK + _REST),
    ("health_check_succeeded", _CHECKED + rb"(?:conditionally )?succeeded" + _CHECK + _REST),
    (
        "health_check_not_run",
        rb"Starting \[(?P<backend>" + _NAME + rb"):(?P<server>" + _NAME + rb")\] check: (?P<error>.*)",
    ),
    ("health_check_not_run", rb"(?P<error>(?:External check: |Failed to .{1,64} external health check|Starting \[).*)"),
    ("no_server_available", rb"(?:backend|proxy|listen) '?(?P<backend>" + _NAME + rb")'? has no server available!"),
)  # fmt: skip
_PROXIES: Final[_Shapes] = (
    ("proxy_started", rb"Proxy (?P<proxy>" + _NAME + rb") started\."),
    ("proxy_stopped", rb"Proxy (?P<proxy>" + _NAME + rb") (?:hard-)?stopped \(.*\)\."),
    ("proxy_stopping", rb"Stopping (?:" + _PROXY + rb"|backend (?P<backend>" + _NAME + rb"))(?: in [0-9]++ ms)?\."),
    ("proxy_paused", rb"Paus(?:ed|ing) " + _PROXY + rb"\."),
    ("proxy_resumed", rb"(?:Resumed|Enabling) " + _PROXY + rb"\."),
    ("proxy_limit_reached", rb"Proxy (?P<proxy>" + _NAME + rb") reached (?P<reached>[^.(]{1,99}[^.( ]).*"),
    ("state_reported", rb"SIGHUP: Server " + _OF + rb" is .*"),
    ("state_reported", rb"SIGHUP: Proxy (?P<proxy>" + _NAME + rb") .*"),
    ("state_reported", rb"SIGHUP received, dumping servers states for proxy (?P<proxy>" + _NAME + rb")\."),
    ("spoe_processed", rb"SPOE: \[[^\]]{1,255}\] <(?:EVENT|GROUP|TYPE):[^>]{1,255}> .*"),
)  # fmt: skip
_PROCESSES: Final[_Shapes] = (
    ("worker_started", rb"New " + _WORKER + rb" forked|Initializing new worker \([0-9]{1,10}\)"),
    ("worker_exited", rb"(?:Former|Current) " + _WORKER + rb" exited with code " + _EXIT + rb" \((?P<why>[^)]*+)\)"),
    ("master_reloading", rb"Reloading HAProxy.*|Re-?executing Master process.*"),
    ("master_exiting", rb"Exiting Master process.*|All workers (?:exited|are dead)\. Exiting.*\(" + _EXIT + rb"\)"),
    ("configuration_loaded", rb"Loading success\."),
    ("configuration_refused", rb"Loading failure!|(?:config : )?(?:Error\(s\)|Fatal errors) found in configuration.*"),
    ("configuration_reported", rb"(?:config : .*|[Pp]arsing \[[^\]]{1,4096}\].*|Configuration file is valid)"),
    ("version_reported", rb"(?:haproxy|HAProxy) version is (?P<version>[^ ]{1,255})|path to executable is .*"),
    ("process_reported", rb"Some (?:proxies|tasks) (?:refused|resisted) .*|soft-stop running for too long.*"),
    ("process_reported", rb"(?:SPOE|exit-on-failure|haproxy-systemd-wrapper): .*"),
    ("message_repeated", rb"(?:last )?message repeated (?P<repeated>" + _NUMBER + rb") times?(?:\.|: \[.*\])?"),
)  # fmt: skip
_SHAPES: Final = tuple(
    (action, re.compile(shape, re.DOTALL))
    for shapes in (_CONNECTIONS, _SERVERS, _PROXIES, _PROCESSES)
    for action, shape in shapes
)

_LEVEL: Final = re.compile(
    rb"\[(?P<level>ALERT|WARNING|NOTICE|DIAG)\] {1,9}(?:[0-9]{3}/[0-9]{6} )?\((?P<pid>[0-9]{1,10})\) : ?"
)
"""What `ha_alert()` and its kin put in front on stderr; before 2.4 with day of the year and time."""

# -- meaning ---------------------------------------------------------------------------------------------------------

_CLASSES: Final[dict[str, Attributes]] = {
    "connect": {"event_category": "network", "event_type": "connection"},
    "tls_handshake_failed": {"event_category": "network", "event_type": "connection", "event_outcome": "failure"},
    "connection_failed": {"event_category": "network", "event_type": "connection", "event_outcome": "failure"},
    "response_blocked": {"event_category": "web", "event_type": "denied"},
    "health_check_failed": {"event_outcome": "failure"},
    "health_check_succeeded": {"event_outcome": "success"},
    "health_check_not_run": {"event_outcome": "failure"},
    "worker_started": {"event_category": "process", "event_type": "start"},
    "worker_exited": {"event_category": "process", "event_type": "end"},
    "master_reloading": {"event_category": "process", "event_type": "change"},
    "master_exiting": {"event_category": "process", "event_type": "end"},
    "configuration_loaded": {"event_category": "configuration", "event_type": "change", "event_outcome": "success"},
    "configuration_refused": {"event_category": "configuration", "event_type": "change", "event_outcome": "failure"},
    "configuration_reported": {"event_category": "configuration", "event_type": "info"},
}
"""What ECS calls an event; it has no category for servers and proxies of a load balancer."""


def _word(attribute: str) -> Callable[[bytes], Attributes]:
    return lambda raw: {attribute: text(raw)}


def _lower(attribute: str) -> Callable[[bytes], Attributes]:
    return lambda raw: {attribute: text(raw).lower()}


def _exit(raw: bytes) -> Attributes:
    code = int(raw)
    return {"process_exit_code": code, "event_outcome": "failure" if code else "success"}


_READERS: Final[dict[str, Callable[[bytes], Attributes]]] = {
    "level": _lower("log_level"),
    "pid": count("process_pid"),
    "backend": _word("backend_name"),
    "server": _word("server_name"),
    "frontend": _word("frontend_name"),
    "proxy": _word("proxy_name"),
    "bind": _word("bind_name"),
    "mode": _lower("mode"),
    "via": _word("event_reason"),
    "by": _word("event_reason"),
    "reached": _word("event_reason"),
    "why": _word("event_reason"),
    "changed": _word("event_reason"),
    "reason": _word("event_reason"),
    "code": count("check_code"),
    "info": _word("check_info"),
    "duration": count("check_duration_ms"),
    "active": count("servers_active"),
    "backup": count("servers_backup"),
    "sessions": count("sessions_active"),
    "moved": count("sessions_requeued"),
    "requeued": count("sessions_requeued"),
    "waiting": count("sessions_queued"),
    "queued": count("sessions_queued"),
    "exit": _exit,
    "version": _word("observer_version"),
    "repeated": count("repeated"),
    "error": _word("connection_error"),
    "client": address("source"),
    "client_port": count("source_port"),
    "to": address("destination"),
    "to_port": count("destination_port"),
}
"""What each group of a shape gives."""


def read_event(message: bytes) -> tuple[Attributes, bytes] | None:
    """Read a message into the record's attributes and the date in it (empty: none); None when it is no event."""
    found = match_event(message)
    if found is None:
        return None
    action, matches = found
    attributes: Attributes = {"line": "event", "event_kind": "event", "event_action": action, "message": text(message)}
    attributes |= _CLASSES.get(action, {})
    date = b""
    for match in matches:
        for name, raw in match.groupdict().items():
            if raw and name in _READERS:
                attributes |= _READERS[name](raw)
            elif raw and name == DATE_GROUP:
                date = raw
    return attributes, date


def match_event(message: bytes) -> tuple[str, list[re.Match[bytes]]] | None:
    """Give the action of an event and what matched, its level and its shape; None when it is no event."""
    level = _LEVEL.match(message)
    front = [level] if level else []
    for action, shape in _SHAPES:
        match = shape.fullmatch(message, level.end() if level else 0)
        if match is not None:
            return action, [*front, match]
    return ("process_reported", front) if front else None
