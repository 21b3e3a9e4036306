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

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from shipper.journal import _quarantine, codec
from shipper.journal._segment_file import SegmentFile
from shipper.journal.entry import Entry
from shipper.limits import QUARANTINE_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path

_log = structlog.get_logger()


class SegmentReader:
    """The entries of one segment, from ``start`` on: the end of an entry, or 0.

    ``header`` is None while the segment's own header is not there or is damaged; there are no entries then.
    """

    def __init__(self, path: Path, segment: bytes, start: int, quarantine: Path) -> None:
        self.segment = segment
        self.header: codec.SegmentHeader | None = None
        self._file = SegmentFile(path, segment)
        self._start = start
        self._quarantine = quarantine
        self._offset = 0
        self._lines = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def begin(self) -> bool:
        """Read the segment's header if it is there, and go to the start; say whether entries can be read."""
        if self.header is None:
            self._file.forget()
            self.header = self._file.begin()
            if self.header is not None:
                self._walk(self.header.end, self._start)
        return self.header is not None

    def next(self, *, finished: bool) -> Entry | None:
        """Give the next entry; None when there is none, or none yet."""
        entry = self._decode()
        if entry is None and (end := self._damage_end(finished=finished)) is not None:
            self._file.forget()
            entry = self._decode()
            if entry is None:
                entry = self._pass_damage(end)
        return entry

    def give_up(self) -> int:
        """Keep aside a segment whose header is damaged, and count the lines that were in it."""
        end = self._file.size()
        self._walk(0, end)
        if end:
            self._put_aside(0, end)
        return self._lines

    def _decode(self) -> Entry | None:
        """Read the entry at the offset and go behind it; None when it is damaged or not all there."""
        header = self._file.header(self._offset)
        if header is None:
            return None
        entry = codec.decode_entry(header, *self._file.payload(self._offset, header), self.segment, self._offset)
        if entry is None:
            return None
        self._offset = entry.end
        return entry.behind(self._missing(header))

    def _damage_end(self, *, finished: bool) -> int | None:
        """Tell where what is unreadable at the offset ends, if it is damage; None while it may still be written."""
        found = self._file.find_header(self._offset + 1)
        if found is None and finished:
            size = self._file.size()
            found = size if size > self._offset else None
        return found

    def _pass_damage(self, end: int) -> Entry:
        """Make an entry of the damage from the offset to ``end``; of its header, where that holds, the counts stand."""
        header = self._file.header(self._offset)
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
        data = self._file.read(start, min(end - start, QUARANTINE_BYTES_MAX))
        _quarantine.keep(self._quarantine, self.segment, start, data)
        _log.error("journal_damaged", segment=self.segment.hex(), offset=start, bytes=end - start)

    def _walk(self, start: int, end: int) -> None:
        """Go over the headers from ``start`` to ``end``, so that the ordinal there is known."""
        self._offset = start
        while self._offset < end:
            header = self._file.header(self._offset)
            if header is None:
                self._offset = self._file.find_header(self._offset + 1) or end
            else:
                self._offset, self._lines = self._offset + header.entry_bytes, header.first_line + header.lines
        self._offset = max(start, end)
