"""Lines in which HAProxy speaks of itself: servers, health checks, proxies, connections that never became a request.

1. A message is an event when one of ``_SHAPES`` matches all of it; they are tried in their order.
2. What a shape names becomes an attribute, and the whole message stays readable as ``message``.
3. Each shape is literal text between names and numbers, and what may be anything comes last: reading is linear.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.haproxy.fields import DATE, address, count, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.haproxy.record import Attributes

DATE_GROUP: Final = "date"
"""The group of a shape that holds a date as `%t` has it."""

_NAME: Final = rb"[A-Za-z0-9._:<>-]{1,255}"
_ADDRESS: Final = rb"unix|[0-9A-Fa-f:.]{2,45}"
_SERVER: Final = rb"(?:Backup )?Server (?P<backend>" + _NAME + rb")/(?P<server>" + _NAME + rb") "
_CHECKED: Final = (
    rb"(?:Health|Agent) check for (?:backup )?server (?P<backend>" + _NAME + rb")/(?P<server>" + _NAME + rb") "
)
_PROXY: Final = rb"(?:frontend|proxy|listener) (?P<frontend>" + _NAME + rb")"
_WHY: Final = rb"(?: \((?P<why>[^)]*+)\)|, (?P<changed>changed from [^.,]++))?"
_CHECK: Final = (
    rb"(?:, reason: (?P<reason>[^,.]++))?(?:, code: (?P<code>[0-9]{1,9}))?"
    rb'(?:, info: "[^"]*+")?(?:, check duration: (?P<duration>[0-9]{1,18})ms)?'
)
_REST: Final = rb"(?:[.,] .*|\.)?"
_BEFORE_REQUEST: Final = (
    rb"(?P<client>" + _ADDRESS + rb"):(?P<client_port>[0-9]{1,10}) \[(?P<date>" + DATE.pattern + rb")\] "
    rb"(?P<frontend>" + _NAME + rb")/(?P<bind>[^ ]{1,255}): "
)  # fmt: skip

_SHAPES: Final = tuple(
    (action, re.compile(shape, re.DOTALL))
    for action, shape in (
        (
            "connect",
            rb"Connect from (?P<client>" + _ADDRESS + rb"):(?P<client_port>[0-9]{1,10}) to (?P<to>" + _ADDRESS
            + rb"):(?P<to_port>[0-9]{1,10}) \((?P<frontend>" + _NAME + rb")/(?P<mode>HTTP|TCP)\)",
        ),
        ("server_up", _SERVER + rb"is UP(?:/READY)?" + _WHY + _CHECK + _REST),
        ("server_down", _SERVER + rb"is DOWN" + _WHY + _CHECK + _REST),
        ("server_maintenance", _SERVER + rb"(?:is going|was) DOWN (?:for|and now enters) maintenance" + _WHY + _REST),
        ("server_drain", _SERVER + rb"(?:enters drain state|is stopping|remains in drain mode)" + _WHY + _REST),
        ("server_changed", _SERVER + rb"(?:is|was|enters|leaves|remains|changed) .*"),
        ("health_check_failed", _CHECKED + rb"failed" + _CHECK + _REST),
        ("health_check_succeeded", _CHECKED + rb"(?:conditionally )?succeeded" + _CHECK + _REST),
        ("no_server_available", rb"(?:backend|proxy) (?P<backend>" + _NAME + rb") has no server available!"),
        ("proxy_started", rb"Proxy " + _NAME + rb" started\."),
        ("proxy_stopped", rb"Proxy " + _NAME + rb" stopped \(cumulated conns: FE: [0-9]++, BE: [0-9]++\)\."),
        ("proxy_stopping", rb"Stopping (?:" + _PROXY + rb"|backend (?P<backend>" + _NAME + rb")) in [0-9]++ ms\."),
        ("proxy_paused", rb"Paus(?:ed|ing) " + _PROXY + rb"\."),
        ("proxy_resumed", rb"(?:Resumed|Enabling) " + _PROXY + rb"\."),
        ("tls_handshake_failed", _BEFORE_REQUEST + rb"(?P<error>(?:[A-Z][a-z ]{0,40} )?SSL handshake.*)"),
        ("connection_failed", _BEFORE_REQUEST + rb"(?P<error>[A-Z].*)"),
    )
)  # fmt: skip
"""What happened, and what the message looks like. Checked against HAProxy 2.6, and its source for what is rare."""


def _word(attribute: str) -> Callable[[bytes], Attributes]:
    return lambda raw: {attribute: text(raw)}


_READERS: Final[dict[str, Callable[[bytes], Attributes]]] = {
    "backend": _word("backend_name"),
    "server": _word("server_name"),
    "frontend": _word("frontend_name"),
    "bind": _word("bind_name"),
    "mode": lambda raw: {"mode": text(raw).lower()},
    "why": _word("event_reason"),
    "changed": _word("event_reason"),
    "reason": _word("event_reason"),
    "code": count("check_code"),
    "duration": count("check_duration_ms"),
    "error": _word("connection_error"),
    "client": address("source"),
    "client_port": count("source_port"),
    "to": address("destination"),
    "to_port": count("destination_port"),
}
"""What each group of a shape gives."""


def read_event(message: bytes) -> tuple[Attributes, bytes] | None:
    """Read a message into the record's attributes and the date in it (empty: none); None when it is no event."""
    for action, shape in _SHAPES:
        match = shape.fullmatch(message)
        if match is not None:
            attributes: Attributes = {
                "line": "event",
                "event_kind": "event",
                "event_action": action,
                "message": text(message),
            }
            groups = match.groupdict()
            for name, read in _READERS.items():
                if groups.get(name):
                    attributes |= read(groups[name])
            return attributes, groups.get(DATE_GROUP) or b""
    return None
