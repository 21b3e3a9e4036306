"""How long to wait before the next try: a pure policy, the caller sleeps.

1. Never shorter than the shortest and never longer than the longest delay.
2. Full jitter between the two: many shippers that lost the same node do not come back in step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

_DOUBLINGS_MAX: Final = 32
"""Enough for any two delays, and no number grows without bound in an outage of days."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between ``delay_s_min`` and ``delay_s_max``, twice as long at most after each attempt."""

    delay_s_min: float
    delay_s_max: float

    def delay_s(self, attempt: int, rng: random.Random) -> float:
        """Give the seconds to wait after ``attempt`` (from 1) has failed."""
        longest = min(self.delay_s_max, self.delay_s_min * 2.0 ** min(attempt, _DOUBLINGS_MAX))
        return rng.uniform(min(self.delay_s_min, longest), longest)
