"""The `_id` of a captured line: 15 bytes as 20 characters of base64url. Pure.

1. It hangs on the file's first line, the line's offset in the decompressed stream, the line itself and the replay's id:
   whoever reads the same line again gives it the same `_id`, whatever the file is called and however it is compressed.
2. It rises with the offset: Elasticsearch finds and stores such ids cheaply.
3. It is a byte shorter than a live line's, so that the two can never meet.
"""

from __future__ import annotations

import binascii
import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.replay.captures import Line

FILE_BYTES: Final = 4
"""Keeps the ids of a file together; what tells two replays apart is the line's hash, which is salted with both."""
OFFSET_BYTES: Final = 6
LINE_BYTES: Final = 5
_CHARACTERS: Final = (FILE_BYTES + OFFSET_BYTES + LINE_BYTES) * 4 // 3

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Ids:
    """Gives the ids of one file's lines. ``replay_id`` is that of a replay that changes the documents, or empty."""

    def __init__(self, identity: bytes, replay_id: str = "") -> None:
        whose = hashlib.blake2b(identity + replay_id.encode(), digest_size=hashlib.blake2b.SALT_SIZE).digest()
        self.key = whose
        """What no other file and no other replay has: 16 bytes."""
        self.file = whose[:FILE_BYTES]
        """What all ids of the file begin with."""
        self._salted = hashlib.blake2b(digest_size=LINE_BYTES, salt=whose)

    def id(self, line: Line) -> str:
        """Give the `_id` of a line as the capture has it."""
        hashed = self._salted.copy()
        hashed.update(line.raw)
        raw = self.file + line.offset.to_bytes(OFFSET_BYTES, "big") + hashed.digest()
        return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE).decode("ascii")


def place_of(id_: str) -> tuple[bytes, int] | None:
    """Give what the ids of a file have in common (``Ids.file``), and the line's offset; None when it is no such id."""
    if len(id_) != _CHARACTERS:
        return None
    try:
        raw = binascii.a2b_base64(id_.replace("-", "+").replace("_", "/"))
    except ValueError:
        return None
    return raw[:FILE_BYTES], int.from_bytes(raw[FILE_BYTES:-LINE_BYTES], "big")
