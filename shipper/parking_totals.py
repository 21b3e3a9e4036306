"""What became of documents that were parked: delivery keeps count, and who adds up lines needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParkingTotals:
    """What was ever parked, and what became of it. Goes on over restarts."""

    parked: int = 0
    """Documents."""
    indexed: int = 0
    """Of these, now in the index."""
    already_there: int = 0
    """Of these, found in the index."""
    dead_lettered: int = 0
    """Of these, refused for good."""

    @property
    def settled(self) -> int:
        """Documents that got their verdict after all."""
        return self.indexed + self.already_there + self.dead_lettered

    @property
    def pending(self) -> int:
        """Documents that are still parked."""
        return self.parked - self.settled
