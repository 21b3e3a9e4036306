"""Lines moved to another time: the dates in header and body are rewritten, and everything else stays as it is.

1. One line moves by one distance, header and body alike: what was offered between its begin and its end stays.
2. A date keeps its format, its width and its precision; what it leaves out is cut off, not rounded.
3. A date with an offset keeps the offset. One without is a wall time: it becomes that of the new moment in its zone,
   on the other side of a change of the clocks as well. There it may occur twice, and no line can say which is meant.
4. A header without a fraction of the second has that of the line's end, where that lies in the same second.
5. A line without any date that is one stays as it is; so does one whose new time no document could hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from shipper.haproxy.clock import EPOCHS, MS_US, Instant
from shipper.haproxy.event_shapes import DATE_GROUP
from shipper.haproxy.fields import ABSENT
from shipper.haproxy.formats import groups_in_use
from shipper.haproxy.places import locate
from shipper.haproxy.steps import Decode
from shipper.haproxy.syslog import find_values, match_header, read_header
from shipper.haproxy.timestamps import (
    MONTH_NAMES,
    SECOND_US,
    TIMESTAMP_US_MAX,
    format_haproxy_second,
    format_second,
    read_haproxy_second,
    read_iso,
    read_with_year,
    read_without_year,
    zone_moment,
    zone_wall,
)
from shipper.haproxy.understand import EVENT_CLOCK, Context, event_time, told_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from shipper.config import Interpretation
    from shipper.haproxy.formats import CompiledFormat
    from shipper.haproxy.places import Located
    from shipper.haproxy.syslog import Header

    _Move: TypeAlias = Callable[[Mapping[str, bytes], int, int], bytes | None]
    _Movers: TypeAlias = tuple[tuple[str, _Move], ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """Where times go: ``base_us`` becomes ``to_us``, and a distance from it ``stretch`` times as long."""

    base_us: int
    to_us: int
    stretch: float = 1.0

    def __call__(self, us: int) -> int:
        """Give what a moment becomes, in microseconds since 1970."""
        gap_us = us - self.base_us
        return self.to_us + (gap_us if self.stretch == 1 else round(gap_us * self.stretch))


class Moved(NamedTuple):
    """A line in its new time, and when its event was and is now, in microseconds since 1970."""

    raw: bytes
    was_us: int
    us: int
    dated: bool
    """A date was found, and rewritten."""


class Mover:
    """Moves the lines of one capture, in their order.

    ``near_us`` is the moment that a date without a year is near to: at the beginning the first dated line's, or the
    file's time of change; then that of the last dated line, before it was moved. A replay that goes on sets it again.
    """

    def __init__(self, shift: Shift, interpretation: Interpretation, near_us: int) -> None:
        self._shift = shift
        self._zone = interpretation.zone_of(0, "")
        self._groups = groups_in_use(interpretation.formats)
        self._movers: dict[int, tuple[CompiledFormat | None, _Movers]] = {}
        self.near_us = near_us

    def move(self, raw: bytes, *, cut: bool = False) -> Moved:
        """Move one line, without its line end; ``cut`` says that it was longer. Never raises."""
        header = read_header(match_header(raw))
        located = locate(raw, header, self._groups, cut=cut)
        instant = _instant(located)
        event_us, dated = event_time(instant, header, Context(self._zone, self.near_us))
        if dated:
            self.near_us = event_us
        was_us = min(max(event_us, 0), TIMESTAMP_US_MAX)
        us = self._shift(was_us)
        if not 0 <= us <= TIMESTAMP_US_MAX or was_us != event_us:
            return Moved(raw, was_us, was_us, dated=False)
        new = self._move(raw, header, located, instant, event_us, us - event_us)
        return Moved(raw if new is None else new, was_us, us, dated=new is not None)

    def _move(
        self, raw: bytes, header: Header, located: Located | None, instant: Instant | None, event_us: int, by_us: int
    ) -> bytes | None:
        """Give the line ``by_us`` later; None where it has no date."""
        end_us = min(event_us + (instant.total_us if instant else 0), TIMESTAMP_US_MAX)
        head = _Dates(self._zone, end_us, by_us).header(header.raw)
        body = self._body(located, instant, header, event_us, by_us)
        if head is None and not body:
            return None
        if not by_us:
            return raw
        message = (located.rewrite(body) if located and body else raw)[header.end :]
        return (header.raw if head is None else head) + message

    def _body(
        self, located: Located | None, instant: Instant | None, header: Header, event_us: int, by_us: int
    ) -> Mapping[str, bytes]:
        """Give the new dates of a line's body."""
        if located is None:
            return {}
        told = instant and told_offset(instant.wall_us, instant.total_us, header.moment)
        stays = told is not None or any(alias in located.values for alias in _OFFSETS)
        wall_by_us = by_us if stays else zone_wall(self._zone, event_us + by_us) - zone_wall(self._zone, event_us)
        moved = {
            alias: move(located.values, by_us, wall_by_us)
            for alias, move in self._movers_of(located.known)
            if located.values.get(alias, b"") not in ABSENT
        }
        return {alias: date for alias, date in moved.items() if date is not None}

    def _movers_of(self, known: CompiledFormat | None) -> _Movers:
        """Give what moves the dates of a format; it is made once."""
        found = self._movers.get(id(known))
        if found is None or found[0] is not known:
            found = self._movers[id(known)] = known, _movers(known)
        return found[1]


