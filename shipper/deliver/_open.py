"""Batches whose items do not all have their verdict yet. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.journal.commit import Verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator


class OpenBatches:
    """Counts down. Not thread-safe."""

    def __init__(self) -> None:
        self._batches: dict[int, tuple[int, Verdicts]] = {}

    def __len__(self) -> int:
        """Count the batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[int]:
        """Give the tickets."""
        return iter(self._batches)

    def open(self, ticket: int, items: int) -> None:
        """Begin a batch; one without items, and a ticket that is open already, are mistakes of the caller."""
        if not items or ticket in self._batches:
            raise ValueError(f"batch {ticket} is empty, or open already")
        self._batches[ticket] = (items, Verdicts())

    def tally(self, ticket: int, verdicts: Verdicts) -> Verdicts | None:
        """Add ``verdicts``; give their sum once every item of the batch has its verdict."""
        items, before = self._batches[ticket]
        total = before + verdicts
        if total.total > items:
            raise ValueError(f"{total.total} verdicts on the {items} items of batch {ticket}")
        if total.total < items:
            self._batches[ticket] = (items, total)
            return None
        del self._batches[ticket]
        return total
