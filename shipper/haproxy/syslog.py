"""Syslog headers as HAProxy and the relays behind it write them, and where the message begins.

| written by | header |
|---|---|
| HAProxy, `format local` (the default) | `<134>Nov 21 01:02:03 haproxy[123]: ` |
| `rfc3164`, or with `log-send-hostname` | `<134>Nov 21 01:02:03 host haproxy[123]: ` |
| `rfc5424` | `<134>1 2026-11-21T01:02:03.456789+01:00 host haproxy 123 - - ` |
| `priority`, `short` | `<134>`, `<6>` |
| `timed`, `iso` | `<6>2026-11-21T01:02:03.456789+01:00 `, `2026-11-21T01:02:03.456789+01:00 ` |
| `raw` | nothing |
| relays and files | the same with a year, a fraction or an ISO 8601 time, without a priority, behind a host or count |
| the journal, containers | `haproxy[123]: `, `2026-11-21T01:02:03.456789012Z stdout F ` |

1. A line without a header is a message from its first byte on. What may be a message is never taken for a header: what
   has no priority has a date and a tag, or a tag and a process, or a time with an offset.
2. A relay that did not understand a header puts its own in front: up to ``LAYERS_MAX`` are read. The inner ones are
   nearer to HAProxy and win; each needs a priority, or a tag with its process.
3. One digit from 0 to 7 is a severity alone (`short`, `timed`), unless a date and a host or tag follow: facility kern.
4. ``_LOCAL`` and ``_MODERN`` read what is usual, ``_PLAIN`` sees that there is nothing to read, ``_LAYERS`` read the
   rest. Every quantifier is bounded or possessive, so that reading is linear. Nothing raises.

`log-format-sd` may write structured data that is none: it then ends at its first `] `, or behind its last `name=value`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from shipper.haproxy.fields import text
from shipper.haproxy.record import LONG_MAX
from shipper.haproxy.timestamps import read_iso, read_with_year, read_without_year

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.record import Attributes

PRIORITY_MAX: Final = 191
"""Facility 23, severity 7 (RFC 5424, 6.2.1)."""
SEVERITY_MAX: Final = 7
LAYERS_MAX: Final = 3
"""HAProxy's own header and those of two relays."""

# -- grammar ---------------------------------------------------------------------------------------------------------

_PRIORITY: Final = rb"<(?P<priority>[0-9]{1,3})>"
_CLOCK: Final = rb"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?+)"
_HOST: Final = rb"(?:(?P<host>[^ \[]{0,254}[^ :\[]) )"
_PROCESS: Final = rb"(?P<tag>[^ \[\]]{1,255})\[(?P<pid>[^ \[\]]{1,128})\]: ?+"
_TAG: Final = (
    rb"(?P<tag>[^ \[\]:]{1,255}(?:(?: |:(?! ))[^ \[\]:]{1,64}){0,4}(?=\[[0-9]{1,10}\]: )|[^ \[\]:]{1,255})"
    rb"(?:\[(?P<pid>[^ \[\]]{1,128})\]: ?+|:(?: |\Z))"
)
"""A tag may have colons and blanks where its process follows, and where its first word is no host."""
_PAIR: Final = rb'[A-Za-z0-9_.@-]{1,64}=(?:"[^"]*+"|[^ "]*+)'
_STRUCTURED: Final = (
    rb'(?:-|(?:\[(?:[^\]"\\]++|"(?:[^"\\]++|\\.)*+"|\\.)*+\])++|\[.*?\]'
    rb"|" + _PAIR + rb"(?: " + _PAIR + rb")*+)(?: |\Z)"
)
_RFC5424: Final = (
    rb"1 (?P<iso>-|[0-9]{4}-[^ ]{1,60}) (?P<host>[^ ]{1,255}) (?P<tag>[^ ]{1,255}) (?P<pid>[^ ]{1,128}) "
    rb"[^ ]{1,64} " + _STRUCTURED
)
_MONTH: Final = rb"(?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-3]?[0-9]) (?:(?P<year>[0-9]{4}) )?" + _CLOCK + rb" "
_YEAR: Final = rb"(?P<year>[0-9]{4}) (?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-3]?[0-9]) " + _CLOCK + rb" "
_ISO: Final = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?+"
_OFFSET: Final = rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_TIME: Final = rb"(?P<iso>" + _ISO + _OFFSET + rb"?+) "
_MOMENT: Final = rb"(?P<iso>" + _ISO + _OFFSET + rb") "
_BARE: Final = rb"(?P<tag>[A-Za-z0-9_./-]{1,64})\[(?P<pid>[0-9]{1,10})\]: ?+"
_AGAIN: Final = rb"<[0-9]{1,3}>|[A-Z][a-z]{2} [ 0-9][0-9 ]|[0-9]{4}[ -]|last message repeated "
"""How what a relay puts a tagless header in front of may begin."""
_CLIENT: Final = rb"[0-9A-Fa-f.:]{2,45}:[0-9]{1,10} \["
"""How a line of traffic begins."""

