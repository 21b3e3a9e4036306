"""A broken template must not turn a day into dead letters: the fuse. Pure.

1. It looks at the last ``window`` items that got a verdict or would get one.
2. It is blown when more than ``share_max`` of that window would become dead letters for one reason, also while fewer
   items than that were seen: a few bad lines at the start are dead letters like any.
3. An item is counted once, however often it is tried while the fuse is blown.
"""

from __future__ import annotations

from collections import Counter, deque


class Fuse:
    """Counts runs of items; ``None`` stands for an item that is in the index."""

    def __init__(self, window: int, share_max: float) -> None:
        self._window = window
        self._bound = window * share_max
        self._runs: deque[tuple[str | None, int]] = deque()
        self._counts: Counter[str | None] = Counter()

    def record(self, reason: str | None, items: int) -> None:
        """Take note of ``items`` in a row that would become dead letters for ``reason``, or with None were good."""
        if items:
            self._runs.append((reason, items))
            self._counts[reason] += items
            self._forget()

    def blown_by(self) -> str | None:
        """Give the reason that has blown the fuse, or None."""
        return next((reason for reason, count in self._counts.items() if reason and count > self._bound), None)

    def reset(self) -> None:
        """Forget all items."""
        self._runs.clear()
        self._counts.clear()

    def _forget(self) -> None:
        """Drop the oldest items until the window holds no more than it should."""
        surplus = self._counts.total() - self._window
        while surplus > 0:
            reason, items = self._runs.popleft()
            dropped = min(items, surplus)
            surplus -= dropped
            self._counts[reason] -= dropped
            if items > dropped:
                self._runs.appendleft((reason, items - dropped))
