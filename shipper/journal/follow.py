"""Follows the journal as it grows, for those who only look: finds entries by their headers, reads those asked for.

1. Nothing is written, locked or kept aside: neither the writer nor the reader can notice.
2. It begins near the end of the newest segment and goes on from there, segment by segment. What was deleted before it
   came there is passed over; a file that is deleted while it is read stays readable.
3. An entry is there once its header holds and the file is as long as the header says. Bytes in which no entry begins,
   because they are damaged or still being written, end where the next header holds.
4. A segment is left at its end once a newer one exists. That is looked for before its end is read, so that nothing the
   writer appended before it moved on is missed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.errors import StateError
from shipper.journal import _segments, codec
from shipper.limits import KIB, MIB

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal.entry import Entry

_PIECE_BYTES: Final = 64 * KIB
"""Read at once: hundreds of small entries, or little more than the header of a large one."""
_SEARCH_BYTES: Final = MIB
_FOUND_MAX: Final = 4_096
"""Entries given at once: some 20 s of a busy receiver's."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that is there: its checked header, and the offset at which it begins."""

    header: codec.EntryHeader
    offset: int

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.header.entry_bytes


class Follower:
    """Follows the journal in ``folder``, from ``back_bytes`` before the end of its newest segment on.

    Raises StateError, here and later, when the folder or a segment cannot be read.
    """

    def __init__(self, folder: Path, back_bytes: int = 0) -> None:
        self._folder = folder
        self._segment, self._fd, self._seed = b"", -1, 0
        self._header: codec.SegmentHeader | None = None
        self._piece, self._piece_at = b"", 0
        self._offset = 0
        newest = self._later()[-1:]
        if newest and self._enter(newest[0]):
            self._offset = max(0, os.fstat(self._fd).st_size - back_bytes)

    @property
    def interpretation(self) -> bytes:
        """What the lines of the entries found last are to be read with: the JSON from their segment's header."""
        return self._header.interpretation if self._header else b""

    def find(self) -> list[Found]:
        """Give entries that came since the last call, all of one segment; none when there is nothing new now."""
        later = self._later()
        while not (found := self._found()) and later:
            self._enter(later.pop(0))
        return found

    def read(self, found: Found) -> Entry | None:
        """Read an entry that the last ``find`` gave; None when its payload is damaged."""
        payload = os.pread(self._fd, found.header.payload_bytes, found.offset + codec.ENTRY_HEADER_BYTES)
        return codec.decode_entry(found.header, payload, self._segment, found.offset)

    def close(self) -> None:
        """Close the segment that is being read."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _later(self) -> list[bytes]:
        """Give the segments that come after this one."""
        try:
            return [segment for segment in _segments.segments(self._folder) if segment > self._segment]
        except FileNotFoundError as error:
            raise StateError(
                f"journal {self._folder}: there is none; name the state folder with --state-dir"
            ) from error
        except OSError as error:
            raise StateError(f"journal {self._folder}: {error.strerror}; look as the user of shipper") from error

    def _enter(self, segment: bytes) -> bool:
        """Leave this segment for another, unless that is gone already."""
        path = _segments.path_of(self._folder, segment)
        with suppress(FileNotFoundError):
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except PermissionError as error:
                raise StateError(f"{path}: {error.strerror}; look as the user of shipper") from error
            self.close()
            self._fd, self._segment, self._seed = fd, segment, codec.seed(segment)
            self._header, self._offset = None, 0
            return True
        return False

    def _found(self) -> list[Found]:
        self._piece = b""  # what was read before may have been written since
        if not self._begin():
            return []
        size = os.fstat(self._fd).st_size
        found: list[Found] = []
        while len(found) < _FOUND_MAX and (entry := self._next(size)) is not None:
            self._offset = entry.offset
            if entry.end > size:
                break
            self._offset = entry.end
            found.append(entry)
        return found

    def _begin(self) -> bool:
        """Read the segment's header if it is there; say whether entries can be found."""
        if self._header is None and self._fd >= 0:
            size = codec.segment_header_bytes(self._bytes(0, codec.SEGMENT_HEADER_BYTES))
            self._header = codec.decode_segment_header(self._bytes(0, size)) if size else None
            self._offset = max(self._offset, self._header.end if self._header else 0)
        return self._header is not None

    def _next(self, size: int) -> Found | None:
        """Find the first entry whose header holds, at the offset or after it."""
        entry, at = self._entry(self._offset), self._offset + 1
        while entry is None and at < size:
            piece = os.pread(self._fd, _SEARCH_BYTES, at)
            start = piece.find(codec.ENTRY_MAGIC)
            while entry is None and start >= 0:
                entry = self._entry(at + start)
                start = piece.find(codec.ENTRY_MAGIC, start + 1)
            at += max(1, len(piece) - len(codec.ENTRY_MAGIC) + 1)
        return entry

    def _entry(self, offset: int) -> Found | None:
        header = codec.decode_entry_header(self._bytes(offset, codec.ENTRY_HEADER_BYTES), self._seed)
        return None if header is None else Found(header, offset)

    def _bytes(self, offset: int, size: int) -> bytes:
        """Give ``size`` bytes at ``offset``, fewer where the file ends."""
        at = offset - self._piece_at
        if at < 0 or at + size > len(self._piece):
            self._piece, self._piece_at, at = os.pread(self._fd, max(size, _PIECE_BYTES), offset), offset, 0
        return self._piece[at : at + size]
