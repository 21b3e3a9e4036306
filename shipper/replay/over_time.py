"""A rate over time, in a bounded number of equal intervals.

They are seconds at first. When a replay outlasts them, two become one, as often as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from shipper.limits import REPLAY_BUCKETS_MAX


@dataclass(slots=True)
class Interval:
    """What happened in it, in lines."""

    offered: int = 0
    """Due by the pace."""
    sent: int = 0
    lost: int = 0
    """Not taken by the kernel."""

    def take_in(self, other: Interval) -> None:
        """Become both."""
        self.offered += other.offered
        self.sent += other.sent
        self.lost += other.lost


class OverTime:
    """Counts by the time since the beginning."""

    def __init__(self) -> None:
        self.interval_s = 1
        self.intervals: list[Interval] = []

    def at(self, since_s: float) -> Interval:
        """Give the interval of a moment, to count in at once."""
        while (number := int(max(since_s, 0.0) / self.interval_s)) >= REPLAY_BUCKETS_MAX:
            self._halve()
        while len(self.intervals) <= number:
            self.intervals.append(Interval())
        return self.intervals[number]

    def _halve(self) -> None:
        self.interval_s *= 2
        halves = self.intervals
        self.intervals = halves[::2]
        for whole, half in zip(self.intervals, halves[1::2], strict=False):
            whole.take_in(half)
