"""What became of all lines, out of the two places where that is written: the commit record and the parking log. Pure.

1. The commit counts a line as parked when it passes it, and never again; the log tells what became of it since.
2. At a start the log holds exactly what the commit has passed. Where it does not, one of the two was lost: a log with
   less has lost lines, one with more has settled lines of which this commit knows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipper.journal import Commit
    from shipper.parking_totals import ParkingTotals


@dataclass(frozen=True, slots=True)
class Sums:
    """Lines that the commit has passed; each in one of them."""

    indexed: int
    already_there: int
    dead_lettered: int
    parked: int
    """Still."""
    journal_lost: int


class Settled:
    """``commit`` and ``parked`` are as they are at the start."""

    def __init__(self, commit: Commit, parked: ParkingTotals) -> None:
        self._lost = max(0, commit.parked - parked.parked)
        unknown = max(0, parked.parked - commit.parked)
        self._indexed = min(unknown, parked.indexed)
        self._already_there = min(unknown - self._indexed, parked.already_there)
        self._dead_lettered = min(unknown - self._indexed - self._already_there, parked.dead_lettered)

    def as_of(self, commit: Commit, parked: ParkingTotals) -> Sums:
        """Add up. ``commit`` is at or past the record on disk, before which nothing parked is settled."""
        indexed = parked.indexed - self._indexed
        already_there = parked.already_there - self._already_there
        dead_lettered = parked.dead_lettered - self._dead_lettered
        return Sums(
            indexed=commit.indexed + indexed,
            already_there=commit.already_there + already_there,
            dead_lettered=commit.dead_lettered + dead_lettered,
            parked=commit.parked - self._lost - (indexed + already_there + dead_lettered),
            journal_lost=commit.journal_lost + self._lost,
        )
