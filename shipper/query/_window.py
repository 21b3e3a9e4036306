"""The time that a page shows: slots of a round width, and moments as a URL names them.

1. A window begins and ends on a multiple of its interval. So who looks again within one interval asks the same, and
   Elasticsearch answers from its request cache.
2. There are as few slots as the list of intervals allows, and no more than SLOTS_MAX but where a window has years.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self

from shipper.errors import ConfigError
from shipper.haproxy.timestamps import read_iso
from shipper.query._population import Span

SLOTS_MAX: Final = 120
"""Enough for a curve on a screen, and few enough for a histogram in each."""
_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60 * _SECOND_MS
_HOUR_MS: Final = 60 * _MINUTE_MS
DAY_MS: Final = 24 * _HOUR_MS
_INTERVALS_MS: Final = (
    *(seconds * _SECOND_MS for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_MS for days in (1, 2, 7, 14, 28, 84, 364)),
)
_UNITS_MS: Final = {"s": _SECOND_MS, "m": _MINUTE_MS, "h": _HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_AGE: Final = re.compile(r"([0-9]{1,7})([smhdw])", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[0-9]{1,13}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """``from_ms`` and ``to_ms`` since 1970, both multiples of ``interval_ms``; the end is not in it."""

    from_ms: int
    to_ms: int
    interval_ms: int

    @classmethod
    def around(cls, from_ms: int, to_ms: int) -> Self:
        """Round outward. Raises ConfigError where the end is not behind the start."""
        if to_ms <= from_ms:
            raise ConfigError("the end of the time range must come after its start")

        windows = [cls(from_ms // ms * ms, -(-to_ms // ms) * ms, ms) for ms in _INTERVALS_MS]
        return next((window for window in windows if len(window.times) <= SLOTS_MAX), windows[-1])

    @property
    def span(self) -> Span:
        """The same, in microseconds."""
        return Span(self.from_ms * 1_000, self.to_ms * 1_000)

    @property
    def times(self) -> range:
        """The start of each slot, in milliseconds since 1970."""
        return range(self.from_ms, self.to_ms, self.interval_ms)

    def earlier(self, ms: int) -> Self:
        """Give the window of so much earlier. Its slots stay on multiples where ``ms`` is one of the interval."""
        return replace(self, from_ms=self.from_ms - ms, to_ms=self.to_ms - ms)


def read_time(name: str, text: str, now_ms: int) -> int:
    """Read `now`, `now-24h`, milliseconds since 1970, or an ISO date (UTC where it has no offset), as milliseconds.

    Raises ConfigError, which names the parameter.
    """
    if text == "now":
        return now_ms
    if text.startswith("now-") and (age_ms := read_age(text.removeprefix("now-"))) is not None:
        return now_ms - age_ms
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    found = read_iso(text.encode())
    if found is None:
        raise ConfigError(f"{name} {text}: now, now-1h, a date like 2026-11-21T05:02:00Z, or milliseconds are expected")
    wall_us, offset_us = found
    return (wall_us - (offset_us or 0)) // 1_000


def read_age(text: str) -> int | None:
    """Read `90s`, `30m`, `1h`, `7d` or `2w`, as milliseconds; None where it is none of these."""
    found = _AGE.fullmatch(text)
    return int(found[1]) * _UNITS_MS[found[2]] if found else None
