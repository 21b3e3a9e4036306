"""Lines in which HAProxy speaks of itself, read.

1. A message is an event when a shape matches all of it; they are tried in their order.
2. A message that may be the beginning of shapes was cut: it has what all of them say, and only values whose end is
   seen. Of what it is about, something must be there.
3. What HAProxy writes to stderr or the journal has its level and process in front (`[ALERT]    (123) : …`). These are
   taken off first; with them a message is an event whatever it says.
4. What a shape names becomes an attribute, and the whole message stays readable as ``message``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from shipper.haproxy.event_shapes import DATE_GROUP, ENDS, SHAPES, WORDINGS
from shipper.haproxy.fields import address, count, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.haproxy.event_shapes import Shape
    from shipper.haproxy.record import Attributes

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
    "known": _word("event_reason"),
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


_Read: TypeAlias = "tuple[Attributes, bytes]"


def read_event(message: bytes, *, cut: bool = False) -> _Read | None:
    """Read a message into the record's attributes and the date in it (empty: none); None when it is no event.

    One that ends too soon is `truncated`; with ``cut`` it is known to, whatever it looks like.
    """
    level = _LEVEL.match(message)
    start = level.end() if level else 0
    read = None if cut else _whole(message, start, SHAPES)
    read = read or _cut(message, start, None if cut else _whole(message, start, WORDINGS))
    if level is None:
        return read
    attributes, date = read or (_said("process_reported") | ({"truncated": "line"} if cut else {}), b"")
    return attributes | {"message": text(message)} | _values(level.groupdict()), date


def _whole(message: bytes, start: int, shapes: tuple[Shape, ...]) -> _Read | None:
    """Read the first shape that matches all of a message."""
    for shape in shapes:
        match = shape.whole.fullmatch(message, start)
        if match is not None:
            return _event(message, shape.action, match.groupdict())
    return None


def _cut(message: bytes, start: int, wording: _Read | None) -> _Read | None:
    """Read what is sure of a message that ends too soon: what all say whose beginning it may be.

    ``wording`` is what it is if it does not; it counts where the beginning names nothing.
    """
    readings = []
    about_nothing = True
    for shape in SHAPES:
        match = shape.cut.fullmatch(message, start)
        if match is not None:
            ended = {name: raw for name, raw in match.groupdict().items() if _is_ended(match, name)}
            readings.append(_event(message, shape.action, ended))
            about_nothing = about_nothing and not ended
    if about_nothing:
        if wording is None or not readings:
            return wording
        readings.append(wording)
    first, date = readings[0]
    sure = {name: value for name, value in first.items() if all(other.get(name) == value for other, _ in readings)}
    return sure | {"truncated": "line"}, date


def _is_ended(match: re.Match[bytes], group: str) -> bool:
    """Tell whether a value is there and what ends it, too."""
    return bool(match[group]) and match.end(group) + ENDS.get(group, 1) <= len(match.string)


def _event(message: bytes, action: str, groups: dict[str, bytes | None]) -> _Read:
    return _said(action) | {"message": text(message)} | _values(groups), groups.get(DATE_GROUP) or b""


def _said(action: str) -> Attributes:
    return {"line": "event", "event_kind": "event", "event_action": action} | _CLASSES.get(action, {})


def _values(groups: dict[str, bytes | None]) -> Attributes:
    attributes: Attributes = {}
    for name, raw in groups.items():
        if raw and name in _READERS:
            attributes |= _READERS[name](raw)
    return attributes


def match_event(message: bytes) -> tuple[str, list[re.Match[bytes]]] | None:
    """Give the action of an event and what matched, its level and its shape; None when it is no event.

    Of one that was cut it is the first shape that it may be of, and values that were cut are among its groups.
    """
    level = _LEVEL.match(message)
    start = level.end() if level else 0
    front = [level] if level else []
    for shape in (*SHAPES, *WORDINGS):
        match = shape.whole.fullmatch(message, start)
        if match is not None:
            return shape.action, [*front, match]
    for shape in SHAPES:
        match = shape.cut.fullmatch(message, start)
        if match is not None:
            return shape.action, [*front, match]
    return ("process_reported", front) if front else None
