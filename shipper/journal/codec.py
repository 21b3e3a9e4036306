"""The bytes of the journal: what a segment and an entry look like on disk. Pure: no file, no clock, no randomness.

All numbers are unsigned and little endian; nothing is aligned or padded.

Segment: a header of 36 bytes, the interpretation, entries back to back.

======  ====================================================================================
8       magic: ``shipper`` and LF, for the person who looks with ``head``
4       version of this format: 1
12      segment id: 48 bits of milliseconds since 1970, then 48 random bits, both big endian
4       length of the interpretation (JSON)
4       CRC32C of the interpretation
4       CRC32C of the 32 bytes before
======  ====================================================================================

Entry: a header of 76 bytes, then the payload.

======  ====================================================================================
4       magic: F5 E7 FF 0A, which no UTF-8 text holds
4       length of the payload
4       ordinal of the first line in the segment
4       lines
4       length of the origins
8       base time of receipt, microseconds since 1970
5 x 8   tally: received, dropped_full, refused_sender, empty, kernel_drops
4       CRC32C of the payload
4       CRC32C of the segment id and the 72 bytes before
======  ====================================================================================

Payload: the origins (each: 2 listener, 1 length of the address, the address), the line table (``LINE_HEADER`` for each
line), the lines' bytes back to back, then for each followed file that moved a cursor: 8 device, 8 inode, 8 hash of the
head, 8 offset, 1 finished, 2 length of the path, the path. A segment begins with an entry of all cursors there are.

1. A header that holds is believed: its length, counts and tally stand even when the payload is damaged.
2. The ordinal of the first line tells how many lines are missing when whole entries are.
3. An entry header's checksum begins with the segment id, so that neither bytes that a sender chose nor an old block of
   the disk pass for an entry.
4. No bytes whatever raise an exception when they are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import google_crc32c

from shipper.errors import ConfigError
from shipper.journal.entry import LINE_HEADER, SEGMENT_ID_BYTES, Cursor, Entry, Origin, ReceiveTally
from shipper.limits import ENTRY_BYTES_MAX, INTERPRETATION_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION: Final = 1
NO_TALLY: Final = ReceiveTally()
SEGMENT_MAGIC: Final = b"shipper\n"
ENTRY_MAGIC: Final = b"\xf5\xe7\xff\n"

_CHECKSUM: Final = struct.Struct("<I")
_SEGMENT: Final = struct.Struct(f"<8sI{SEGMENT_ID_BYTES}sII")
_ENTRY: Final = struct.Struct("<4sIIIIQQQQQQI")
_ORIGIN: Final = struct.Struct("<HB")
_CURSOR: Final = struct.Struct("<QQ8sQBH")

SEGMENT_HEADER_BYTES: Final = _SEGMENT.size + _CHECKSUM.size
ENTRY_HEADER_BYTES: Final = _ENTRY.size + _CHECKSUM.size


@dataclass(frozen=True, slots=True)
class Draft:
    """What one receive batch brought, to become an entry. The three sequences beside ``lines`` are as long as it."""

    received_us: int
    """The base, microseconds since 1970."""
    lines: Sequence[bytes] = ()
    deltas_us: Sequence[int] = ()
    """Microseconds since the base, each from 0 to 2^32 - 1."""
    origin_numbers: Sequence[int] = ()
    """Indices into ``origins``."""
    flags: Sequence[int] = ()
    origins: Sequence[Origin] = ()
    """At most 65,536; an address is at most 255 bytes of UTF-8."""
    tally: ReceiveTally = NO_TALLY
    cursors: Sequence[Cursor] = ()
    """Of the followed files whose lines these are, behind them."""

    @property
    def count(self) -> int:
        """Count the lines."""
        return len(self.lines)

    @property
    def table(self) -> bytes:
        """The headers of the lines, back to back."""
        headers = map(LINE_HEADER.pack, map(len, self.lines), self.deltas_us, self.origin_numbers, self.flags)
        return b"".join(headers)

    @property
    def data(self) -> bytes:
        """The lines, back to back."""
        return b"".join(self.lines)


@dataclass(frozen=True, slots=True)
class Packed:
    """A draft whose table and bytes are put together already."""

    received_us: int
    table: bytes
    data: bytes
    origins: Sequence[Origin]
    tally: ReceiveTally
    cursors: Sequence[Cursor] = ()

    @property
    def count(self) -> int:
        """Count the lines."""
        return len(self.table) // LINE_HEADER.size


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The checked front of a segment."""

    segment: bytes
    interpretation: bytes
    end: int
    """Where the first entry begins."""