_ALONE: Final = rb"(?!" + _AGAIN + rb"|\xEF)"
_LOCAL: Final = re.compile(
    rb"(?>(?:" + _PRIORITY + rb")?+(?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-3][0-9]) "
    rb"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}) " + _HOST + rb"?" + _TAG + rb")" + _ALONE
)
_MODERN: Final = re.compile(rb"(?>(?:" + _PRIORITY + rb")?+" + _RFC5424 + rb")" + _ALONE, re.DOTALL)
"""`local` and `rfc3164`, and `rfc5424`: what HAProxy writes, and most relays. No other header may follow."""

_PLAIN: Final = re.compile(rb"(?:<[0-9]{1,3}>)?+(?=" + _CLIENT + rb'|[{"])')
"""No header, or a priority alone: the message begins as most do."""

_LEAD: Final = rb"(?:\xEF\xBB\xBF)?+(?:[1-9][0-9]{0,6} (?=<))?+(?:" + _PRIORITY + rb")?+"
"""A byte order mark, the count of bytes that a relay left over (RFC 6587, 3.4.1), and the priority."""
_LAYERS: Final = tuple(
    re.compile(shape + rb"(?:\xEF\xBB\xBF)?+", re.DOTALL)
    for shape in (
        _LEAD + _RFC5424,
        _LEAD + _MONTH + _HOST + rb"?" + _TAG,
        _LEAD + _YEAR + _HOST + rb"?" + _PROCESS,
        _LEAD + _TIME + _HOST + rb"?" + _PROCESS,
        _LEAD + _MONTH + _HOST + rb"(?=" + _AGAIN + rb"|" + _CLIENT + rb"|\Z)",
        _LEAD + _TIME + _HOST + rb"(?=" + _AGAIN + rb"|\Z)",
        _LEAD + _MOMENT + rb"(?:std(?:out|err) [FP] )?",
        _LEAD + _BARE,
        rb"(?P<host>[^ <>\[\]{\"]{1,255}) " + _PRIORITY + _MONTH + _TAG,
        rb"(?:\xEF\xBB\xBF)?+(?:[1-9][0-9]{0,6} (?=<))?+" + _PRIORITY,
        rb"\xEF\xBB\xBF",
    )
)
"""One header, in the order in which they are tried."""
_MORE: Final = re.compile(_AGAIN + rb"|[1-9][0-9]{0,6} <|" + _BARE)
"""How an inner header may begin."""

# -- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Who a header says it is from; equal headers share one."""

    attributes: Attributes
    hostname: str

    @property
    def tag(self) -> str:
        """The syslog tag."""
        return str(self.attributes.get("syslog_appname", ""))


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
    match = _LOCAL.match(line) or _MODERN.match(line) or _PLAIN.match(line)
    if match is not None:
        return match[0]
    layers = _layers(line)
    return line[: layers[-1].end()] if layers else b""


