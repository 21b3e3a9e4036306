"""Time: how it is written, how HAProxy's and syslog's dates are read, and which offset a date without one has.

1. A moment is an integer: microseconds since 1970 in UTC. A local time without an offset is an integer as well:
   microseconds since 1970 *as if* it were UTC ("wall").
2. ``format_timestamp`` is the only function that writes a timestamp. Its result has one width, always with six digits:
   `isoformat()` leaves out `.000000`, and a strict mapping refuses what it then writes.
3. No clock is read here: the time of receipt comes in as an argument.
4. Where a local time occurs twice or never, the side wins that is nearer to a hint (the header's time, the receipt).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateutil import tz

SECOND_US: Final = 1_000_000
QUARTER_US: Final = 15 * 60 * SECOND_US
DAY_US: Final = 86_400 * SECOND_US
OFFSET_US_MAX: Final = 14 * 3_600 * SECOND_US
"""No zone on earth is further from UTC."""
OFFSETS_US: Final = frozenset(
    QUARTER_US * quarters for quarters in (*range(-48, 57, 4), -38, -14, -10, 14, 18, 22, 23, 26, 35, 38, 42, 51, 55)
)
"""The offsets that zones have, in whole hours and in part of some: a lateness of 15 minutes is none."""
NEAR_US: Final = 120 * SECOND_US
"""Two clocks that agree within this are taken to tell the same time."""
TIMESTAMP_US_MAX: Final = 9_214_646_400 * SECOND_US - 1
"""The end of 2261: what the type date_nanos holds in full years."""

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 -- the wall clock's zero
MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
MONTH_NAMES: Final = {number: name for name, number in MONTHS.items()}
_ISO: Final = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def format_timestamp(us: int) -> str:
    """Write a moment as `2026-11-21T01:02:03.000000Z`: UTC, six digits, one width. From year 1 to 9999."""
    seconds, fraction = divmod(us, SECOND_US)
    return f"{format_second(seconds)}.{fraction:06d}Z"


@lru_cache(maxsize=4096)
def format_second(seconds: int) -> str:
    """Write a second since 1970 as `2026-11-21T01:02:03`, without fraction and zone."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat("T", "seconds")


@lru_cache(maxsize=4096)
def format_haproxy_second(wall_s: int) -> bytes:
    """Write a second of wall time as `21/Nov/2026:01:02:03`. Manual 8.2.6, `%t` and `%tr`."""
    iso = format_second(wall_s).encode("ascii")
    return b"%b/%b/%b:%b" % (iso[8:10], MONTH_NAMES[int(iso[5:7])], iso[:4], iso[11:])


