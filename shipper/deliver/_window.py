"""How many requests may be in flight, and how large they are: as many as answer without queueing. Pure.

1. What an answer takes, for its bytes, is compared with the best of late. From the two follows how many of the requests
   in flight only wait in the cluster's queue (TCP Vegas): with less than one the window grows by one a round, with more
   than two it shrinks by one.
2. A refusal (429, 5xx) or no answer halves it, once for all requests that were under way together.
3. A request that got no answer in time, or was too large, halves the size of the next ones; each that is answered lets
   it grow a little.
4. At least one request may always be made, and a single document is never cut.
"""

from __future__ import annotations

import enum
import math
from typing import Final

from shipper.limits import BULK_BYTES_MAX, BULK_BYTES_MIN

_START: Final = 2.0
_QUEUED_MIN: Final = 1.0
_QUEUED_MAX: Final = 2.0
_EPOCH: Final = 256
"""Answers until what is best is measured anew, with half of the window: a cluster may have become slower for good."""
_SMOOTH: Final = 0.2
_LEAST_BYTES: Final = 64 * 1024
"""A small request takes its time for other reasons than its bytes."""
_GROWTH_BYTES: Final = 256 * 1024


class Pressure(enum.Enum):
    """What a request met in the cluster."""

    NONE = enum.auto()
    """All of it was taken."""
    BUSY = enum.auto()
    """Some of it has to come again: there is no room now."""
    TOO_LARGE = enum.auto()
    UNANSWERED = enum.auto()


class Window:
    """The window of one delivery. ``requests_max`` is its bound. Not thread-safe."""

    def __init__(self, requests_max: int) -> None:
        self._requests_max = requests_max
        self._size = min(_START, requests_max)
        self._best_s = math.inf
        self._pace_s: float | None = None
        self._answers = 0
        self._halved_at_s = -math.inf
        self.bytes_max = BULK_BYTES_MAX
        """Of a request."""

    @property
    def requests(self) -> int:
        """How many may be in flight."""
        return int(self._size)

    def answered(self, bytes_sent: int, took_s: float) -> None:
        """Take note of an answer that refused nothing for being busy."""
        self._answers += 1
        if self._answers % _EPOCH == 0:
            self._size, self._pace_s, self._best_s = max(self._size / 2, 1.0), None, math.inf
        pace_s = took_s / max(bytes_sent, _LEAST_BYTES)
        self._pace_s = pace_s if self._pace_s is None else (1 - _SMOOTH) * self._pace_s + _SMOOTH * pace_s
        self._best_s = min(self._best_s, self._pace_s)
        queued = self._size * (1 - self._best_s / self._pace_s) if self._pace_s else 0.0
        if queued < _QUEUED_MIN:
            self._size = min(self._size + 1 / self._size, self._requests_max)
        elif queued > _QUEUED_MAX:
            self._size = max(self._size - 1 / self._size, 1.0)
        self.bytes_max = min(self.bytes_max + _GROWTH_BYTES, BULK_BYTES_MAX)

    def refused(self, sent_s: float, now_s: float) -> None:
        """Take note that a request of ``sent_s`` was refused because the cluster is busy, or not answered at all."""
        if sent_s >= self._halved_at_s:
            self._halved_at_s = now_s
            self._size = max(self._size / 2, 1.0)

    def too_large(self, bytes_sent: int) -> None:
        """Take note that a request was too large to be taken, or to be answered in time."""
        self.bytes_max = max(min(self.bytes_max, bytes_sent) // 2, BULK_BYTES_MIN)
