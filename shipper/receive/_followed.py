"""One file that is followed, whatever its name is by now.

1. A line is taken once its LF is there. What has none is the last line of a file that was rotated away.
2. The cursor goes into the entry that holds the lines before it, and nowhere else.
3. A file whose beginning has changed, or that is shorter than what was read of it, was emptied and is read from its
   beginning again (copytruncate). That is looked at after each read, so new content is never taken for the old.
4. A line longer than LINE_BYTES_MAX is cut, once its end is found: nothing but the offset says where a file is read on.
5. The offset never passes a byte that was not looked at: what is written meanwhile is read by the next look.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from shipper.journal.entry import Cursor
from shipper.limits import FILE_HEAD_BYTES, FILE_READ_BYTES, LINE_BYTES_MAX, RECEIVE_BATCH_LINES
from shipper.listen_url import FILE

if TYPE_CHECKING:
    from shipper.journal.entry import FileId
    from shipper.receive._gathering import Gathering

_log = structlog.get_logger()

_HASH_BYTES: Final = 8
_ADDRESS_BYTES_MAX: Final = 255
"""What the journal holds of it."""


def is_of(cursor: Cursor, begin: bytes) -> bool:
    """Say whether a file with these first FILE_HEAD_BYTES begins as the one that was read as far as the cursor says."""
    return cursor.head == _hash(_head(begin[: cursor.offset]))


def _head(data: bytes) -> bytes:
    """Give what tells a file from another: its first line, as far as FILE_HEAD_BYTES, and as far as it was read."""
    end = data.find(b"\n", 0, FILE_HEAD_BYTES)
    return data[: end + 1] if end >= 0 else data[:FILE_HEAD_BYTES]


def _hash(head: bytes) -> bytes:
    return hashlib.blake2b(head, digest_size=_HASH_BYTES).digest()


def address(path: str) -> str:
    """Give the address of the lines of a file: its path, or nothing where that is too long or no UTF-8."""
    try:
        fits = len((FILE + path).encode()) <= _ADDRESS_BYTES_MAX
    except UnicodeEncodeError:
        return ""
    return FILE + path if fits else ""


class Followed:
    """An open file; ``offset`` is where it is read on, in lines of listener ``number``. Owns the descriptor."""

    def __init__(self, number: int, path: str, fd: int, offset: int, now_s: float) -> None:
        self.path = path
        self.rotated = False
        self.offset = offset
        self.read_s = now_s
        """When it grew, or there was something to read, for the last time."""
        self._number = number
        self._address = address(path)
        self._fd = fd
        status = os.fstat(fd)
        self.file: FileId = (status.st_dev, status.st_ino)
        self._head = _head(os.pread(fd, min(FILE_HEAD_BYTES, offset), 0))
        self._size = offset
        self._searched = 0
        """How far the end of a long line was looked for."""

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # a network file system may complain, though nothing was written
            os.close(self._fd)

    def cursor(self, *, finished: bool = False) -> Cursor:
        """Tell how far it is read."""
        device, inode = self.file
        return Cursor(device, inode, _hash(self._head), self.offset, self.path, finished)

    def read(self, gathering: Gathering, now_s: float) -> int:
        """Gather the next lines that are complete, FILE_READ_BYTES at most; give how much there was."""
        size = os.fstat(self._fd).st_size
        if size != self._size:
            self._size, self.read_s = size, now_s
        if size == self.offset:
            return 0
        data = os.pread(self._fd, FILE_READ_BYTES, self.offset)
        if size < max(self.offset, self._searched) or not self._is_same():
            self._begin_again()
            return 1
        *lines, rest = data.split(b"\n", RECEIVE_BATCH_LINES)
        if not lines:
            return self._pass_long_line(data, gathering, now_s) if len(data) == FILE_READ_BYTES else 0
        for line in lines:
            self._add(line, gathering)
        self._move(len(data) - len(rest), data, gathering, now_s)
        return len(lines)

    def take_rest(self, gathering: Gathering, now_s: float) -> bool:
        """Gather what has no LF as the last line, and take note that this file is finished; False: there is more."""
        data = os.pread(self._fd, FILE_READ_BYTES, self.offset)
        if not self._is_same():
            self._begin_again()
            return False
        end = max(self.offset + len(data), self._searched)
        if b"\n" in data or os.pread(self._fd, 1, end):
            return False
        if data:
            self._add(data, gathering)
            self._move(end - self.offset, data, gathering, now_s)
        gathering.moved(self.cursor(finished=True))
        return True

    def _add(self, line: bytes, gathering: Gathering) -> None:
        if len(line) > LINE_BYTES_MAX:
            gathering.add_cut(line[:LINE_BYTES_MAX], self._number, self._address)
        else:
            gathering.add(line, self._number, self._address)

    def _move(self, octets: int, data: bytes, gathering: Gathering, now_s: float) -> None:
        if self.offset == len(self._head):
            self._head = _head(self._head + data[:octets])
        self.offset += octets
        self._searched = 0
        self.read_s = now_s
        gathering.moved(self.cursor())

    def _is_same(self) -> bool:
        return os.pread(self._fd, len(self._head), 0) == self._head

    def _begin_again(self) -> None:
        _log.warning("file_began_again", path=self.path, read_to=self.offset)
        self.offset = self._searched = 0
        self._head = b""

    def _pass_long_line(self, data: bytes, gathering: Gathering, now_s: float) -> int:
        """Look for the end of a line that is far too long, a piece at a time; then take its beginning."""
        at = max(self._searched, self.offset + len(data))
        piece = os.pread(self._fd, FILE_READ_BYTES, at)
        end = piece.find(b"\n")
        if end < 0:
            self._searched = at + len(piece)
            if piece:
                self.read_s = now_s
            return len(piece)
        self._add(data, gathering)
        self._move(at + end + 1 - self.offset, data, gathering, now_s)
        return 1
