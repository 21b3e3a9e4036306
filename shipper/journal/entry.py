"""What the journal holds: entries of lines, and their positions. Pure values; the codec writes and reads them.

1. A position (segment id, offset) is given once. It rises with time, and its base64url form is a live line's `_id`.
2. A line is the bytes that came, without the line end; nothing else was done to them.
3. An entry is what one receive batch brought. Its tally counts what came beside the lines since the entry before it,
   so that lines and counts are one write.
4. So are the lines of a followed file and the cursor behind them: a file is read on from where its lines are held.
"""

from __future__ import annotations

import binascii
import enum
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENT_ID_BYTES: Final = 12
LINE_HEADER: Final = struct.Struct("<IIHH")
"""Of each line: length in bytes, microseconds since the entry's base, number of its origin, flags."""


class Flag(enum.IntFlag):
    """What is known of a line beside its bytes."""

    CUT = 1
    """The kernel or the listener cut the line at its bound."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the journal: 12 bytes of segment id (48 bits of milliseconds, 48 random bits) and a file offset."""

    segment: bytes
    offset: int

    def id(self) -> str:
        """Give the 22 characters of base64url that stand for this position as `_id`."""
        raw = self.segment + self.offset.to_bytes(4, "big")
        return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line came from: the listener's number, and the sender's address (empty when the transport has none).

    Of a unix socket it is the path; of a followed file, its URL.
    """

    listener: int
    address: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it came: its bytes, origin, time of receipt (microseconds since 1970) and position."""

    raw: bytes
    origin: Origin
    received_us: int
    flags: Flag
    position: Position


@dataclass(frozen=True, slots=True)
class ReceiveTally:
    """What came since the entry before: all lines taken from the kernel, and which of them are not in the journal.

    ``received`` is counted where lines are taken, not summed from the others; so it can be held against them.
    """

    received: int = 0
    dropped_full: int = 0
    refused_sender: int = 0
    empty: int = 0
    kernel_drops: int = 0
    """Datagrams, not among ``received``."""

    def __add__(self, other: ReceiveTally) -> ReceiveTally:
        """Sum two tallies."""
        return ReceiveTally(
            self.received + other.received,
            self.dropped_full + other.dropped_full,
            self.refused_sender + other.refused_sender,
            self.empty + other.empty,
            self.kernel_drops + other.kernel_drops,
        )


FileId: TypeAlias = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a followed file is in the journal: its lines before ``offset`` are there, none behind it is."""

    device: int
    inode: int
    head: bytes
    """A hash (8 bytes) of what the file begins with: an inode that was emptied or used again is another file."""
    offset: int
    path: str
    """The name under which it was found; it may have another by now."""
    finished: bool = False
    """It was rotated away, and is not expected to grow."""

    @property
    def file(self) -> FileId:
        """Tell what no other file has at the same time."""
        return self.device, self.inode


@dataclass(frozen=True, slots=True)
class Entry:
    """One checked entry: a table of line headers (``LINE_HEADER``, back to back) and the lines' bytes, back to back.

    Cursors of followed files stand behind the lines. ``data_offset`` is where ``data`` begins in the segment's file; a
    line's position is its own first byte there. ``end`` is the offset after the entry. ``lost`` counts lines of damaged
    entries found missing just before this one.
    """

    segment: bytes
    end: int
    received_us: int
    origins: tuple[Origin, ...]
    table: bytes
    data: bytes
    data_offset: int
    tally: ReceiveTally = ReceiveTally()
    lost: int = 0

    def __len__(self) -> int:
        """Count the lines."""
        return len(self.table) // LINE_HEADER.size

    def behind(self, lost: int) -> Entry:
        """Give this entry with ``lost`` more lines missing before it: that they were received is all that is known."""
        return replace(self, lost=self.lost + lost, tally=self.tally + ReceiveTally(received=lost)) if lost else self

    def lines(self) -> Iterator[Line]:
        """Give the lines in the order in which they came."""
        start = 0
        for length, delta_us, origin, flags in LINE_HEADER.iter_unpack(self.table):
            yield Line(
                raw=self.data[start : start + length],
                origin=self.origins[origin],
                received_us=self.received_us + delta_us,
                flags=Flag(flags),
                position=Position(self.segment, self.data_offset + start),
            )
            start += length


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one segment, read together; encoded and settled as one."""

    entries: tuple[Entry, ...]
    interpretation: bytes
    """The JSON from the segment's header."""
    end: Position
    """Where the next read goes on once this batch is settled."""

    def __len__(self) -> int:
        """Count the lines."""
        return sum(map(len, self.entries))

    @property
    def tally(self) -> ReceiveTally:
        """What came beside the lines."""
        return sum((entry.tally for entry in self.entries), ReceiveTally())

    @property
    def lost(self) -> int:
        """Lines of damaged entries found missing in front of these."""
        return sum(entry.lost for entry in self.entries)

    def lines(self) -> Iterator[Line]:
        """Give the lines in the order in which they came."""
        for entry in self.entries:
            yield from entry.lines()
