"""Lines in a stream: bytes in, lines out. Pure.

1. A line ends with LF. In a syslog stream each message has its own framing, told by its first bytes: a number without
   leading zeros, of at most FRAME_COUNT_DIGITS_MAX digits, and a blank are its length in octets (RFC 6587, 3.4.1);
   anything else is a line (3.4.2).
2. How the bytes are divided over the calls changes nothing: fed whole or byte by byte, the same lines come.
3. Of a line longer than LINE_BYTES_MAX the beginning is given, and the rest is skipped. So no more is held than one
   line and what is fed.
4. The stream may end anywhere. What is left is a line then, cut if its length says that more was coming.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from shipper.limits import FRAME_COUNT_DIGITS_MAX, LINE_BYTES_MAX

_COUNT: Final = re.compile(rb"([1-9][0-9]{0,%d}) " % (FRAME_COUNT_DIGITS_MAX - 1))
_COUNT_BEGUN: Final = re.compile(rb"[1-9][0-9]{0,%d}\Z" % (FRAME_COUNT_DIGITS_MAX - 1))


class Framed(NamedTuple):
    """A line without its framing; ``cut`` when its end is missing."""

    text: bytes
    cut: bool = False


class LineFraming:
    """Takes the bytes of one stream as they come, and gives the lines in them."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[Framed]:
        """Give the lines that are complete with ``data``."""
        data = self._rest + data
        lines: list[Framed] = []
        at = self._skip(data, 0)
        while at < len(data) and (end := self._take(data, at, lines)) is not None:
            at = end
        self._rest = data[at:]
        return lines

    def end(self) -> list[Framed]:
        """Give what is left when the stream has ended."""
        rest, self._rest = self._rest, b""
        return [Framed(rest)] if rest else []

    def _take(self, data: bytes, at: int, lines: list[Framed]) -> int | None:
        """Take what begins at ``at``, and give where the next begins; None when it is not all there."""
        end = data.find(b"\n", at, at + LINE_BYTES_MAX + 1)
        if end >= 0:
            lines.append(Framed(data[at:end]))
            return end + 1
        if len(data) - at <= LINE_BYTES_MAX:
            return None
        lines.append(Framed(data[at : at + LINE_BYTES_MAX], cut=True))
        self._skipping = True
        return self._skip(data, at + LINE_BYTES_MAX)

    def _skip(self, data: bytes, at: int) -> int:
        """Skip from ``at`` on what is left of a long line; give where the next begins."""
        if not self._skipping:
            return at
        end = data.find(b"\n", at)
        self._skipping = end < 0
        return len(data) if end < 0 else end + 1


class SyslogFraming(LineFraming):
    """The same with octet counting, message by message."""

    def __init__(self) -> None:
        super().__init__()
        self._octets_to_skip = 0

    def end(self) -> list[Framed]:
        """Give what is left when the stream has ended."""
        counted = _COUNT.match(self._rest)
        if counted is None:
            return super().end()
        rest, self._rest = self._rest[counted.end() :], b""
        return [Framed(rest, cut=True)] if rest else []

    def _take(self, data: bytes, at: int, lines: list[Framed]) -> int | None:
        counted = _COUNT.match(data, at)
        if counted is None:
            return None if _COUNT_BEGUN.match(data, at) else super()._take(data, at, lines)
        octets = int(counted[1])
        begin = counted.end()
        end = begin + min(octets, LINE_BYTES_MAX)
        if end > len(data):
            return None
        lines.append(Framed(data[begin:end], cut=octets > LINE_BYTES_MAX))
        self._octets_to_skip = octets - (end - begin)
        return self._skip(data, end)

    def _skip(self, data: bytes, at: int) -> int:
        skipped = min(self._octets_to_skip, len(data) - at)
        self._octets_to_skip -= skipped
        return super()._skip(data, at + skipped)
