"""How fast a count grows, over about the last minute. Pure; the clock comes in."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 60.0
_SAMPLES: Final = 12
_INTERVAL_S: Final = WINDOW_S / _SAMPLES


class Rate:
    """Remembers a dozen samples of a count that rises; ``now_s`` is monotonic."""

    __slots__ = ("_samples",)

    def __init__(self, total: int, now_s: float) -> None:
        self._samples = deque([(now_s, total)], maxlen=_SAMPLES + 1)

    def per_s(self, total: int, now_s: float) -> float:
        """Take note of the count as of now, and give what it grew by in a second of the last minute."""
        since_s, _ = self._samples[0]
        growth = self.growth(total, now_s)
        return growth / (now_s - since_s) if now_s > since_s else 0.0

    def growth(self, total: int, now_s: float) -> int:
        """Take note of the count as of now, and give its growth over the last minute, or since the beginning."""
        _, before = self._samples[0]
        if now_s - self._samples[-1][0] >= _INTERVAL_S:
            self._samples.append((now_s, total))
        return max(0, total - before)
