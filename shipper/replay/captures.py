"""Captured files, line by line: plain or compressed, from disk or from a pipe, in constant memory.

1. A line has one offset: in the decompressed stream. It is the same however the file is named, compressed or read.
2. What a file is compressed with is told by its first bytes, never by its name.
3. A line longer than LINE_BYTES_MAX is cut there; its rest is passed over and never held.
4. Of a damaged file every line before the damage is given; then comes ``Permanent``. Gzip and zstd check what they
   hold only behind it: there, lines of garbage may come before.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import zlib
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self

import zstandard

from shipper.errors import Permanent
from shipper.limits import FILE_READ_BYTES, LINE_BYTES_MAX, ZSTD_READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Buffer

STDIN: Final = "-"

_STDIN_FD: Final = 0
_IDENTITY_BYTES: Final = 16
_READLINE_BYTES: Final = LINE_BYTES_MAX + 2
"""The longest line that is not cut, with its line end."""
_DAMAGED: Final = (EOFError, OSError, lzma.LZMAError, zlib.error, zstandard.ZstdError)


class Line(NamedTuple):
    """A line of a capture: where it begins in the decompressed stream, and its bytes without the line end."""

    offset: int
    raw: bytes
    cut: bool
    """It was longer, and ``raw`` is only its beginning."""
    end: int
    """Where the next line begins."""
    blanks: int
    """Lines without anything that stood between the line before and this one."""


class _Source(io.RawIOBase):
    """A file's bytes as they lie there, counted. Its first few can be looked at before they are read."""

    def __init__(self, file: io.FileIO, *, seekable: bool) -> None:
        self._file = file
        self._seekable = seekable
        self.position = 0
        magic = b""
        while len(magic) < _MAGIC_BYTES and (more := file.read(_MAGIC_BYTES - len(magic))):
            magic += more
        self.magic = magic
        self._head = memoryview(b"" if seekable else magic)
        if seekable:
            file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if not self._seekable:
            raise io.UnsupportedOperation("seek")
        self.position = self._file.seek(offset, whence)
        return self.position

    def readinto(self, buffer: Buffer) -> int:
        if self._head:
            count, self._head = _hand_over(self._head, buffer)
        else:
            count = self._file.readinto(buffer) or 0
        self.position += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Zstd(io.RawIOBase):
    """Decompresses frames. Unlike the package's own reader it tells a file that ends too early from one that ends."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._begun = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._ready:
            if not self._fill():
                return 0
        count, self._ready = _hand_over(self._ready, buffer)
        return count

    def _fill(self) -> bool:
        rest = b""
        if self._frame.eof:
            rest = self._frame.unused_data
            self._frame = self._decompressor.decompressobj()
            self._begun = False
        piece = rest or self._source.read(ZSTD_READ_BYTES) or b""
        if not piece:
            if self._begun:
                raise EOFError("it ends in the middle of a frame")
            return False
        self._begun = True
        self._ready = memoryview(self._frame.decompress(piece))
        return True


def _hand_over(ready: memoryview, buffer: Buffer) -> tuple[int, memoryview]:
    """Fill ``buffer``; give how much that was, and what is left."""
    view = memoryview(buffer)
    count = min(len(view), len(ready))
    view[:count] = ready[:count]
    return count, ready[count:]


_OPENERS: Final[dict[bytes, Callable[[BinaryIO], io.BufferedIOBase]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda source: io.BufferedReader(_Zstd(source), FILE_READ_BYTES),
}
_MAGIC_BYTES: Final = max(map(len, _OPENERS))


class Capture:
    """An open capture, read once from the front to the back. Leaving it as a context closes it."""

    def __init__(self, path: str, file: io.FileIO) -> None:
        self.path = path
        self.blank = 0
        """Lines without anything, so far."""
        seekable = file.seekable() and path != STDIN
        self._source = _Source(file, seekable=seekable)
        status = os.fstat(file.fileno())
        self.size = status.st_size if seekable else None
        """The file's size in bytes as it lies there; None where nobody knows it."""
        self.changed_us = status.st_mtime_ns // 1_000
        """The time of its last change; of a pipe, of its last use."""
        opener = next((opener for magic, opener in _OPENERS.items() if self._source.magic.startswith(magic)), None)
        self._plain = opener is None
        source = io.BufferedReader(self._source, FILE_READ_BYTES)
        self._stream = opener(source) if opener else source
        self._offset = 0
        self._front = list(self._up_to_the_first())
        self.identity = _hash(self._front[-1].rstrip(b"\r\n")[:LINE_BYTES_MAX] if self._front else b"")
        """A hash of the first line that is not blank."""

    @property
    def position(self) -> int:
        """How many of ``size`` are read."""
        return self._source.position

    def lines(self, offset: int = 0) -> Iterator[Line]:
        """Give the lines from ``offset`` on, where one begins. Raises Permanent where the file is damaged."""
        pieces = self._pieces(offset)
        blanks = 0
        for piece in pieces:
            size = len(piece)
            start, self._offset = self._offset, self._offset + size
            raw = piece.rstrip(b"\r\n")
            cut = len(raw) > LINE_BYTES_MAX
            if size == _READLINE_BYTES and not piece.endswith(b"\n"):
                cut = self._pass_over(pieces) or cut
            if raw:
                yield Line(start, raw[:LINE_BYTES_MAX], cut, self._offset, blanks)
                blanks = 0
            else:
                blanks += 1
                self.blank += 1

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _up_to_the_first(self) -> Iterator[bytes]:
        """Read up to the first line that is not blank, whose first piece comes last. A damaged file may have none."""
        for piece in self._read():
            yield piece
            if piece.strip(b"\r\n"):
                return

    def _pieces(self, offset: int) -> Iterator[bytes]:
        """Give the pieces that the stream consists of from ``offset`` on; a line is one, unless it is too long."""
        pieces = chain(self._front, self._read())
        if offset and self._plain and self._source.seekable():
            self._stream.seek(offset)
            self._offset = offset
            return self._read()
        while self._offset < offset and (piece := next(pieces, None)) is not None:
            self._offset += len(piece)
        return pieces

    def _pass_over(self, pieces: Iterable[bytes]) -> bool:
        """Read to the end of a line that is too long; tell whether it had more than a line end."""
        more = False
        for piece in pieces:
            self._offset += len(piece)
            more = more or bool(piece.strip(b"\r\n"))
            if piece.endswith(b"\n"):
                break
        return more

    def _read(self) -> Iterator[bytes]:
        try:
            yield from iter(partial(self._stream.readline, _READLINE_BYTES), b"")
        except _DAMAGED as error:
            raise Permanent(f"{self.path}: damaged behind byte {self._offset} of its content: {error}") from error


def open_capture(path: Path | str) -> Capture:
    """Open a captured file, or stdin for `-`. Raises Permanent where that cannot be read."""
    with ExitStack() as undo:
        try:
            file = io.FileIO(_STDIN_FD, closefd=False) if str(path) == STDIN else io.FileIO(path)
            undo.callback(file.close)
            capture = Capture(str(path), file)
        except OSError as error:
            raise Permanent(f"{path}: {error.strerror or error}") from error
        undo.pop_all()
        return capture


def _hash(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=_IDENTITY_BYTES).digest()