def read_header(header: bytes) -> Header:
    """Read what ``match_header`` gave."""
    local = _LOCAL.fullmatch(header)
    if local is not None:
        priority, month, day, clock, host, tag, pid = local.groups()
        return Header(header, _identity(priority, host, tag, pid), None, (month, day, clock))
    modern = _MODERN.fullmatch(header)
    if modern is not None:
        priority, iso, host, tag, pid = modern.groups()
        return Header(header, _identity(priority, host, tag, pid), read_iso(iso), None)
    return _read_layers(header)


def find_values(header: bytes) -> list[dict[str, tuple[int, int]]]:
    """Give begin and end of each value of a header by name (`host`, `iso`, `clock`, ...), the outermost first."""
    usual = _LOCAL.fullmatch(header) or _MODERN.fullmatch(header)
    layers = [usual] if usual else _layers(header)
    return [{name: layer.span(name) for name, value in layer.groupdict().items() if value} for layer in layers]


DATE_VALUES: Final = ("iso", "year", "month", "day", "clock")
"""What a date consists of."""


def _layers(line: bytes) -> list[re.Match[bytes]]:
    """Give the headers that a line has one behind the other."""
    layers: list[re.Match[bytes]] = []
    layer = _layer(line, 0)
    while layer is not None:
        layers.append(layer)
        end = layer.end()
        more = len(layers) < LAYERS_MAX and _MORE.match(line, end)
        layer = _layer(line, end) if more else None
        if layer is not None and _named(layer).keys().isdisjoint(("priority", "severity", "pid")):
            break
    return layers


def _layer(line: bytes, start: int) -> re.Match[bytes] | None:
    for shape in _LAYERS:
        match = shape.match(line, start)
        if match is not None:
            return match
    return None


def _named(layer: re.Match[bytes]) -> dict[str, bytes]:
    """Give what a header names; a `-` names nothing."""
    named = {name: value for name, value in layer.groupdict().items() if value and value != b"-"}
    complete = ("iso" in named or "clock" in named) and ("host" in named or "tag" in named)
    priority = named.get("priority", b"")
    if len(priority) == 1 and int(priority) <= SEVERITY_MAX and not complete:
        named["severity"] = named.pop("priority")
    return named


_KIN: Final = (("tag", "pid"), DATE_VALUES, ("priority", "severity"))
"""What is taken from one header together."""


def _read_layers(header: bytes) -> Header:
    """Read a header that is none of the usual: the inner ones win, each with all that belongs together."""
    named: dict[str, bytes] = {}
    for layer in _layers(header):
        found = _named(layer)
        outer = {name for kin in _KIN if not found.keys().isdisjoint(kin) for name in kin}
        named = {name: value for name, value in named.items() if name not in outer} | found
    identity = _identity(*(named.get(name) for name in ("priority", "host", "tag", "pid", "severity")))
    return Header(header, identity, *_time(named))


def _time(named: Mapping[str, bytes]) -> tuple[tuple[int, int | None] | None, tuple[bytes, bytes, bytes] | None]:
    """Read the time of a header, with its year, or as month, day and time of day."""
    if "iso" in named:
        return read_iso(named["iso"]), None
    if "clock" not in named:
        return None, None
    date = named["month"], named["day"], named["clock"]
    if "year" not in named:
        return None, date
    wall = read_with_year(named["year"], *date)
    return None if wall is None else (wall, None), None


@lru_cache(maxsize=1024)
def _identity(
    priority: bytes | None, host: bytes | None, tag: bytes | None, procid: bytes | None, severity: bytes | None = None
) -> Identity:
    hostname = _word(host)
    attributes = _priority(priority) | ({"syslog_severity": int(severity)} if severity else {})
    return Identity(attributes | _names(hostname, _word(tag)) | _process(_word(procid)), hostname)


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