def _instant(located: Located | None) -> Instant | None:
    if located is None:
        return None
    if located.known is None:
        return EVENT_CLOCK.read([located.values.get(DATE_GROUP)])
    return located.known.clock.read([located.values.get(alias) for alias in located.known.plan.aliases])


# -- bodies ----------------------------------------------------------------------------------------------------------

_LOCAL: Final = frozenset({"t", "tr", DATE_GROUP})
_WITH_OFFSET: Final = frozenset({"T", "Tl", "trg", "trl"})
_ACCEPTED: Final = frozenset({"Tl", "T", "Ts", "accept_date_s"})
"""Seconds whose milliseconds are `%ms`."""


_OFFSETS: Final = ("trl", "Tl")
"""Whose offset is that of the local dates beside them, too."""


def _movers(known: CompiledFormat | None) -> _Movers:
    """Give what moves each of a format's dates: from all values, and by how much moments and wall times move."""
    if known is None:
        return ((DATE_GROUP, lambda values, _, wall_by_us: _move_local(values[DATE_GROUP], wall_by_us)),)
    bases = {field.key: 16 if field.decode is Decode.HEX else 10 for field in known.plan.fields}
    return tuple((alias, move) for alias in bases if (move := _mover(alias, bases)) is not None)


def _mover(alias: str, bases: Mapping[str, int]) -> _Move | None:
    name = alias.partition("#")[0]
    if name in _LOCAL:
        return lambda values, _, wall_by_us: _move_local(values[alias], wall_by_us)
    if name == "ms":
        return lambda values, by_us, _: _move_ms(values[alias], bases[alias], by_us)
    has_ms = name in _ACCEPTED and "ms" in bases

    def ms_of(values: Mapping[str, bytes]) -> int:
        ms = values.get("ms", b"") if has_ms else b""
        return int(ms, bases["ms"]) if ms and ms not in ABSENT else 0

    if name in _WITH_OFFSET:
        return lambda values, by_us, _: _move_second(values[alias], by_us, ms_of(values))
    if name in EPOCHS:
        return lambda values, by_us, _: _move_epoch(values[alias], bases[alias], EPOCHS[name], by_us, ms_of(values))
    return None


