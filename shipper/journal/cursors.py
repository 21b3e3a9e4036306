"""How far followed files are in the journal, read from it.

1. The cursor of the newest entry counts. It is as durable as the lines before it, for it is one write with them.
2. A segment begins with all cursors there are, so the newest one tells everything, whichever were deleted. Older ones
   are read only where the beginning of those after them is missing or damaged.
3. At most FILES_REMEMBERED_MAX are kept; finished files are forgotten first, and of these the longest quiet.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from shipper.journal import _segments, codec
from shipper.limits import FILES_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shipper.journal.entry import Cursor, Entry, FileId


def recover(folder: Path) -> dict[FileId, Cursor]:
    """Give the newest cursor of every file, those that moved last at the end."""
    known: dict[FileId, Cursor] = {}
    for segment in reversed(_segments.segments(folder)):
        whole, found = _read(_segments.path_of(folder, segment), segment)
        known = found | known
        if whole:
            break
    return known


def move(known: dict[FileId, Cursor], cursors: Iterable[Cursor]) -> None:
    """Put newer cursors into ``known``, and forget what is too much: finished files first, the longest quiet first."""
    for cursor in cursors:
        known.pop(cursor.file, None)
        known[cursor.file] = cursor
    if len(known) > FILES_REMEMBERED_MAX:
        least = sorted(known.values(), key=lambda cursor: not cursor.finished)
        for cursor in least[: len(known) - FILES_REMEMBERED_MAX]:
            del known[cursor.file]


def _read(path: Path, segment: bytes) -> tuple[bool, dict[FileId, Cursor]]:
    """Give the cursors of a segment, and whether its first entry is there."""
    found: dict[FileId, Cursor] = {}
    whole = False
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            begin = codec.segment_header_bytes(data[: codec.SEGMENT_HEADER_BYTES])
            for at, entry in _entries(data, segment):
                whole |= at == begin
                move(found, codec.decode_cursors(entry))
    except (FileNotFoundError, ValueError):  # deleted in this moment, or empty
        return False, {}
    return whole, found


def _entries(data: mmap.mmap, segment: bytes) -> Iterator[tuple[int, Entry]]:
    """Give each entry that holds, and where it begins."""
    seed, at = codec.seed(segment), 0
    while (at := data.find(codec.ENTRY_MAGIC, at)) >= 0:
        tables = at + codec.ENTRY_HEADER_BYTES
        header = codec.decode_entry_header(data[at:tables], seed)
        if header is None:
            at += 1
            continue
        lines = tables + header.tables_bytes
        entry = codec.decode_entry(header, data[tables:lines], data[lines : at + header.entry_bytes], segment, at)
        if entry is not None:
            yield at, entry
        at += header.entry_bytes
