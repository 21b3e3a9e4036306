"""When a line's request or connection began, by the dates and timers of its format (HAProxy manual, 8.2.6 and 8.4).

A date of the request goes before one of the connection, a finer one before a coarser one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from shipper.haproxy.fields import ABSENT
from shipper.haproxy.timestamps import OFFSET_US_MAX, SECOND_US, TIMESTAMP_US_MAX, read_haproxy_second

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MS_US: Final = 1_000

EPOCHS: Final = {
    "request_date_us": 1,
    "request_date_ms": MS_US,
    "accept_date_us": 1,
    "accept_date_ms": MS_US,
    "request_date_s": SECOND_US,
    "accept_date_s": SECOND_US,
    "Ts": SECOND_US,
}
"""Times since 1970, and their unit in microseconds."""
_ORDER: Final = (
    "request_date_us",
    "request_date_ms",
    "tr",
    "trl",
    "trg",
    "request_date_s",
    "accept_date_us",
    "accept_date_ms",
    "t",
    "Tl",
    "T",
    "Ts",
    "accept_date_s",
)
_OF_REQUEST: Final = frozenset({"request_date_us", "request_date_ms", "request_date_s", "tr", "trl", "trg"})
_ACCEPTED_SECONDS: Final = frozenset({"Tl", "T", "Ts", "accept_date_s"})
"""Whose milliseconds are `%ms`."""
_WITH_OFFSET: Final = ("trl", "Tl")
_DIGITS_MAX: Final = 20


class Instant(NamedTuple):
    """What a line says of its time: the wall time of its begin, the offset of that, and how long it took, in us."""

    wall_us: int
    offset_us: int | None
    total_us: int


def total_of(raw: bytes | None) -> int:
    """Give a total in microseconds, 0 where it is not known."""
    if raw is None or raw in ABSENT:
        return 0
    return max(int(raw.removeprefix(b"+")), 0) * MS_US


class Clock:
    """Reads the time of a format's lines from their values, which come in the order of ``aliases``.

    Numbers of the aliases in ``hexadecimal`` are (flag X).
    """

    def __init__(self, aliases: Sequence[str], hexadecimal: Collection[str] = ()) -> None:
        places = {alias: place for place, alias in reversed(list(enumerate(aliases)))}
        self.alias = next((alias for alias in _ORDER if alias in places), None)
        """The value that tells the time; None when there is none."""
        totals = ("Ta", "Tu", "Tt") if self.alias in _OF_REQUEST else ("Tt", "Tu", "Ta")
        self._date = places.get(self.alias or "", 0)
        self.total = next((alias for alias in totals if alias in places), None)
        """The value that tells how long it took; None when there is none."""
        self._total = None if self.total is None else places[self.total]
        self._ms = places.get("ms") if self.alias in _ACCEPTED_SECONDS else None
        offsets = [places[alias] for alias in _WITH_OFFSET if alias in places]
        self._offset = offsets[0] if offsets and self.alias in {"tr", "t"} else None
        self._local = self.alias in {"tr", "t"} and self._offset is None
        self._unit_us = EPOCHS.get(self.alias or "")
        self._base, self._ms_base = (16 if alias in hexadecimal else 10 for alias in (self.alias, "ms"))

    def read(self, found: Sequence[bytes | None]) -> Instant | None:
        """Give the time; None where there is none, or no such date."""
        total_us = 0 if self._total is None else total_of(found[self._total])
        date = found[self._date] if self.alias else None
        if not date or date in ABSENT:
            return None
        if self._local:
            second = read_haproxy_second(date[:20])
            return None if second is None else Instant(second + int(date[21:24]) * MS_US, None, total_us)
        if self._unit_us is not None:
            wall_us = int(date, self._base) * self._unit_us if len(date) <= _DIGITS_MAX else TIMESTAMP_US_MAX + 1
            return Instant(wall_us + self._millisecond(found), 0, total_us)
        return self._with_offset(date, found, total_us)

    def _with_offset(self, date: bytes, found: Sequence[bytes | None], total_us: int) -> Instant | None:
        second = read_haproxy_second(date[:20])
        if second is None:
            return None
        if self._offset is not None:
            offset_us = _read_offset(found[self._offset])
            return Instant(second + int(date[21:24]) * MS_US, offset_us, total_us)
        return Instant(second + self._millisecond(found), _read_offset(date), total_us)

    def _millisecond(self, found: Sequence[bytes | None]) -> int:
        ms = None if self._ms is None else found[self._ms]
        return 0 if ms is None or ms in ABSENT else int(ms, self._ms_base) * MS_US


def _read_offset(date: bytes | None) -> int | None:
    """Read the offset of `21/Nov/2026:01:02:03 +0100`, in microseconds."""
    if not date:
        return None
    offset_us = (int(date[-4:-2]) * 60 + int(date[-2:])) * 60 * SECOND_US
    return None if offset_us > OFFSET_US_MAX else -offset_us if date[-5:-4] == b"-" else offset_us
