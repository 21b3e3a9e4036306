"""The entry in the making: datagrams, and lines of streams and files, become the lines of an entry.

1. A datagram is one line, or several with newlines between; line ends and NULs at the end of a line are not part of it.
   So that no sender blows up an entry, lines beyond DATAGRAM_LINES_MAX stay together as one, which is no log line to
   anybody but keeps every byte. An entry has less than RECEIVE_BATCH_LINES + DATAGRAM_LINES_MAX lines.
2. A blank line is not journaled but counted; so is a datagram without any line.
3. A full table of origins closes the entry, so no line loses its sender, whatever addresses a flood makes up, and
   nothing of a sender is remembered beyond the entry.
4. A line of a stream or file is added as a datagram is: what it ends with and whether it is blank is judged alike.
5. Pure, but for ``read``, which takes datagrams where it is told to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from shipper.journal.codec import Draft
from shipper.journal.entry import Flag, Origin, ReceiveTally
from shipper.limits import (
    DATAGRAM_LINES_MAX,
    LINE_BYTES_MAX,
    RECEIVE_BATCH_BYTES,
    RECEIVE_BATCH_LINES,
    SENDERS_REMEMBERED_MAX,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from shipper.journal.codec import Packed
    from shipper.journal.entry import Cursor, FileId
    from shipper.receive._allowed import Allowed

Flush: TypeAlias = "Callable[[], bool]"
"""Appends what was gathered. False: the journal is full, so finish what is in hand and read no more."""

_ENDS: Final = b"\r\n\0"
_DELTA_US_MAX: Final = 2**32 - 1


class Gathering:
    """Gathers what comes until it is taken as a draft."""

    def __init__(self, clock_us: Callable[[], int]) -> None:
        self._clock_us = clock_us
        self._reset()

    def _reset(self) -> None:
        self._received_us = 0
        self._lines: list[bytes] = []
        self._deltas_us: list[int] = []
        self._origin_numbers: list[int] = []
        self._cut: list[int] = []
        self._origins: dict[tuple[int, str], int] = {}
        self._cursors: dict[FileId, Cursor] = {}
        self._bytes = 0
        self._received = self._empty = self._refused = 0

    @property
    def lines(self) -> int:
        """Count the lines that were gathered."""
        return len(self._lines)

    @property
    def full(self) -> bool:
        """Say whether there are lines for an entry."""
        return len(self._lines) >= RECEIVE_BATCH_LINES or self._bytes >= RECEIVE_BATCH_BYTES

    @property
    def received(self) -> int:
        """Count the lines that came, the blank ones too, since the last was taken."""
        return self._received

    @property
    def pending(self) -> bool:
        """Say whether there is what must not wait: lines, or how far a file is."""
        return bool(self._lines or self._cursors)

    def add(self, datagram: bytes, listener: int, address: str) -> bool:
        """Add the lines of a datagram; say whether the entry is full now."""
        text = datagram.rstrip(_ENDS)
        parts = 1 + min(text.count(b"\n"), DATAGRAM_LINES_MAX - 1)
        self._received += parts
        if not text:
            self._empty += 1
            return False
        now_us = self._clock_us()
        if not self._lines:
            self._received_us = now_us
        origin = self._origins.setdefault((listener, address), len(self._origins))
        lines = self._split(text) if parts > 1 else (text,)
        # a clock that is set back must not make an entry unreadable
        delta_us = min(max(now_us - self._received_us, 0), _DELTA_US_MAX)
        for line in lines:
            self._lines.append(line)
            self._deltas_us.append(delta_us)
            self._origin_numbers.append(origin)
        self._bytes += len(text)
        return (
            len(self._lines) >= RECEIVE_BATCH_LINES
            or self._bytes >= RECEIVE_BATCH_BYTES
            or len(self._origins) >= SENDERS_REMEMBERED_MAX
        )

    def refuse(self, datagram: bytes) -> None:
        """Count the lines of a datagram from who may not send."""
        lines = 1 + min(datagram.rstrip(_ENDS).count(b"\n"), DATAGRAM_LINES_MAX - 1)
        self._received += lines
        self._refused += lines

    def add_cut(self, line: bytes, listener: int, address: str) -> bool:
        """Add a line whose end is missing; say whether the entry is full now."""
        before = len(self._lines)
        full = self.add(line, listener, address)
        if len(self._lines) > before:
            self._cut.append(len(self._lines) - 1)
        return full

    def read(self, bound: socket.socket, listener: int, allowed: Allowed, flush: Flush) -> int:
        """Gather the datagrams of a UDP socket until there are none, or a batch is full; give how many there were."""
        receive, add = bound.recvfrom, self.add
        judge = allowed or None
        taken = 0
        try:
            while taken < RECEIVE_BATCH_LINES:
                datagram, sender = receive(LINE_BYTES_MAX)
                taken += 1
                if judge is not None and sender[0] not in judge:
                    self.refuse(datagram)
                elif add(datagram, listener, sender[0]):
                    flush()
        except BlockingIOError:
            pass
        return taken

    def moved(self, cursor: Cursor) -> None:
        """Take note how far a followed file is, with the lines that were added."""
        self._cursors[cursor.file] = cursor

    def take(self, tally: ReceiveTally) -> Draft | Packed:
        """Give what was gathered, with ``tally`` and what was counted here, and begin anew."""
        draft = Draft(
            received_us=self._received_us or self._clock_us(),
            lines=self._lines,
            deltas_us=self._deltas_us,
            origin_numbers=self._origin_numbers,
            flags=self._flags(),
            origins=[Origin(listener, address) for listener, address in self._origins],
            tally=tally + ReceiveTally(received=self._received, empty=self._empty, refused_sender=self._refused),
            cursors=tuple(self._cursors.values()),
        )
        self._reset()
        return draft

    def _flags(self) -> Sequence[int]:
        if not self._cut:
            return (0,) * len(self._lines)
        flags = [0] * len(self._lines)
        for number in self._cut:
            flags[number] = Flag.CUT
        return flags

    def _split(self, text: bytes) -> tuple[bytes, ...]:
        parts = [part.rstrip(_ENDS) for part in text.split(b"\n", DATAGRAM_LINES_MAX - 1)]
        lines = tuple(filter(None, parts))
        self._empty += len(parts) - len(lines)
        return lines