def _move_local(date: bytes, by_us: int) -> bytes | None:
    """Move `21/Nov/2026:01:02:03.456`."""
    second_us = read_haproxy_second(date[:20])
    if second_us is None:
        return None
    wall_us = second_us + int(date[21:24]) * MS_US + by_us
    return b"%b.%03d" % (format_haproxy_second(wall_us // SECOND_US), wall_us % SECOND_US // MS_US)


def _move_second(date: bytes, by_us: int, ms: int) -> bytes | None:
    """Move `21/Nov/2026:01:02:03 +0100`, whose milliseconds stand elsewhere, or nowhere."""
    second_us = read_haproxy_second(date[:20])
    if second_us is None:
        return None
    return format_haproxy_second((second_us + ms * MS_US + by_us) // SECOND_US) + date[20:]


def _move_epoch(raw: bytes, base: int, unit_us: int, by_us: int, ms: int) -> bytes:
    number = (int(raw, base) * unit_us + ms * MS_US + by_us) // unit_us
    return _number(number, raw, base)


def _move_ms(raw: bytes, base: int, by_us: int) -> bytes:
    number = (int(raw, base) * MS_US + by_us) // MS_US % 1000
    return _number(number, raw, base)


def _number(number: int, like: bytes, base: int) -> bytes:
    """Write a number in the width of another."""
    digits = b"%d" % number if base == 10 else b"%X" % number  # noqa: PLR2004 -- decimal
    if like != like.upper():
        digits = digits.lower()
    return digits.rjust(len(like), b"0")


# -- headers ---------------------------------------------------------------------------------------------------------

_FRACTION: Final = re.compile(rb"[.,]([0-9]{1,9})")
_ISO_SECOND_CHARS: Final = 19


@dataclass(frozen=True, slots=True)
class _Dates:
    """Rewrites the dates of one header; ``end_us`` is when its line ended."""

    zone: str
    end_us: int
    by_us: int

    def header(self, header: bytes) -> bytes | None:
        """Move all dates of a header; None where it has none."""
        new: list[tuple[int, int, bytes]] = []
        for date in find_values(header):
            if "iso" in date:
                moved = self._iso(header[slice(*date["iso"])])
                new += [(*date["iso"], moved)] if moved else []
            elif "clock" in date:
                new += self._clock(header, date)
        for start, end, text in sorted(new, reverse=True):
            header = header[:start] + text + header[end:]
        return header if new else None

    def _moved(self, moment_us: int, *, fraction: bool) -> int | None:
        if not fraction and moment_us // SECOND_US == self.end_us // SECOND_US:
            moment_us = self.end_us
        moment_us += self.by_us
        return moment_us if 0 <= moment_us <= TIMESTAMP_US_MAX else None

    def _iso(self, text: bytes) -> bytes | None:
        read = read_iso(text)
        if read is None:
            return None
        rest = text[_ISO_SECOND_CHARS:]
        wall_us, offset_us = read
        moment_us = zone_moment(self.zone, wall_us, self.end_us) if offset_us is None else wall_us - offset_us
        moment = self._moved(moment_us, fraction=rest[:1] in {b".", b","})
        if moment is None:
            return None
        wall_us = zone_wall(self.zone, moment) if offset_us is None else moment + offset_us
        second = format_second(wall_us // SECOND_US).encode("ascii")
        return second[:10] + text[10:11] + second[11:] + _with_fraction(rest, wall_us)

    def _clock(self, header: bytes, date: Mapping[str, tuple[int, int]]) -> list[tuple[int, int, bytes]]:
        """Move a date of month, day and time of day, and of a year perhaps."""
        words = {name: header[slice(*place)] for name, place in date.items()}
        month, day, clock = words["month"], words["day"], words["clock"]
        moment_us = _moment(self.zone, words.get("year"), month, day, clock, self.end_us // _NEAR_US * _NEAR_US)
        new_us = None if moment_us is None else self._moved(moment_us, fraction=len(clock) > len("01:02:03"))
        if new_us is None:
            return []
        new_us = zone_wall(self.zone, new_us)
        iso = format_second(new_us // SECOND_US).encode("ascii")
        new = {
            "year": iso[:4],
            "month": MONTH_NAMES[int(iso[5:7])],
            "day": iso[8:10] if day[:1] == b"0" else (b"%d" % int(iso[8:10])).rjust(len(day)),
            "clock": iso[11:] + _with_fraction(clock[8:], new_us),
        }
        return [(*place, new[name]) for name, place in date.items() if name in new]


_NEAR_US: Final = 60 * SECOND_US
"""How exactly it is known what a date is near to, so that the lines of a second share what is found out."""


@lru_cache(maxsize=4096)
def _moment(zone: str, year: bytes | None, month: bytes, day: bytes, clock: bytes, near_us: int) -> int | None:
    wall_us = read_without_year(month, day, clock, near_us) if year is None else read_with_year(year, month, day, clock)
    return None if wall_us is None else zone_moment(zone, wall_us, near_us)


def _with_fraction(rest: bytes, wall_us: int) -> bytes:
    """Put a fraction of the second into what stands behind the second, if there is one, to its own precision."""
    fraction = _FRACTION.match(rest)
    if fraction is None:
        return rest
    digits = (b"%06d" % (wall_us % SECOND_US))[: len(fraction[1])] + fraction[1][6:]
    return rest[:1] + digits + rest[fraction.end() :]
