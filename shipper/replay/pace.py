"""When each line of a replay is due: seconds from its start, by the line's number and the time at which it was written.

1. A schedule is absolute: a line that was late moves no other, so a pace never drifts. Who falls behind catches up.
2. A rate is a curve of lines over time, and a line is due where the curve reaches its number. Even arrivals ask for
   whole numbers, Poisson arrivals for the sum of exponential steps of mean 1: both follow any curve.
3. Pure: no clock, no sleep; randomness comes in. Lines are asked for in their order.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from shipper.errors import ConfigError

if TYPE_CHECKING:
    from random import Random

SECOND_US: Final = 1_000_000
_DURATION: Final = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h)")
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Pace(Protocol):
    """A schedule of lines."""

    def due_s(self, number: int, written_us: int) -> float:
        """Give the seconds from the start at which line ``number`` (from 0) is due; asked once a line, in order."""


class Unpaced:
    """Every line at once: as fast as they are taken."""

    def due_s(self, number: int, written_us: int) -> float:  # noqa: ARG002 -- the schedule hangs on nothing
        """Give 0."""
        return 0.0


class Original:
    """The gaps with which the lines were written, over ``speed``; one that goes back in time is due at once."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first_us: int | None = None

    def due_s(self, number: int, written_us: int) -> float:  # noqa: ARG002 -- by time alone
        """Give the time since the first line, at this speed."""
        if self._first_us is None:
            self._first_us = written_us
        return (written_us - self._first_us) / SECOND_US / self._speed


@dataclass(frozen=True, slots=True)
class Steady:
    """The same rate all the time."""

    lines_per_s: float

    def reaches_s(self, lines: float) -> float:
        """Give the moment at which so many lines are due."""
        return lines / self.lines_per_s


@dataclass(frozen=True, slots=True)
class Ramp:
    """A rate that grows (or falls) evenly for a while, and stays from then on."""

    lines_per_s_first: float
    lines_per_s_last: float
    duration_s: float

    def reaches_s(self, lines: float) -> float:
        """Give the moment at which so many lines are due: where first * t + slope * t^2 / 2 reaches them."""
        first, last = self.lines_per_s_first, self.lines_per_s_last
        on_the_ramp = (first + last) / 2 * self.duration_s
        if lines >= on_the_ramp:
            return self.duration_s + (lines - on_the_ramp) / last
        slope = (last - first) / self.duration_s
        # The usual solution of the quadratic, turned over: it holds for a slope of 0 as well.
        return 2 * lines / (first + math.sqrt(first * first + 2 * slope * lines)) if lines else 0.0


@dataclass(frozen=True, slots=True)
class Burst:
    """So many lines at once, again and again."""

    lines: int
    interval_s: float

    def reaches_s(self, lines: float) -> float:
        """Give the beginning of the burst that this line is of."""
        return lines // self.lines * self.interval_s


Curve: TypeAlias = Steady | Ramp | Burst


class Evenly:
    """Lines where their curve reaches them."""

    def __init__(self, curve: Curve) -> None:
        self._reaches_s = curve.reaches_s

    def due_s(self, number: int, written_us: int) -> float:  # noqa: ARG002 -- by number alone
        """Give where the curve reaches the line."""
        return self._reaches_s(number)


class Poisson:
    """Lines that come by chance, as those of many clients do: as many as the curve says, with random gaps."""

    def __init__(self, curve: Curve, rng: Random) -> None:
        self._curve = curve
        self._rng = rng
        self._lines = 0.0

    def due_s(self, number: int, written_us: int) -> float:  # noqa: ARG002 -- by chance
        """Give where the curve reaches the sum of the steps."""
        self._lines += self._rng.expovariate(1.0)
        return self._curve.reaches_s(self._lines)


# -- as they are written on the command line -------------------------------------------------------------------------


def read_ramp(text: str) -> Ramp:
    """Read `1000:20000:60s`. Raises ConfigError."""
    first, _, rest = text.partition(":")
    last, _, duration = rest.partition(":")
    try:
        ramp = Ramp(float(first), float(last), read_duration_s(duration))
    except ValueError:
        ramp = None
    if ramp is None or not (0 <= ramp.lines_per_s_first < math.inf and 0 < ramp.lines_per_s_last < math.inf):
        raise ConfigError(f"--ramp {text}: FROM:TO:DURATION is expected, in lines a second, like 1000:20000:60s")
    return ramp


def read_burst(text: str) -> Burst:
    """Read `5000/1s`. Raises ConfigError."""
    lines, _, interval = text.partition("/")
    try:
        burst = Burst(int(lines), read_duration_s(interval))
    except ValueError:
        burst = None
    if burst is None or burst.lines <= 0:
        raise ConfigError(f"--burst {text}: LINES/INTERVAL is expected, like 5000/1s")
    return burst


def read_duration_s(text: str) -> float:
    """Read `60s`, `200ms`, `5m` or `1h`, in seconds and above 0. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    duration_s = float(match["number"]) * _UNITS_S[match["unit"]] if match else 0.0
    if duration_s <= 0:
        raise ValueError(f"{text!r}: a duration like 60s, 200ms, 5m or 1h is expected")
    return duration_s
