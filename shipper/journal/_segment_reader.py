"""Reads the entries of one segment, also while it is being written.

1. What is damaged or not whole at the end is left alone until something good follows it, or until the segment is
   finished (a newer one exists). Only then it is damage.
2. A write may be seen in pieces, and be finished between a look at an entry and the search behind it. So damage is
   looked at once more, with nothing remembered: whoever sees a later entry sees all of the one before it.
3. Damage ends where the next entry header holds. Its bytes are kept aside, and it becomes an entry without lines.
4. Lines missing are counted exactly: by the damaged entry's own header where that holds, else by the ordinal in the
   next one. Only at the end of a segment that was never sealed there may be none to count by.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from shipper.journal import _quarantine, codec
from shipper.journal.entry import Entry
from shipper.limits import MIB, QUARANTINE_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path

_log = structlog.get_logger()

_PIECE_BYTES: Final = MIB
"""Read at once, so that a thousand small entries cost one call."""


class SegmentReader:
    """The entries of one segment, from ``start`` on: the end of an entry, or 0.

    ``header`` is None while the segment's own header is not there or is damaged; there are no entries then.
    """

    def __init__(self, path: Path, segment: bytes, start: int, quarantine: Path) -> None:
        self.segment = segment
        self.header: codec.SegmentHeader | None = None
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._start = start
        self._quarantine = quarantine
        self._seed = codec.seed(segment)
        self._piece, self._piece_at = b"", 0
        self._offset = 0
        self._lines = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def begin(self) -> bool:
        """Read the segment's header if it is there, and go to the start; say whether entries can be read."""
        if self.header is None:
            self._forget()
            size = codec.segment_header_bytes(self._bytes(0, codec.SEGMENT_HEADER_BYTES))
            header = codec.decode_segment_header(self._bytes(0, size)) if size else None
            if header is not None and header.segment == self.segment:
                self.header = header
                self._walk(header.end, self._start)
        return self.header is not None

    def next(self, *, finished: bool) -> Entry | None:
        """Give the next entry; None when there is none, or none yet."""
        entry = self._decode()
        if entry is None and (end := self._damage_end(finished=finished)) is not None:
            self._forget()
            entry = self._decode()
            if entry is None:
                entry = self._pass_damage(end)
        return entry

    def give_up(self) -> int:
        """Keep aside a segment whose header is damaged, and count the lines that were in it."""
        end = os.fstat(self._fd).st_size
        self._walk(0, end)
        if end:
            self._put_aside(0, end)
        return self._lines

    def _decode(self) -> Entry | None:
        """Read the entry at the offset and go behind it; None when it is damaged or not all there."""
        header = self._header(self._offset)
        if header is None:
            return None
        payload = self._bytes(self._offset + codec.ENTRY_HEADER_BYTES, header.payload_bytes)
        entry = codec.decode_entry(header, payload, self.segment, self._offset)
        if entry is None:
            return None
        self._offset = entry.end
        return entry.behind(self._missing(header))

    def _damage_end(self, *, finished: bool) -> int | None:
        """Tell where what is unreadable at the offset ends, if it is damage; None while it may still be written."""
        found = self._find_header(self._offset + 1)
        if found is None and finished:
            size = os.fstat(self._fd).st_size
            found = size if size > self._offset else None
        return found

    def _pass_damage(self, end: int) -> Entry:
        """Make an entry of the damage from the offset to ``end``; of its header, where that holds, the counts stand."""
        header = self._header(self._offset)
        self._put_aside(self._offset, end)
        self._offset = end
        entry = Entry(self.segment, end, 0, (), b"", b"", end)
        if header is None:
            return entry
        return replace(entry, tally=header.tally, lost=header.lines).behind(self._missing(header))

    def _missing(self, header: codec.EntryHeader) -> int:
        """Count the lines that are missing before the entry, and go behind its own."""
        missing = max(0, header.first_line - self._lines)
        self._lines = header.first_line + header.lines
        return missing

    def _put_aside(self, start: int, end: int) -> None:
        data = os.pread(self._fd, min(end - start, QUARANTINE_BYTES_MAX), start)
        _quarantine.keep(self._quarantine, self.segment, start, data)
        _log.error("journal_damaged", segment=self.segment.hex(), offset=start, bytes=end - start)

    def _walk(self, start: int, end: int) -> None:
        """Go over the headers from ``start`` to ``end``, so that the ordinal there is known."""
        self._offset = start
        while self._offset < end:
            header = self._header(self._offset)
            if header is None:
                self._offset = self._find_header(self._offset + 1) or end
            else:
                self._offset, self._lines = self._offset + header.entry_bytes, header.first_line + header.lines
        self._offset = max(start, end)

    def _header(self, offset: int) -> codec.EntryHeader | None:
        return codec.decode_entry_header(self._bytes(offset, codec.ENTRY_HEADER_BYTES), self._seed)

    def _find_header(self, offset: int) -> int | None:
        """Find the first entry header that holds, at ``offset`` or after it."""
        magic = codec.ENTRY_MAGIC
        while len(piece := os.pread(self._fd, _PIECE_BYTES, offset)) >= len(magic):
            at = piece.find(magic)
            while at >= 0:
                if self._header(offset + at) is not None:
                    return offset + at
                at = piece.find(magic, at + 1)
            offset += len(piece) - len(magic) + 1
        return None

    def _forget(self) -> None:
        """Read anew what is read next: it may have been written since."""
        self._piece = b""

    def _bytes(self, offset: int, size: int) -> bytes:
        """Give ``size`` bytes at ``offset``, fewer where the file ends."""
        at = offset - self._piece_at
        if at < 0 or at + size > len(self._piece):
            self._piece, self._piece_at, at = os.pread(self._fd, max(size, _PIECE_BYTES), offset), offset, 0
        return self._piece[at : at + size]