@dataclass(frozen=True, slots=True)
class EntryHeader:
    """The checked front of an entry."""

    payload_bytes: int
    first_line: int
    lines: int
    origins_bytes: int
    received_us: int
    tally: ReceiveTally
    payload_checksum: int

    @property
    def entry_bytes(self) -> int:
        """The length of the entry, header and payload."""
        return ENTRY_HEADER_BYTES + self.payload_bytes

    @property
    def tables_bytes(self) -> int:
        """The length of what stands before the lines' bytes in the payload: the origins and the line table."""
        return self.origins_bytes + self.lines * LINE_HEADER.size


def encode_segment_header(segment: bytes, interpretation: bytes) -> bytes:
    """Give the bytes that a segment begins with.

    Raises ConfigError for an interpretation above INTERPRETATION_BYTES_MAX, which could not be read again.
    """
    if len(interpretation) > INTERPRETATION_BYTES_MAX:
        raise ConfigError(
            f"what lines are read with takes {len(interpretation)} bytes, more than {INTERPRETATION_BYTES_MAX}; "
            "write fewer listeners and senders: a network stands for all of its addresses"
        )
    front = _SEGMENT.pack(SEGMENT_MAGIC, VERSION, segment, len(interpretation), google_crc32c.value(interpretation))
    return front + _CHECKSUM.pack(google_crc32c.value(front)) + interpretation


def segment_header_bytes(data: bytes) -> int | None:
    """Tell how many bytes the segment header takes, the interpretation with it; None when ``data`` holds none."""
    if len(data) < SEGMENT_HEADER_BYTES:
        return None
    magic, version, _segment, length, _checksum = _SEGMENT.unpack_from(data)
    (checksum,) = _CHECKSUM.unpack_from(data, _SEGMENT.size)
    believed = (
        magic == SEGMENT_MAGIC
        and version == VERSION
        and length <= INTERPRETATION_BYTES_MAX
        and checksum == google_crc32c.value(data[: _SEGMENT.size])
    )
    return SEGMENT_HEADER_BYTES + length if believed else None


def decode_segment_header(data: bytes) -> SegmentHeader | None:
    """Read the front of a segment; None when it is damaged or not all there."""
    end = segment_header_bytes(data)
    if end is None or len(data) < end:
        return None
    _magic, _version, segment, _length, checksum = _SEGMENT.unpack_from(data)
    interpretation = data[SEGMENT_HEADER_BYTES:end]
    if checksum != google_crc32c.value(interpretation):
        return None
    return SegmentHeader(segment, interpretation, end)


def seed(segment: bytes) -> int:
    """Give what the checksums of this segment's entry headers begin with."""
    return int(google_crc32c.value(segment))


def encode_entry(draft: Draft | Packed, first_line: int, checksum_seed: int) -> bytes:
    """Give the entry's bytes; ``first_line`` counts the lines before it in the segment. Raises what the parts raise."""
    return b"".join(entry_parts(draft, first_line, checksum_seed))


