"""What the answers so far say of the cluster and its indices. Pure; the clock comes in.

1. An index that takes a document is well, whatever it said of others.
2. An item is overdue when it, or its whole index, has been refused for ``park_after_s`` while others settled: an
   outage of everything parks nothing.
3. A document that is refused alone, after its index took others, is at fault itself. Before that, the request is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.deliver._queue import Job

_ALIKE_MAX: Final = 3
"""Single documents refused alike, with none accepted between, before the fault is sought elsewhere."""


class Health:
    """Not thread-safe."""

    def __init__(self, park_after_s: float) -> None:
        self._park_after_s = park_after_s
        self._settled_at_s: float | None = None
        self._refused_since_s: dict[str, float] = {}
        self._accepted: Counter[str] = Counter()
        self._refused_alone: Counter[str] = Counter()
        self.failure = ""
        """Why the last request got no answer that could be read; empty when it did."""

    def settled(self, now_s: float) -> None:
        """Take note that an item got its verdict."""
        self._settled_at_s = now_s

    def accepted(self, index: str) -> None:
        """Take note that ``index`` took documents."""
        self._accepted[index] += 1
        self._refused_since_s.pop(index, None)
        del self._refused_alone[index]

    def refused(self, index: str, now_s: float) -> None:
        """Take note that ``index`` took none of the documents of a request."""
        self._refused_since_s.setdefault(index, now_s)

    def times_accepted(self, index: str) -> int:
        """Tell how often ``index`` took documents."""
        return self._accepted[index]

    def overdue(self, job: Job, now_s: float) -> bool:
        """Tell whether the items of ``job`` have been refused for so long that they are parked."""
        if self._settled_at_s is None:
            return False
        known = (job.refused_since_s, self._refused_since_s.get(job.body.index))
        since_s = min((since for since in known if since is not None), default=now_s)
        return now_s - since_s >= self._park_after_s and self._settled_at_s > since_s

    def at_fault(self, job: Job) -> bool:
        """Tell whether the single document of ``job`` is at fault, now that its request was refused."""
        return job.halved_at is not None and self._accepted[job.body.index] > job.halved_at

    def refused_alike(self, index: str) -> bool:
        """Take note that a single document was refused; tell whether that is too often."""
        self._refused_alone[index] += 1
        return self._refused_alone[index] >= _ALIKE_MAX
