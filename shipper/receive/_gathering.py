"""The entry in the making: datagrams become lines. Pure.

1. A datagram is one line, or several with newlines between; line ends and NULs at the end of a line are not part of it.
   So that no sender blows up an entry, lines beyond DATAGRAM_LINES_MAX stay together as one, which is no log line to
   anybody but keeps every byte. An entry has less than RECEIVE_BATCH_LINES + DATAGRAM_LINES_MAX lines.
2. A blank line is not journaled but counted; so is a datagram without any line.
3. A full table of origins closes the entry, so no line loses its sender, whatever addresses a flood makes up, and
   nothing of a sender is remembered beyond the entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.journal.codec import Draft
from shipper.journal.entry import Origin, ReceiveTally
from shipper.limits import DATAGRAM_LINES_MAX, RECEIVE_BATCH_BYTES, RECEIVE_BATCH_LINES, SENDERS_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._origins: dict[tuple[int, str], int] = {}
        self._bytes = 0
        self._received = self._empty = 0

    @property
    def lines(self) -> int:
        """Count the lines that were gathered."""
        return len(self._lines)

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

    def take(self, tally: ReceiveTally) -> Draft:
        """Give what was gathered, with ``tally`` and what was counted here, and begin anew."""
        draft = Draft(
            received_us=self._received_us or self._clock_us(),
            lines=self._lines,
            deltas_us=self._deltas_us,
            origin_numbers=self._origin_numbers,
            flags=(0,) * len(self._lines),
            origins=[Origin(listener, address) for listener, address in self._origins],
            tally=tally + ReceiveTally(received=self._received, empty=self._empty),
        )
        self._reset()
        return draft

    def _split(self, text: bytes) -> tuple[bytes, ...]:
        parts = [part.rstrip(_ENDS) for part in text.split(b"\n", DATAGRAM_LINES_MAX - 1)]
        lines = tuple(filter(None, parts))
        self._empty += len(parts) - len(lines)
        return lines
