"""A broken template must not turn a day into dead letters: the fuse. Pure.

Each index has its own: what is wrong with one says nothing of the others, and what is wrong with all blows all.

1. It looks at the last ``window`` items that got a verdict or would get one.
2. It is blown when more than ``share_max`` of that window would become dead letters for one reason, also while fewer
   items than that were seen: a few bad lines at the start are dead letters like any.
3. An item is counted once, however often it is tried before it becomes a dead letter.
4. A blown fuse is mended by an answer of its index that is mostly good.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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


class Fuses:
    """The fuses of those indices that refused something. Not thread-safe."""

    def __init__(self, window: int, share_max: float) -> None:
        self._window = window
        self._share_max = share_max
        self._fuses: dict[str, Fuse] = {}
        self._blown: set[str] = set()

    def hold(self, index: str, good: int, refused: Mapping[str, int], *, counted: bool) -> bool:
        """Take note of an answer; tell whether what ``index`` refuses is held back from becoming dead letters.

        ``refused`` counts items by reason; ``counted`` says that they were before.
        """
        if index in self._blown:
            most = max(refused.values(), default=0)
            if good and most <= self._share_max * (good + most):
                self._blown.remove(index)
                del self._fuses[index]
        elif refused or index in self._fuses:
            fuse = self._fuses.setdefault(index, Fuse(self._window, self._share_max))
            fuse.record(None, good)
            for reason, items in refused.items() if not counted else ():
                fuse.record(reason, items)
            if fuse.blown_by() is not None:
                self._blown.add(index)
        return index in self._blown
