"""Syslog headers as HAProxy writes them (manual, `log … format`), and where the message begins.

| format | header |
|---|---|
| local (the default) | `<134>Nov 21 01:02:03 haproxy[123]: ` |
| rfc3164 | `<134>Nov 21 01:02:03 host haproxy[123]: ` |
| rfc5424 | `<134>1 2026-11-21T01:02:03.456789+01:00 host haproxy 123 - - ` |
| raw | nothing, or `<134>` alone |

A line without a header is a message from its first byte on. `log-format-sd` may write structured data that is none:
it then ends at its first `] `.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from shipper.haproxy.fields import text
from shipper.haproxy.record import LONG_MAX
from shipper.haproxy.timestamps import read_iso, read_without_year

if TYPE_CHECKING:
    from shipper.haproxy.record import Attributes

PRIORITY_MAX: Final = 191
"""Facility 23, severity 7 (RFC 5424, 6.2.1)."""

_HEADER: Final = re.compile(
    rb"(?:<(?P<priority>[0-9]{1,3})>)?"
    rb"(?:"
    rb"1 (?P<iso>[^ ]{1,64}) (?P<host>[^ ]{1,255}) (?P<app>[^ ]{1,255}) (?P<proc>[^ ]{1,128}) (?P<msgid>[^ ]{1,64}) "
    rb'(?:-|(?:\[(?:[^\]"\\]++|"(?:[^"\\]++|\\.)*+"|\\.)*+\])++|\[.*?\])(?: |\Z)'
    rb"|"
    rb"(?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-3][0-9]) (?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}) "
    rb"(?:(?P<host3>[^ \[]{0,254}[^ :\[]) )?(?P<tag>[^ \[\]:]{1,255})(?:\[(?P<pid>[^ \[\]]{1,128})\])?: ?"
    rb")?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Who a header says it is from; equal headers share one."""

    attributes: Attributes
    hostname: str


@dataclass(frozen=True, slots=True)
class Header:
    """What stood in front of the message, and when it says it was sent: as ``iso``, or without a year as ``date``."""

    raw: bytes
    identity: Identity
    iso: tuple[int, int | None] | None
    """Wall time and offset, in microseconds."""
    date: tuple[bytes, bytes, bytes] | None
    """Month, day and time of day."""

    @property
    def end(self) -> int:
        """Where the message begins."""
        return len(self.raw)

    def wall(self, near_us: int) -> int | None:
        """Give the header's wall time, in the year that brings it nearest to ``near_us`` where it names none."""
        if self.iso is not None:
            return self.iso[0]
        return read_without_year(*self.date, near_us) if self.date else None

    @property
    def moment(self) -> int | None:
        """Give the header's moment, where it has an offset."""
        if self.iso is None or self.iso[1] is None:
            return None
        return self.iso[0] - self.iso[1]


def match_header(line: bytes) -> bytes:
    """Give the bytes of the header: everything in front of the message, possibly nothing."""
    match = _HEADER.match(line)
    return match[0] if match else b""


def read_header(header: bytes) -> Header:
    """Read what ``match_header`` gave."""
    match = _HEADER.fullmatch(header)
    if match is None:
        return Header(header, _identity(None, None, None, None), None, None)
    priority, iso, host, app, proc, _, month, day, clock, host3, tag, pid = match.groups()
    identity = _identity(priority, host or host3, app or tag, proc or pid)
    return Header(header, identity, read_iso(iso) if iso else None, (month, day, clock) if month else None)


@lru_cache(maxsize=1024)
def _identity(priority: bytes | None, host: bytes | None, tag: bytes | None, procid: bytes | None) -> Identity:
    hostname = _word(host)
    return Identity(_priority(priority) | _names(hostname, _word(tag)) | _process(_word(procid)), hostname)


def _word(raw: bytes | None) -> str:
    return "" if raw is None or raw == b"-" else text(raw)


def _priority(raw: bytes | None) -> Attributes:
    if raw is None or int(raw) > PRIORITY_MAX:
        return {}
    priority = int(raw)
    return {"syslog_priority": priority, "syslog_facility": priority >> 3, "syslog_severity": priority & 7}


def _names(hostname: str, tag: str) -> Attributes:
    attributes: Attributes = {}
    if hostname:
        attributes["syslog_hostname"] = hostname
    if tag:
        attributes |= {"syslog_appname": tag, "process_name": tag}
    return attributes


def _process(procid: str) -> Attributes:
    if not procid:
        return {}
    if procid.isascii() and procid.isdigit() and int(procid) <= LONG_MAX:
        return {"syslog_procid": procid, "process_pid": int(procid)}
    return {"syslog_procid": procid}
