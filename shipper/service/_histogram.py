"""How long something took, counted in buckets: the same numbers that Prometheus keeps. Thread-safe."""

from __future__ import annotations

import threading
from bisect import bisect_left
from itertools import accumulate
from typing import Final, NamedTuple

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""Upper bounds: from a quick answer of one node to an outage that lasted for hours."""


class Counted(NamedTuple):
    """A histogram as of now: ``cumulative[i]`` is how many took at most ``SECONDS[i]``, the last one is all."""

    cumulative: tuple[int, ...]
    sum_s: float


class Histogram:
    """Counts durations by SECONDS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(SECONDS) + 1)
        self._sum_s = 0.0

    def add(self, duration_s: float, weight: int = 1) -> None:
        """Count ``weight`` of the same duration."""
        with self._lock:
            self._counts[bisect_left(SECONDS, duration_s)] += weight
            self._sum_s += duration_s * weight

    def counted(self) -> Counted:
        """Give what was counted since the start."""
        with self._lock:
            return Counted(tuple(accumulate(self._counts)), self._sum_s)
