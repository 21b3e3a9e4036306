"""What lies in the journal, for people: counted from the headers, or with every checksum held against its bytes.

1. Nothing is written, locked or kept aside; a shipper may run meanwhile. A segment that it deletes in this moment is
   passed over.
2. A segment is looked at up to the length that it had when it was opened. What is written of an entry is written from
   its beginning, so only the last one may be there in part.
3. ``verify`` names every place where bytes are not what was written, and how many lines are missing there, as far as
   anything tells: the entry's own header, or else the ordinals around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.errors import AS_SHIPPER, StateError
from shipper.journal import _segments, codec
from shipper.journal._segment_file import SegmentFile
from shipper.limits import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.journal.entry import Position

HEADER_DAMAGED: Final = "the segment's own header is damaged, so none of it can be read"
PAYLOAD_DAMAGED: Final = "the entry's checksum does not hold"
NO_ENTRY: Final = "no whole entry"
MISSING: Final = "entries are missing before this one"

_HEADER_PIECE_BYTES: Final = 4 * KIB
"""Read at once where only headers are: beside a large entry, the next one's is far away."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What one segment holds; of it, what the commit has not passed is pending."""

    id: str
    """As the file is named."""
    created_us: int
    bytes: int
    entries: int
    lines: int
    pending_bytes: int
    pending_lines: int
    damaged_bytes: int
    """That no whole entry covers; at the end of the newest segment they may be in the making."""
    oldest_us: int | None
    """When its first entry of lines began to be received; None: there is none."""
    newest_us: int | None
    """The same of the last."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes of the journal that are not what was written."""

    segment: str
    offset: int
    bytes: int
    what: str
    lines: int | None
    """Lines that are missing by it; None where nothing tells."""
    settled: bool
    """The commit has passed them: nothing is lost by it."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The bytes from one entry to the next: a whole entry, where there is a ``header``."""

    start: int
    end: int
    header: codec.EntryHeader | None


def stat(folder: Path, committed: Position | None) -> Iterator[Segment]:
    """Count what each segment in ``folder`` holds, oldest first. Raises StateError for what cannot be read."""
    for file in _files(folder, _HEADER_PIECE_BYTES):
        yield _count(file, _passed(file.segment, committed))


def verify(folder: Path, committed: Position | None, *, growing: bool) -> Iterator[Fault]:
    """Hold every checksum in ``folder`` against its bytes; give what is wrong, in order.

    ``growing`` says that a shipper runs: then the newest segment's last entry may be there in part. Raises StateError
    for what cannot be read.
    """
    newest = max(_listed(folder), default=b"")
    for file in _files(folder, MIB):
        yield from _check(file, _passed(file.segment, committed), growing=growing and file.segment >= newest)


def _files(folder: Path, piece_bytes: int) -> Iterator[SegmentFile]:
    for segment in _listed(folder):
        path = _segments.path_of(folder, segment)
        try:
            file = SegmentFile(path, segment, piece_bytes)
        except FileNotFoundError:  # settled and deleted in this moment
            continue
        except OSError as error:
            raise StateError(f"{path}: {error.strerror}; look {AS_SHIPPER}") from error
        try:
            yield file
        finally:
            file.close()


def _listed(folder: Path) -> list[bytes]:
    try:
        return _segments.segments(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(f"journal {folder}: {error.strerror}; look {AS_SHIPPER}") from error


def _passed(segment: bytes, committed: Position | None) -> int | None:
    """Give the offset up to which the commit has passed a segment; None: wholly."""
    if committed is None or segment > committed.segment:
        return 0
    return committed.offset if segment == committed.segment else None


def _pieces(file: SegmentFile, start: int, end: int) -> Iterator[_Piece]:
    """Give the pieces of a segment between two offsets."""
    while start < end:
        header = file.header(start)
        behind = start + header.entry_bytes if header else file.find_header(start + 1) or end
        yield _Piece(start, min(behind, end), header if behind <= end else None)
        start = behind


def _count(file: SegmentFile, passed: int | None) -> Segment:
    size, begun = file.size(), file.begin()
    damaged = entries = lines = pending_lines = 0
    received_us = []
    for piece in _pieces(file, begun.end if begun else 0, size):
        if piece.header is None:
            damaged += piece.end - piece.start
            continue
        entries += 1
        lines += piece.header.lines
        if piece.header.lines:
            received_us.append(piece.header.received_us)
            pending_lines += piece.header.lines if passed is not None and piece.start >= passed else 0
    return Segment(
        id=file.segment.hex(),
        created_us=int.from_bytes(file.segment[:6], "big") * 1000,
        bytes=size,
        entries=entries,
        lines=lines,
        pending_bytes=0 if passed is None else max(0, size - passed),
        pending_lines=pending_lines,
        damaged_bytes=damaged,
        oldest_us=min(received_us, default=None),
        newest_us=max(received_us, default=None),
    )


def _check(file: SegmentFile, passed: int | None, *, growing: bool) -> Iterator[Fault]:
    size, begun = file.size(), file.begin()
    if begun is None:
        if not growing:
            lines = sum(piece.header.lines for piece in _pieces(file, 0, size) if piece.header)
            yield Fault(file.segment.hex(), 0, size, HEADER_DAMAGED, lines, settled=passed is None)
        return
    known, damage = 0, None
    for piece in _pieces(file, begun.end, size):
        header = piece.header
        if header is None:
            damage = piece
            continue
        missing = max(0, header.first_line - known)
        if damage is not None or missing:
            yield _fault(file, damage or _Piece(piece.start, piece.start, None), missing, passed)
        known, damage = header.first_line + header.lines, None
        if codec.decode_entry(header, *file.payload(piece.start, header), file.segment, piece.start) is None:
            yield _fault(file, piece, header.lines, passed)
    if damage is not None and not growing:
        yield _fault(file, damage, _lines_at(file, damage.start), passed)


def _fault(file: SegmentFile, piece: _Piece, lines: int | None, passed: int | None) -> Fault:
    what = PAYLOAD_DAMAGED if piece.header else NO_ENTRY if piece.end > piece.start else MISSING
    settled = passed is None or piece.end <= passed
    return Fault(file.segment.hex(), piece.start, piece.end - piece.start, what, lines, settled)


def _lines_at(file: SegmentFile, offset: int) -> int | None:
    """Tell how many lines an entry has that is cut off; None when not even its header is whole."""
    header = file.header(offset)
    return header.lines if header else None
