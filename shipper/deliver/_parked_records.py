"""The records of the parking's log: bytes in, values out. Pure.

Record: length of the content (4 bytes), CRC32C of kind and content (4), kind (1), content; little endian.
Content of a document: length of the meta (2), of the raw line (4), the meta as JSON, the raw line, the item as it was
sent. Content of the other kinds: JSON.
"""

from __future__ import annotations

import enum
import json
import struct
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import google_crc32c

from shipper.deliver._body import Body, Remainder, item
from shipper.journal.entry import Flag, Line, Origin, Position

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER: Final = struct.Struct("<IIB")
_LENGTHS: Final = struct.Struct("<HI")


class Kind(enum.IntEnum):
    """What a record tells."""

    TOTALS = 0
    DOCUMENT = 1
    SETTLED = 2


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked document."""

    index: str
    id: str
    line: Line
    item: bytes


def record(kind: Kind, content: bytes) -> bytes:
    """Write one record."""
    return HEADER.pack(len(content), _checksum(kind, content), kind) + content


def intact(header: bytes, content: bytes) -> Kind | None:
    """Give the kind of a record that is whole and undamaged, or None."""
    length, checksum, kind = HEADER.unpack(header)
    if len(content) != length or checksum != _checksum(kind, content):
        return None
    return Kind(kind)


def document_record(body: Body, number: int, line: Line) -> bytes:
    """Write the record of one item, which was made of ``line``."""
    meta = json.dumps(
        {
            "id": body.id(number),
            "index": body.index,
            "segment": line.position.segment.hex(),
            "offset": line.position.offset,
            "listener": line.origin.listener,
            "address": line.origin.address,
            "received_us": line.received_us,
            "flags": int(line.flags),
        }
    ).encode()
    return record(Kind.DOCUMENT, _LENGTHS.pack(len(meta), len(line.raw)) + meta + line.raw + item(body, number))


def read_document(content: bytes) -> Parked:
    """Read the content of an intact record of a document."""
    meta_bytes, line_bytes = _LENGTHS.unpack_from(content)
    raw_start = _LENGTHS.size + meta_bytes
    item_start = raw_start + line_bytes
    meta = json.loads(content[_LENGTHS.size : raw_start])
    line = Line(
        raw=content[raw_start:item_start],
        origin=Origin(meta["listener"], meta["address"]),
        received_us=meta["received_us"],
        flags=Flag(meta["flags"]),
        position=Position(bytes.fromhex(meta["segment"]), meta["offset"]),
    )
    return Parked(meta["index"], meta["id"], line, content[item_start:])


def body_of(documents: Sequence[Parked]) -> Body:
    """Make a body of documents for one index."""
    return Remainder(
        documents[0].index,
        b"".join(parked.item for parked in documents),
        tuple(accumulate(len(parked.item) for parked in documents)),
        tuple(parked.id for parked in documents),
        tuple(parked.line for parked in documents),
    )


def _checksum(kind: int, content: bytes) -> int:
    return int(google_crc32c.extend(google_crc32c.value(bytes((kind,))), content))
