"""A segment's file, read in pieces: headers by their offset, and the next one that holds behind damage.

The piece that was read last is remembered until ``forget``: the file may have grown since, and what is near its end may
be a write that was seen in parts. What is larger than a piece is read by itself, and not kept: once it is whole, nobody
asks for it again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shipper.journal import codec
from shipper.limits import KIB, MIB

if TYPE_CHECKING:
    from pathlib import Path


class SegmentFile:
    """The file of ``segment``, open for reading.

    A piece holds dozens of small entries, or the header and the tables of a large one, whose lines are read by
    themselves.
    """

    def __init__(self, path: Path, segment: bytes, piece_bytes: int = 32 * KIB) -> None:
        self.segment = segment
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._seed = codec.seed(segment)
        self._piece_bytes = piece_bytes
        self._piece, self._piece_at = b"", 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def forget(self) -> None:
        """Read anew what is read next: it may have been written since."""
        self._piece = b""

    def size(self) -> int:
        """Give how long the file is now."""
        return os.fstat(self._fd).st_size

    def begin(self) -> codec.SegmentHeader | None:
        """Read the segment's own header; None while it is not there, or when it is damaged or another segment's."""
        size = codec.segment_header_bytes(self.read(0, codec.SEGMENT_HEADER_BYTES))
        header = codec.decode_segment_header(self.read(0, size)) if size else None
        return header if header is not None and header.segment == self.segment else None

    def header(self, offset: int) -> codec.EntryHeader | None:
        """Read the entry header at ``offset``; None when none is there that holds."""
        return codec.decode_entry_header(self.read(offset, codec.ENTRY_HEADER_BYTES), self._seed)

    def payload(self, offset: int, header: codec.EntryHeader) -> tuple[bytes, bytes]:
        """Give the tables that follow the ``header`` at ``offset``, and the lines' bytes; less where the file ends."""
        tables, lines = offset + codec.ENTRY_HEADER_BYTES, offset + codec.ENTRY_HEADER_BYTES + header.tables_bytes
        return self.read(tables, header.tables_bytes), self.read(lines, header.payload_bytes - header.tables_bytes)

    def find_header(self, offset: int) -> int | None:
        """Find the first entry header that holds, at ``offset`` or after it."""
        magic = codec.ENTRY_MAGIC
        while len(piece := os.pread(self._fd, MIB, offset)) >= len(magic):
            at = piece.find(magic)
            while at >= 0:
                if self.header(offset + at) is not None:
                    return offset + at
                at = piece.find(magic, at + 1)
            offset += len(piece) - len(magic) + 1
        return None

    def next_header(self, offset: int) -> tuple[int, codec.EntryHeader] | None:
        """Read the first entry header that holds, at ``offset`` or after it; give where it stands, too."""
        header = self.header(offset)
        if header is None:
            found = self.find_header(offset + 1)
            self.forget()  # what is at the offset may have been written since, and comes first
            header = self.header(offset)
            if header is None and found is not None:
                offset, header = found, self.header(found)
        return None if header is None else (offset, header)

    def read(self, offset: int, size: int) -> bytes:
        """Give ``size`` bytes at ``offset``, fewer where the file ends."""
        at = offset - self._piece_at
        if at < 0 or at + size > len(self._piece):
            if size > self._piece_bytes:
                return os.pread(self._fd, size, offset)
            self._piece, self._piece_at, at = os.pread(self._fd, self._piece_bytes, offset), offset, 0
        return self._piece[at : at + size]
