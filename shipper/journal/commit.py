"""How far the journal is settled, and what became of every line: the commit record and the ledger that moves it.

1. The position and the counters are one record, written in one write: both are true, or neither.
2. A position is passed only when every line before it is settled; batches may settle in any order.
3. Over the part that is passed: ``journaled = indexed + already_there + dead_lettered + parked + journal_lost``, and
   ``received = journaled + dropped_full + refused_sender + empty``. Each term is counted for itself where it happens,
   so that the sums can fail. Kernel drops stand beside them.
4. Pure: no file, no clock. The committer writes what is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.journal.entry import Batch, Position, ReceiveTally


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What became of the lines of one batch; each line is in exactly one of them."""

    indexed: int = 0
    already_there: int = 0
    dead_lettered: int = 0
    parked: int = 0

    @property
    def total(self) -> int:
        """Count the lines."""
        return self.indexed + self.already_there + self.dead_lettered + self.parked

    def __add__(self, other: Verdicts) -> Verdicts:
        """Sum two tallies."""
        return Verdicts(
            self.indexed + other.indexed,
            self.already_there + other.already_there,
            self.dead_lettered + other.dead_lettered,
            self.parked + other.parked,
        )


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything before ``position`` is settled (None: nothing yet); the counters go on over restarts."""

    position: Position | None = None
    received: int = 0
    journaled: int = 0
    indexed: int = 0
    already_there: int = 0
    dead_lettered: int = 0
    parked: int = 0
    journal_lost: int = 0
    dropped_full: int = 0
    refused_sender: int = 0
    empty: int = 0
    kernel_drops: int = 0

    def after(self, passed: Passed, verdicts: Verdicts) -> Commit:
        """Give the record that has passed one more batch."""
        return Commit(
            position=passed.end,
            received=self.received + passed.tally.received,
            journaled=self.journaled + passed.lines + passed.lost,
            indexed=self.indexed + verdicts.indexed,
            already_there=self.already_there + verdicts.already_there,
            dead_lettered=self.dead_lettered + verdicts.dead_lettered,
            parked=self.parked + verdicts.parked,
            journal_lost=self.journal_lost + passed.lost,
            dropped_full=self.dropped_full + passed.tally.dropped_full,
            refused_sender=self.refused_sender + passed.tally.refused_sender,
            empty=self.empty + passed.tally.empty,
            kernel_drops=self.kernel_drops + passed.tally.kernel_drops,
        )


COUNTERS: Final = tuple(field.name for field in fields(Commit) if field.name != "position")


@dataclass(frozen=True, slots=True)
class Passed:
    """What the ledger keeps of a batch: its end and its counts, none of its bytes."""

    end: Position
    lines: int
    lost: int
    tally: ReceiveTally


class Ledger:
    """Batches in the order in which they were read, and the commit that follows their settling. Not thread-safe."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._open: dict[int, tuple[Passed, Verdicts | None]] = {}
        self._next_ticket = 0

    @property
    def commit(self) -> Commit:
        """The record as of now."""
        return self._commit

    @property
    def open_lines(self) -> int:
        """Lines that are read and not yet passed by the commit."""
        return sum(passed.lines for passed, _ in self._open.values())

    def open(self, batch: Batch) -> int:
        """Take note of the next batch in order of reading; the ticket names it when it settles.

        A batch without lines (counts only) is settled by it; settling it again does nothing.
        """
        ticket = self._next_ticket
        self._next_ticket += 1
        passed = Passed(batch.end, len(batch), batch.lost, batch.tally)
        self._open[ticket] = (passed, None if passed.lines else Verdicts())
        self._pass()
        return ticket

    def settle(self, ticket: int, verdicts: Verdicts) -> None:
        """Record that every line of the batch has its verdict.

        A ticket that is settled already or was never given, and verdicts that do not add up to the batch's lines, are
        mistakes of the caller: KeyError and ValueError.
        """
        passed, settled = self._open.get(ticket, (None, None))
        if passed is None or settled is not None:
            if verdicts.total == 0 and ticket < self._next_ticket:
                return
            raise KeyError(ticket)
        if verdicts.total != passed.lines:
            raise ValueError(f"{verdicts.total} verdicts for a batch of {passed.lines} lines")
        self._open[ticket] = (passed, verdicts)
        self._pass()

    def _pass(self) -> None:
        """Move the commit over the settled batches in front. A dict keeps the order in which they were opened."""
        for ticket, (passed, verdicts) in list(self._open.items()):
            if verdicts is None:
                return
            self._commit = self._commit.after(passed, verdicts)
            del self._open[ticket]
