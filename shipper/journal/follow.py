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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.errors import AS_SHIPPER, StateError
from shipper.journal import _segments, codec
from shipper.journal._segment_file import SegmentFile
from shipper.limits import KIB

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal.entry import Entry

_PIECE_BYTES: Final = 64 * KIB
"""Read at once: hundreds of small entries, or little more than the header of a large one."""
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
        self._file: SegmentFile | None = None
        self._header: codec.SegmentHeader | None = None
        newest = self._later()[-1:]
        self._file = self._open(newest[0]) if newest else None
        self._offset = max(0, self._file.size() - back_bytes) if self._file else 0

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
        if self._file is None:
            return None
        payload = self._file.payload(found.offset, found.header)
        return codec.decode_entry(found.header, *payload, self._file.segment, found.offset)

    def close(self) -> None:
        """Close the segment that is being read."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _later(self) -> list[bytes]:
        """Give the segments that come after this one."""
        here = self._file.segment if self._file else b""
        try:
            return [segment for segment in _segments.segments(self._folder) if segment > here]
        except FileNotFoundError as error:
            raise StateError(
                f"journal {self._folder}: there is none; name the state folder with --state-dir"
            ) from error
        except OSError as error:
            raise StateError(f"journal {self._folder}: {error.strerror}; look {AS_SHIPPER}") from error

    def _open(self, segment: bytes) -> SegmentFile | None:
        """Open a segment's file; None when it is gone already."""
        path = _segments.path_of(self._folder, segment)
        try:
            return SegmentFile(path, segment, _PIECE_BYTES)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise StateError(f"{path}: {error.strerror}; look {AS_SHIPPER}") from error

    def _enter(self, segment: bytes) -> None:
        """Leave this segment for another, unless that is gone already."""
        file = self._open(segment)
        if file is not None:
            self.close()
            self._file, self._header, self._offset = file, None, 0

    def _found(self) -> list[Found]:
        file = self._file
        if file is None:
            return []
        file.forget()  # what was read before may have been written since
        if self._header is None:
            self._header = file.begin()
            self._offset = max(self._offset, self._header.end if self._header else 0)
        size = file.size()
        found: list[Found] = []
        while self._header is not None and len(found) < _FOUND_MAX and (at := file.next_header(self._offset)):
            self._offset, header = at
            entry = Found(header, self._offset)
            if entry.end > size:
                break
            self._offset = entry.end
            found.append(entry)
        return found
