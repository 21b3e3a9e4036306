"""Headers for captured lines that have none: many files hold only what HAProxy wrote behind it. Pure.

The time is that at which the line was written; the priority is that of `log … local0 info`, the tag HAProxy's own.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from shipper.haproxy.syslog import match_header
from shipper.haproxy.timestamps import MONTHS, SECOND_US, day, format_timestamp, zone_wall

HeaderKind: TypeAlias = Literal["local", "rfc5424"]

_PRIORITY = 134
_NAMES = {number: name.decode() for name, number in MONTHS.items()}


def with_header(raw: bytes, kind: HeaderKind, written_us: int, zone: str) -> bytes:
    """Put a header in front of a line that has none: with the wall time of ``zone``, or with the time in UTC."""
    if match_header(raw):
        return raw
    if kind == "rfc5424":
        return f"<{_PRIORITY}>1 {format_timestamp(written_us)} - haproxy - - - ".encode() + raw
    wall_us = zone_wall(zone, written_us)
    date = day(wall_us)
    clock = format_timestamp(wall_us // SECOND_US * SECOND_US)[11:19]
    return f"<{_PRIORITY}>{_NAMES[date.month]} {date.day:2} {clock} haproxy: ".encode() + raw