def day(us: int) -> datetime:
    """Give the day of a moment, in UTC."""
    return datetime.fromtimestamp(us // SECOND_US, UTC)


def _wall(year: int, month: int, day_: int, hour: int, minute: int, second: int) -> int | None:
    """Give the wall time in microseconds, None where there is no such date. Second 60 is the next minute's first."""
    leap = second == 60  # noqa: PLR2004 -- syslog and HAProxy may print a leap second
    try:
        moment = datetime(year, month, day_, hour, minute, 59 if leap else second)  # noqa: DTZ001 -- wall time
    except ValueError:
        return None
    return ((moment - _EPOCH) // timedelta(seconds=1) + leap) * SECOND_US


@lru_cache(maxsize=4096)
def read_haproxy_second(text: bytes) -> int | None:
    """Read `21/Nov/2026:01:02:03` as wall time; None where it is no date. Manual 8.2.6, `%t` and `%tr`."""
    month = MONTHS.get(text[3:6])
    if month is None:
        return None
    return _wall(int(text[7:11]), month, int(text[:2]), int(text[12:14]), int(text[15:17]), int(text[18:20]))


def read_iso(text: bytes) -> tuple[int, int | None] | None:
    """Read an ISO 8601 date (RFC 5424, 6.2.3) as wall time and offset, both in microseconds; the offset may be absent.

    Digits beyond the sixth are cut off. None where it is no date.
    """
    match = _ISO.fullmatch(text)
    wall = _read_iso_second(match[1]) if match else None
    if match is None or wall is None:
        return None
    wall += _fraction_us(match[2] or b"")
    if match[3] is None:
        return wall, None
    offset = _read_offset(match[3])
    return (wall, offset) if abs(offset) <= OFFSET_US_MAX else None


def _fraction_us(digits: bytes) -> int:
    return int(digits[:6].ljust(6, b"0"))


@lru_cache(maxsize=4096)
def _read_iso_second(text: bytes) -> int | None:
    date = (text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:])
    return _wall(*(int(part) for part in date))


@lru_cache(maxsize=256)
def _read_offset(text: bytes) -> int:
    if text == b"Z":
        return 0
    offset = (int(text[1:3]) * 60 + int(text[-2:])) * 60 * SECOND_US
    return -offset if text[:1] == b"-" else offset


def read_without_year(month: bytes, day_: bytes, clock: bytes, near_us: int) -> int | None:
    """Read `Nov 21 01:02:03` (RFC 3164, 4.1.2) as wall time, in the year that brings it nearest to ``near_us``."""
    year = day(near_us).year
    walls = (read_with_year(b"%d" % y, month, day_, clock) for y in (year - 1, year, year + 1))
    return min((wall for wall in walls if wall is not None), key=lambda wall: abs(wall - near_us), default=None)


def read_with_year(year: bytes, month: bytes, day_: bytes, clock: bytes) -> int | None:
    """Read year, month and day, and a clock like `01:02:03` or `01:02:03.456`, as wall time; None where it is none."""
    number = MONTHS.get(month)
    if number is None:
        return None
    wall = _wall(int(year), number, int(day_), int(clock[:2]), int(clock[3:5]), int(clock[6:8]))
    return None if wall is None else wall + _fraction_us(clock[9:])


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def zone_offset(zone: str, wall_s: int) -> int | None:
    """Give a zone's offset at a wall time in seconds; None where that occurs twice, never, or out of range."""
    if not 0 <= wall_s * SECOND_US <= TIMESTAMP_US_MAX:
        return None
    moment = (_EPOCH + timedelta(seconds=wall_s)).replace(tzinfo=_zone(zone))
    if tz.datetime_ambiguous(moment) or not tz.datetime_exists(moment):
        return None
    return _offset_us(moment)


def certain_offsets(zone: str, year: int) -> list[tuple[int, int, int]]:
    """Give the wall times of a year at which ``zone_offset`` gives one: first second, second behind, offset in us.

    They are in their order. No two changes of a zone lie within one day.
    """
    begin, end = max(_second_of(year), 0), min(_second_of(year + 1), TIMESTAMP_US_MAX // SECOND_US + 1)
    changes = [
        _change(zone, at)
        for at in range(begin - DAY_US // SECOND_US, end + DAY_US // SECOND_US, _STEP_S)
        if _offset_at(zone, at) != _offset_at(zone, at + _STEP_S)
    ]
    certain, from_s = [], begin
    for change in changes:
        before, after = (_offset_at(zone, at) // SECOND_US for at in (change - 1, change))
        certain.append((from_s, min(change + min(before, after), end), before * SECOND_US))
        from_s = max(change + max(before, after), begin)
    certain.append((from_s, end, _offset_at(zone, end + DAY_US // SECOND_US)))
    return [(first, until, offset) for first, until, offset in certain if first < until]


_STEP_S: Final = 86_400


def _second_of(year: int) -> int:
    return int((datetime(year, 1, 1) - _EPOCH).total_seconds())  # noqa: DTZ001 -- wall time


def _offset_at(zone: str, moment_s: int) -> int:
    return _offset_us(datetime.fromtimestamp(moment_s, _zone(zone)))


def _change(zone: str, from_s: int) -> int:
    """Find the first second of another offset within the day from ``from_s``."""
    low, high = from_s, from_s + _STEP_S
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_at(zone, middle) == _offset_at(zone, from_s) else (low, middle)
    return high


def zone_moment(zone: str, wall_us: int, hint_us: int | None) -> int:
    """Give the moment of a wall time in a zone.

    Of a time that occurs twice the side nearer to ``hint_us`` is taken, the first without a hint; a time that never
    occurs (the clock jumped over it) is moved on by the gap, as the clock was. Years that no document can hold are not
    converted.
    """
    if not 0 <= wall_us <= TIMESTAMP_US_MAX:
        return wall_us
    wall_s, fraction = divmod(wall_us, SECOND_US)
    moment = (_EPOCH + timedelta(seconds=wall_s)).replace(tzinfo=_zone(zone))
    sides = [tz.resolve_imaginary(moment)]
    if tz.datetime_ambiguous(moment):
        sides = [moment.replace(fold=0), moment.replace(fold=1)]
    moments = [int(side.timestamp()) * SECOND_US + fraction for side in sides]
    return moments[0] if hint_us is None else min(moments, key=lambda us: abs(us - hint_us))


def zone_wall(zone: str, moment_us: int) -> int:
    """Give the wall time of a moment in a zone; years that no document can hold are not converted."""
    if not 0 <= moment_us <= TIMESTAMP_US_MAX:
        return moment_us
    return moment_us + _wall_offset(zone, moment_us // SECOND_US)


@lru_cache(maxsize=4096)
def _wall_offset(zone: str, moment_s: int) -> int:
    return _offset_us(datetime.fromtimestamp(moment_s, _zone(zone)))


def _offset_us(moment: datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * SECOND_US


def offset_between(wall_us: int, moment_us: int) -> int:
    """Give the offset, in whole quarters of an hour, at which a wall time is nearest to a moment."""
    return (wall_us - moment_us + QUARTER_US // 2) // QUARTER_US * QUARTER_US
