"""Reads the journal in batches, from the commit on, and follows the writer.

1. A batch holds whole entries of one segment: all its lines have one interpretation.
2. A segment is finished when a newer one exists. That is looked for once nothing more can be read, and then the end is
   read again, so that nothing the writer appended before it moved on is missed.
3. Damage never stops the reading: see ``_segment_reader``. A segment without a readable header is kept aside as a
   whole; its lines count as lost with the next batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from shipper.journal import _segments
from shipper.journal._segment_reader import SegmentReader
from shipper.journal.codec import NO_TALLY
from shipper.journal.entry import Batch, Position

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal.entry import Entry

_log = structlog.get_logger()


class Reader:
    """The reader of a journal folder, beginning at ``start`` (None: at the oldest line).

    Damaged bytes go to the folder ``quarantine``.
    """

    def __init__(self, folder: Path, start: Position | None, *, quarantine: Path) -> None:
        self._folder = folder
        self._start = start
        self._quarantine = quarantine
        self._segment: SegmentReader | None = None
        self._held: Entry | None = None
        self._lost = 0
        self._more = False

    @property
    def more(self) -> bool:
        """Say whether the last read stopped at a bound or at the end of a finished segment: the next need not wait."""
        return self._more

    def read(self, lines_max: int, bytes_max: int) -> Batch | None:
        """Give what comes next, at least one entry; None when there is nothing new now."""
        while True:
            batch = self._batch(lines_max, bytes_max, finished=False)
            if batch is not None and self._held is not None:
                self._more = True
                return batch
            later = self._later()
            if batch is None and later:
                batch = self._batch(lines_max, bytes_max, finished=True)
                if batch is None:
                    self._enter(later[0])
                    continue
            self._more = bool(later)
            return batch

    def close(self) -> None:
        """Close the segment that is being read."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _later(self) -> list[bytes]:
        """Give the segments that come after this one."""
        if self._segment is not None:
            here = self._segment.segment
            return [segment for segment in _segments.segments(self._folder) if segment > here]
        first = self._start.segment if self._start else b""
        return [segment for segment in _segments.segments(self._folder) if segment >= first]

    def _enter(self, segment: bytes) -> None:
        """Leave this segment, of which everything is read, for the next."""
        if self._segment is not None and self._segment.header is None:
            self._lost += self._segment.give_up()
            _log.warning("segment_skipped", segment=self._segment.segment.hex(), lines_lost=self._lost)
        self.close()
        start = self._start.offset if self._start and self._start.segment == segment else 0
        path = _segments.path_of(self._folder, segment)
        self._segment = SegmentReader(path, segment, start, self._quarantine)

    def _batch(self, lines_max: int, bytes_max: int, *, finished: bool) -> Batch | None:
        segment = self._segment
        if segment is None or not segment.begin() or segment.header is None:
            return None
        entries: list[Entry] = []
        lines = size = 0
        while (entry := self._next(segment, finished=finished)) is not None:
            if not (len(entry) or entry.lost or entry.tally != NO_TALLY):
                continue  # a seal has nothing to settle
            lines += len(entry)
            size += len(entry.data)
            if entries and (lines > lines_max or size > bytes_max):
                self._held = entry
                break
            entries.append(entry)
        if not entries:
            return None
        entries[0], self._lost = entries[0].behind(self._lost), 0
        return Batch(tuple(entries), segment.header.interpretation, Position(segment.segment, entries[-1].end))

    def _next(self, segment: SegmentReader, *, finished: bool) -> Entry | None:
        """Give the entry that the batch before had no room for, else the segment's next."""
        held, self._held = self._held, None
        return segment.next(finished=finished) if held is None else held