def entry_parts(draft: Draft | Packed, first_line: int, checksum_seed: int) -> list[bytes]:
    """Give the entry's bytes in parts, so that the lines need not be copied to stand behind their header.

    Raises ValueError for a draft of more than ENTRY_BYTES_MAX, which could not be read again.
    """
    addresses = [(origin.listener, origin.address.encode()) for origin in draft.origins]
    origins = b"".join(_ORIGIN.pack(listener, len(address)) + address for listener, address in addresses)
    payload = [origins, draft.table, draft.data, b"".join(map(_encode_cursor, draft.cursors))]
    size = sum(map(len, payload))
    if size > ENTRY_BYTES_MAX:
        raise ValueError(f"an entry holds at most {ENTRY_BYTES_MAX} bytes, not {size}")
    tally = draft.tally
    front = _ENTRY.pack(
        ENTRY_MAGIC,
        size,
        first_line,
        draft.count,
        len(origins),
        draft.received_us,
        tally.received,
        tally.dropped_full,
        tally.refused_sender,
        tally.empty,
        tally.kernel_drops,
        reduce(google_crc32c.extend, payload, 0),
    )
    return [front, _CHECKSUM.pack(google_crc32c.extend(checksum_seed, front)), *payload]


def decode_entry_header(data: bytes, checksum_seed: int) -> EntryHeader | None:
    """Read the front of an entry; None when it is damaged or not all there."""
    if len(data) < ENTRY_HEADER_BYTES or not data.startswith(ENTRY_MAGIC):
        return None
    (checksum,) = _CHECKSUM.unpack_from(data, _ENTRY.size)
    if checksum != google_crc32c.extend(checksum_seed, data[: _ENTRY.size]):
        return None
    _magic, payload, first, lines, origins, received_us, *tally, payload_checksum = _ENTRY.unpack_from(data)
    header = EntryHeader(payload, first, lines, origins, received_us, ReceiveTally(*tally), payload_checksum)
    return header if header.tables_bytes <= payload <= ENTRY_BYTES_MAX else None


def decode_entry(header: EntryHeader, tables: bytes, data: bytes, segment: bytes, start: int) -> Entry | None:
    """Make the entry that begins at offset ``start`` of its segment; None when the payload is damaged.

    The payload comes as ``tables``, so many bytes as the header says, and the rest: that is large, and not copied.
    """
    checksum = google_crc32c.extend(google_crc32c.value(tables), data)
    if len(tables) + len(data) != header.payload_bytes or checksum != header.payload_checksum:
        return None
    return Entry(
        segment=segment,
        end=start + header.entry_bytes,
        received_us=header.received_us,
        origins=_decode_origins(tables[: header.origins_bytes]),
        table=tables[header.origins_bytes :],
        data=data,
        data_offset=start + ENTRY_HEADER_BYTES + header.tables_bytes,
        tally=header.tally,
    )


def decode_cursors(entry: Entry) -> list[Cursor]:
    """Read the cursors that stand behind the lines of an entry."""
    at = sum(length for length, *_ in LINE_HEADER.iter_unpack(entry.table))
    cursors = []
    while at < len(entry.data):
        device, inode, head, offset, finished, length = _CURSOR.unpack_from(entry.data, at)
        at += _CURSOR.size + length
        path = entry.data[at - length : at].decode("utf-8", "surrogateescape")
        cursors.append(Cursor(device, inode, head, offset, path, bool(finished)))
    return cursors


def _encode_cursor(cursor: Cursor) -> bytes:
    path = cursor.path.encode("utf-8", "surrogateescape")
    fixed = cursor.device, cursor.inode, cursor.head, cursor.offset, cursor.finished, len(path)
    return _CURSOR.pack(*fixed) + path


def _decode_origins(data: bytes) -> tuple[Origin, ...]:
    """Read the table of origins; its checksum has held, so it is as it was written."""
    origins, at = [], 0
    while at < len(data):
        listener, length = _ORIGIN.unpack_from(data, at)
        at += _ORIGIN.size + length
        origins.append(Origin(listener, data[at - length : at].decode()))
    return tuple(origins)
