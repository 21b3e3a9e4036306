"""From sources to the journal: what is gathered becomes an entry, and a full journal is met as the sources need it.

1. What cannot wait, or is not to, is dropped when the journal is full, counted, and said once; so is the end of it.
2. What can wait is held here, one batch, and not read on until the journal has taken it; that is tried ten times a
   second. The sender waits then: the kernel's buffers fill up, or the file grows. Nothing is lost of it.
3. What is counted beside the lines goes with the next entry, at the latest with the next report: a flood of blank
   datagrams writes one entry a second.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from shipper.errors import JournalFull
from shipper.journal.entry import ReceiveTally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.journal.codec import Draft, Packed
    from shipper.journal.entry import Cursor, FileId
    from shipper.receive._gathering import Gathering
    from shipper.receive._source import Source

_log = structlog.get_logger()

_NO_TALLY: Final = ReceiveTally()
_AGAIN_S: Final = 0.1


class Journal(Protocol):
    """Where the lines go."""

    @property
    def cursors(self) -> Mapping[FileId, Cursor]:
        """Tell how far each followed file is."""

    def append(self, draft: Draft | Packed) -> None:
        """Take one entry, or raise JournalFull."""

    def close(self) -> None:
        """Make what was appended as durable as it is to be."""


class DroppingLane:
    """Sources that cannot wait or are not to, and the counts of all."""

    full = False

    def __init__(self, sources: Sequence[Source], journal: Journal, gathering: Gathering) -> None:
        self.sources = sources
        self._journal = journal
        self._gathering = gathering
        self._tally = ReceiveTally()
        self._dropped = 0  # since the journal has been full

    def turn(self) -> int:
        """Read every source once, at most a batch of each, and append the lines; give how much there was."""
        taken = sum(source.read(self._gathering, self.flush) for source in self.sources)
        if self._gathering.pending:
            self.flush()
        return taken

    def report(self, kernel_drops: int) -> None:
        """Append with the counts that have come up, even when there are no lines."""
        self._tally += ReceiveTally(kernel_drops=kernel_drops)
        self.flush()

    def flush(self) -> bool:
        """Append what was gathered, or drop it: the next may come."""
        draft = self._gathering.take(self._tally)
        self._tally = _NO_TALLY
        if draft.count or draft.tally != _NO_TALLY:
            self._append(draft)
        return True

    def finish(self) -> None:
        """Take what was begun as lines, append what is left; say what the journal does not take."""
        for source in self.sources:
            source.finish(self._gathering, self.flush)
        self.flush()
        self.flush()  # the counts of what was dropped by the first
        if self._tally != _NO_TALLY:
            _log.error("counts_not_journaled", **asdict(self._tally))

    def drop(self, draft: Draft | Packed, reason: str) -> None:
        """Count the lines of a draft that the journal does not take."""
        if draft.count and not self._dropped:
            _log.error("lines_dropped", reason=reason)
        self._dropped += draft.count
        self._tally += draft.tally + ReceiveTally(dropped_full=draft.count)

    def _append(self, draft: Draft | Packed) -> None:
        try:
            self._journal.append(draft)
        except JournalFull as error:
            self.drop(draft, str(error))
            return
        if draft.count and self._dropped:
            _log.warning("journal_took_lines_again", lines_dropped=self._dropped)
            self._dropped = 0


class WaitingLane:
    """Sources that can wait."""

    def __init__(self, sources: Sequence[Source], journal: Journal, gathering: Gathering) -> None:
        self.sources = sources
        self.full = False
        self._journal = journal
        self._gathering = gathering
        self._held: deque[Draft | Packed] = deque()
        self._again_s = 0.0

    def turn(self) -> int:
        """Read every source once, unless the journal is full; give how much there was."""
        if self.full and (time.monotonic() < self._again_s or not self._write()):
            return 0
        taken = sum(source.read(self._gathering, self.flush) for source in self.sources)
        if self._gathering.pending:
            self.flush()
        return taken

    def flush(self) -> bool:
        """Append what was gathered, the counts too; say whether the journal took it."""
        draft = self._gathering.take(_NO_TALLY)
        if draft.count or draft.cursors or draft.tally != _NO_TALLY:
            self._held.append(draft)
        return self._write()

    def finish(self) -> list[Draft | Packed]:
        """Take what was begun as lines, and give what the journal does not take."""
        for source in self.sources:
            source.finish(self._gathering, self.flush)
        self.flush()
        return list(self._held)

    def _write(self) -> bool:
        while self._held:
            try:
                self._journal.append(self._held[0])
            except JournalFull as error:
                if not self.full:
                    _log.warning("reading_paused", reason=str(error))
                self.full = True
                self._again_s = time.monotonic() + _AGAIN_S
                return False
            self._held.popleft()
        if self.full:
            _log.info("reading_resumed")
        self.full = False
        return True
