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

import os
from typing import TYPE_CHECKING, Final

from shipper.journal import _segments, codec
from shipper.journal.entry import ReceiveTally
from shipper.limits import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal.commit import Commit

_PIECE_BYTES: Final = MIB


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
        self._fd: int | None = None
        self._seed = self._offset = 0
        self._lines: int | None = None

    def look(self, entries_max: int) -> bool:
        """Count at most ``entries_max`` entries more; say whether that was all there are now."""
        for _ in range(entries_max):
            header = self._next()
            if header is None:
                return True
            self._count(header)
        return False

    def close(self) -> None:
        """Close the segment that was looked at last."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _next(self) -> codec.EntryHeader | None:
        """Go to the next header that holds, through as many segments as it takes, and read it."""
        header = self._header(self._offset)
        while header is None:
            later = self._later()
            header = self._behind_damage()
            if header is None:
                if not later:
                    return None
                self._enter(later[0])
        return header

    def _later(self) -> list[bytes]:
        first = self._start.segment if self._start else b""
        return [each for each in _segments.segments(self._folder) if each >= first and each > self._segment]

    def _count(self, header: codec.EntryHeader) -> None:
        missing = 0 if self._lines is None else max(0, header.first_line - self._lines)
        self._offset += header.entry_bytes
        self._lines = header.first_line + header.lines
        self.journaled += missing + header.lines
        self.tally += header.tally
        if missing:
            self.tally += ReceiveTally(received=missing)

    def _enter(self, segment: bytes) -> None:
        self.close()
        self._segment, self._seed = segment, codec.seed(segment)
        within = self._start if self._start and self._start.segment == segment else None
        self._offset, self._lines = (within.offset, None) if within else (0, 0)
        try:
            self._fd = os.open(_segments.path_of(self._folder, segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # deleted in this moment
            return

    def _header(self, offset: int) -> codec.EntryHeader | None:
        if self._fd is None:
            return None
        return codec.decode_entry_header(os.pread(self._fd, codec.ENTRY_HEADER_BYTES, offset), self._seed)

    def _behind_damage(self) -> codec.EntryHeader | None:
        """Go to the first header that holds behind what is none: the front of the segment, or damage."""
        offset, magic = self._offset, codec.ENTRY_MAGIC
        while self._fd is not None and len(piece := os.pread(self._fd, _PIECE_BYTES, offset)) >= len(magic):
            at = piece.find(magic)
            while at >= 0:
                header = self._header(offset + at)
                if header is not None:
                    whole = self._header(self._offset)  # it may have been written since
                    self._offset = self._offset if whole else offset + at
                    return whole or header
                at = piece.find(magic, at + 1)
            offset += len(piece) - len(magic) + 1
        return None


def bytes_on_disk(folder: Path) -> int:
    """Give the size of the journal."""
    return _segments.size(folder)


def bound(folder: Path, bytes_max: int) -> int:
    """Give the bound of a journal that may have ``bytes_max``, and half of what is free for it now."""
    disk = os.statvfs(folder)
    return min(bytes_max, (disk.f_bavail * disk.f_frsize + _segments.size(folder)) // 2)
