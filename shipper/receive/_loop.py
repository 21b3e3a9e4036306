"""The receiving process: reads sockets and appends to the journal, and does nothing else.

1. Lines wait in the kernel, not here: what is read is appended at once, so a kill loses no more than one batch in the
   making. A pause of RECEIVE_LINGER_S before reading lets lines share an entry while few come.
2. A buffer of 64 KiB holds any UDP datagram, so none is ever cut.
3. A full journal never blocks a socket: its lines are dropped here, counted, and said once; so is the end of it.
4. What is counted beside the lines goes with the next entry, at the latest after a second: a flood of blank datagrams
   writes one entry a second.
5. A stop reads what the kernel holds until nothing is left, or, under senders that never pause, RECEIVE_STOP_S_MAX.
"""

from __future__ import annotations

import select
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from shipper.errors import JournalFull
from shipper.journal.entry import ReceiveTally
from shipper.limits import LINE_BYTES_MAX, RECEIVE_BATCH_LINES, RECEIVE_LINGER_S, RECEIVE_STOP_S_MAX
from shipper.receive._gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.journal.codec import Draft
    from shipper.receive._sockets import BoundListener

_log = structlog.get_logger()

_REPORT_S: Final = 1.0
_BUSY_DATAGRAMS: Final = 64
"""From so many in one turn on, entries fill without waiting."""


class Journal(Protocol):
    """Where the lines go."""

    def append(self, draft: Draft) -> None:
        """Take one entry, or raise JournalFull."""

    def close(self) -> None:
        """Make what was appended as durable as it is to be."""


class Stop(Protocol):
    """Tells when to stop."""

    def fileno(self) -> int:
        """Give a file descriptor that is readable once a stop is asked for."""

    def is_set(self) -> bool:
        """Say whether a stop was asked for."""


def receive(listeners: Sequence[BoundListener], journal: Journal, *, clock_us: Callable[[], int], stop: Stop) -> None:
    """Receive until ``stop``; then read what is left, and close the sockets and the journal."""
    receiver = _Receiver(listeners, journal, clock_us)
    with select.epoll() as poll:
        poll.register(stop.fileno(), select.EPOLLIN)
        for listener in listeners:
            poll.register(listener.socket.fileno(), select.EPOLLIN)
        busy = False
        while not stop.is_set():
            if not busy and poll.poll(_REPORT_S):
                time.sleep(RECEIVE_LINGER_S)
            busy = receiver.turn() >= _BUSY_DATAGRAMS
    deadline = time.monotonic() + RECEIVE_STOP_S_MAX
    while receiver.turn() and time.monotonic() < deadline:
        pass
    receiver.finish()
    for listener in listeners:
        listener.close()
    journal.close()


class _Receiver:
    def __init__(self, listeners: Sequence[BoundListener], journal: Journal, clock_us: Callable[[], int]) -> None:
        self._listeners = listeners
        self._journal = journal
        self._gathering = Gathering(clock_us)
        self._tally = ReceiveTally()
        self._dropped = 0  # since the journal has been full
        self._report_at = time.monotonic()

    def turn(self) -> int:
        """Read every socket once, at most a batch of each, and append the lines; give the number of datagrams."""
        taken = sum(map(self._drain, self._listeners))
        if time.monotonic() >= self._report_at:
            self.report()
        elif self._gathering.lines:
            self._append()
        return taken

    def report(self) -> None:
        """Append with the counts that have come up, even when there are no lines."""
        self._report_at = time.monotonic() + _REPORT_S
        self._tally += ReceiveTally(kernel_drops=sum(listener.drops.take() for listener in self._listeners))
        self._append()

    def finish(self) -> None:
        """Append what is left; say what the journal does not take."""
        self.report()
        if self._tally != ReceiveTally():
            _log.error("counts_not_journaled", **asdict(self._tally))

    def _drain(self, listener: BoundListener) -> int:
        receive, add, number = listener.socket.recvfrom, self._gathering.add, listener.number
        taken = 0
        try:
            while taken < RECEIVE_BATCH_LINES:
                datagram, sender = receive(LINE_BYTES_MAX)
                taken += 1
                if add(datagram, number, sender[0]):
                    self._append()
        except BlockingIOError:
            pass
        return taken

    def _append(self) -> None:
        draft = self._gathering.take(self._tally)
        if not draft.lines and draft.tally == ReceiveTally():
            return
        try:
            self._journal.append(draft)
        except JournalFull as error:
            if draft.lines and not self._dropped:
                _log.error("lines_dropped", reason=str(error))
            self._dropped += len(draft.lines)
            self._tally = draft.tally + ReceiveTally(dropped_full=len(draft.lines))
            return
        self._tally = ReceiveTally()
        if draft.lines and self._dropped:
            _log.warning("journal_took_lines_again", lines_dropped=self._dropped)
            self._dropped = 0
