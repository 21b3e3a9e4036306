"""Counts what the journal holds behind a commit, by the headers of its entries alone.

1. It counts what a reader that begins at this commit will find: lines, the tallies that came beside them, and lines
   that are missing, by the ordinals. So the counts of the commit, and these, are those of all that was ever received.
   Only lines that are missing right behind the commit are not known before the reader has counted them.
2. A look goes on where the one before it stopped, and costs one small read for each entry written since. It is
   bounded: a long journal takes several looks to be counted for the first time.
3. It reads only. What vanishes under it was passed by the commit; whoever sees the commit ahead of the census begins a
   new one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.journal import _segments
from shipper.journal._segment_file import SegmentFile
from shipper.journal.entry import ReceiveTally
from shipper.limits import KIB

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal.codec import EntryHeader
    from shipper.journal.commit import Commit

_PIECE_BYTES: Final = 4 * KIB
"""Read at once: dozens of the entries of a quiet hour; beside a large entry, the next header is far away."""


class Census:
    """The counts of all that was received until now. Not thread-safe."""

    def __init__(self, folder: Path, commit: Commit) -> None:
        self.journaled = commit.journaled
        self.tally = ReceiveTally(
            commit.received, commit.dropped_full, commit.refused_sender, commit.empty, commit.kernel_drops
        )
        self._folder = folder
        self._start = commit.position
        self._segment = b""
        self._file: SegmentFile | None = None
        self._offset = 0
        self._lines: int | None = None

    def look(self, entries_max: int) -> bool:
        """Count at most ``entries_max`` entries more; say whether that was all there are now."""
        if self._file is not None:
            self._file.forget()
        for _ in range(entries_max):
            header = self._next()
            if header is None:
                return True
            self._count(header)
        return False

    def close(self) -> None:
        """Close the segment that was looked at last."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> EntryHeader | None:
        """Go to the next header that holds, through as many segments as it takes, and read it."""
        header = self._file.header(self._offset) if self._file else None
        while header is None:
            later = self._later()
            found = self._file.next_header(self._offset) if self._file else None
            if found is not None:
                self._offset, header = found
            elif later:
                self._enter(later[0])
            else:
                return None
        return header

    def _later(self) -> list[bytes]:
        first = self._start.segment if self._start else b""
        return [each for each in _segments.segments(self._folder) if each >= first and each > self._segment]

    def _count(self, header: EntryHeader) -> None:
        missing = 0 if self._lines is None else max(0, header.first_line - self._lines)
        self._offset += header.entry_bytes
        self._lines = header.first_line + header.lines
        self.journaled += missing + header.lines
        self.tally += header.tally
        if missing:
            self.tally += ReceiveTally(received=missing)

    def _enter(self, segment: bytes) -> None:
        self.close()
        self._segment = segment
        within = self._start if self._start and self._start.segment == segment else None
        self._offset, self._lines = (within.offset, None) if within else (0, 0)
        try:
            self._file = SegmentFile(_segments.path_of(self._folder, segment), segment, _PIECE_BYTES)
        except FileNotFoundError:  # deleted in this moment
            return
