"""Appends entries to the journal.

1. Every writer begins a fresh segment; none ever appends to a file that it did not create.
2. An append is one write. When it returns, the entry is the operating system's; when it raises JournalFull, nothing of
   it is left in the journal.
3. The bound of all segments and the disk's reserve are looked at once a second, ten times a second while there is no
   room; the bytes written since are counted. So appending goes on by itself once segments are deleted or the disk has
   room.
4. A segment that is left ends with an entry without lines, so that lines lost at its end can be counted.
5. A segment begins, in one write and synced, with the cursors of all followed files: whichever segments are deleted,
   the newest one tells how far each file is.
6. Lines leave the last JOURNAL_COUNTS_BYTES of the bound to entries without lines and to the headers of segments: what
   was dropped can be said while it is. At their end, counts wait as lines do.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from shipper import limits
from shipper.errors import JournalFull
from shipper.journal import _segments, codec, cursors
from shipper.journal._sync import Syncer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from shipper.journal.entry import Cursor, FileId

_log = structlog.get_logger()

_LOOK_US: Final = 1_000_000
_LOOK_WHILE_FULL_US: Final = 100_000
_SEGMENTS_MIN: Final = 4
"""A bound is shared by at least so many segments, so that deleting one frees a good part of it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the journal may hold, and how soon it is on the disk."""

    bytes_max: int = limits.JOURNAL_BYTES_MAX
    segment_bytes: int = limits.SEGMENT_BYTES
    free_share_min: float = limits.DISK_FREE_SHARE_MIN
    sync_interval_s: float | None = 1.0
    """0 is after each write, None is never."""


class Writer:
    """The one writer of a journal folder; used by one thread.

    ``interpretation`` is what the lines of this writer are to be read with. Segments are made newer than ``newer_than``
    (the commit's segment), even when the folder is empty and the clock was set back.
    """

    def __init__(
        self,
        folder: Path,
        interpretation: bytes,
        bounds: Bounds,
        *,
        clock_us: Callable[[], int],
        random_bytes: Callable[[int], bytes] = os.urandom,
        newer_than: bytes | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._interpretation = interpretation
        self._clock_us = clock_us
        self._random_bytes = random_bytes
        self._newest = max([*_segments.segments(folder), newer_than or b""]) or None
        self._bytes_max = _segments.bound(folder, bounds.bytes_max)
        self._segment_bytes = min(bounds.segment_bytes, self._bytes_max // _SEGMENTS_MIN)
        self._counts_bytes = min(limits.JOURNAL_COUNTS_BYTES, self._bytes_max // limits.JOURNAL_COUNTS_SHARE)
        self._free_share_min = bounds.free_share_min
        self._cursors = cursors.recover(folder)
        self._syncer = Syncer(bounds.sync_interval_s)
        self._fd: int | None = None
        self._seed = self._offset = self._begun = self._lines = 0
        self._room, self._looked_us = 0, -_LOOK_US
        with suppress(JournalFull):  # then the first append that finds room begins the segment
            self._begin()

    @property
    def cursors(self) -> Mapping[FileId, Cursor]:
        """How far each followed file is in the journal."""
        return self._cursors

    def append(self, draft: codec.Draft | codec.Packed) -> None:
        """Write one entry. Raises JournalFull when there is no room; nothing was written then."""
        entry = codec.entry_parts(draft, self._lines, self._seed)
        size = sum(map(len, entry))
        self._claim(size, leave=self._counts_bytes if draft.count else 0)
        fd = self._fd
        if fd is None or (self._offset > self._begun and self._offset + size > self._segment_bytes):
            fd = self._begin()
            entry = codec.entry_parts(draft, 0, self._seed)
        self._write(fd, entry)
        self._lines += draft.count
        cursors.move(self._cursors, draft.cursors)

    def close(self) -> None:
        """Seal the segment, sync as the policy says, and close."""
        self._leave()
        self._syncer.close()

    def _claim(self, size: int, leave: int) -> None:
        """Take ``size`` bytes of the room there is, of which ``leave`` must be left, or raise JournalFull."""
        now = self._clock_us()
        patience = _LOOK_US if self._room >= size + leave else _LOOK_WHILE_FULL_US
        if not 0 <= now - self._looked_us < patience:
            self._looked_us = now
            self._room = _segments.room(self._folder, self._bytes_max, self._free_share_min)
        if self._room < size + leave:
            raise JournalFull(
                f"journal {self._folder}: the bound of {self._bytes_max} bytes or the disk's reserve is reached"
            )
        self._room -= size

    def _begin(self) -> int:
        """Leave the segment there is, and begin the next."""
        self._leave()
        segment = _segments.new_id(self._clock_us(), self._newest, self._random_bytes(6))
        path = _segments.path_of(self._folder, segment)
        header = [codec.encode_segment_header(segment, self._interpretation)]
        if self._cursors:
            all_files = codec.Draft(received_us=self._clock_us(), cursors=tuple(self._cursors.values()))
            header += codec.entry_parts(all_files, 0, codec.seed(segment))
        self._claim(sum(map(len, header)) + codec.ENTRY_HEADER_BYTES, leave=0)  # with the seal
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise JournalFull(f"journal {self._folder}: no new segment: {error}") from error
        self._fd, self._newest, self._seed = fd, segment, codec.seed(segment)
        self._offset = self._lines = 0
        try:
            self._write(fd, header)
        except JournalFull:
            path.unlink()
            self._abandon()
            raise
        self._begun = self._offset
        self._syncer.sync_begun(fd, self._folder)
        _log.debug("segment_opened", segment=segment.hex())
        return fd

    def _write(self, fd: int, parts: Sequence[bytes]) -> None:
        """Write all of ``parts`` at the end of the segment, in one write, or nothing."""
        try:
            written = os.writev(fd, parts)
        except OSError as error:
            raise JournalFull(f"journal {self._folder}: {error}") from error
        if written == sum(map(len, parts)):
            self._offset += written
            self._syncer.wrote(fd)
            return
        try:
            os.ftruncate(fd, self._offset)
        except OSError:  # the reader skips what cannot be taken back, once a newer segment exists
            self._abandon()
        raise JournalFull(f"journal {self._folder}: the disk is full")

    def _leave(self) -> None:
        """Seal the segment: an entry without lines says how many there were."""
        if self._fd is not None:
            seal = codec.Draft(received_us=self._clock_us())
            with suppress(JournalFull):
                self._write(self._fd, codec.entry_parts(seal, self._lines, self._seed))
            self._abandon()

    def _abandon(self) -> None:
        if self._fd is not None:
            self._syncer.retire(self._fd)
            self._fd = None
