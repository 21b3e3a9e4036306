"""The entry in the making, gathered by the native engine: many datagrams a system call, and no Python for a line.

1. ``_gathering`` says what is gathered; a property test holds this to the same bytes.
2. All datagrams of one system call have one time of receipt: that of its return.
3. What was taken from the kernel is gathered before the call that took it returns: nothing waits in the inbox.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

import shipper_native

from shipper.journal.codec import Packed
from shipper.journal.entry import Origin, ReceiveTally
from shipper.limits import (
    DATAGRAM_LINES_MAX,
    LINE_BYTES_MAX,
    RECEIVE_BATCH_BYTES,
    RECEIVE_BATCH_LINES,
    RECEIVE_CALL_DATAGRAMS,
    SENDERS_REMEMBERED_MAX,
)
from shipper.receive._gathering import Flush, Gathering

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.receive._allowed import Allowed

_IPV4_BYTES: Final = 4


class NativeGathering(Gathering):
    """Gathers what comes until it is taken as a draft."""

    def __init__(self, clock_us: Callable[[], int]) -> None:
        super().__init__(clock_us)
        self._native = shipper_native.Gathering(
            RECEIVE_BATCH_LINES, RECEIVE_BATCH_BYTES, SENDERS_REMEMBERED_MAX, DATAGRAM_LINES_MAX
        )
        self._inbox: shipper_native.Inbox | None = None

    @property
    def lines(self) -> int:
        """Count the lines that were gathered."""
        return self._native.lines

    @property
    def full(self) -> bool:
        """Say whether there are lines for an entry."""
        return self._native.full

    @property
    def received(self) -> int:
        """Count the lines that came, the blank ones too, since the last was taken."""
        return self._native.received

    @property
    def pending(self) -> bool:
        """Say whether there is what must not wait: lines, or how far a file is."""
        return bool(self._native.lines or self._cursors)

    def add(self, datagram: bytes, listener: int, address: str) -> bool:
        """Add the lines of a datagram; say whether the entry is full now."""
        return self._native.add(datagram, listener, address, self._clock_us(), False)  # noqa: FBT003 -- not cut

    def add_cut(self, line: bytes, listener: int, address: str) -> bool:
        """Add a line whose end is missing; say whether the entry is full now."""
        return self._native.add(line, listener, address, self._clock_us(), True)  # noqa: FBT003 -- cut

    def refuse(self, datagram: bytes) -> None:
        """Count the lines of a datagram from who may not send."""
        self._native.refuse(datagram)

    def read(self, bound: socket.socket, listener: int, allowed: Allowed, flush: Flush) -> int:
        """Gather the datagrams of a UDP socket until there are none, or a batch is full; give how many there were."""
        if self._inbox is None:
            self._inbox = shipper_native.Inbox(RECEIVE_CALL_DATAGRAMS, LINE_BYTES_MAX)
        inbox, fd, taken = self._inbox, bound.fileno(), 0

        def judge(packed: bytes) -> str | None:
            family = socket.AF_INET if len(packed) == _IPV4_BYTES else socket.AF_INET6
            address = socket.inet_ntop(family, packed)
            return None if allowed and address not in allowed else address

        while taken < RECEIVE_BATCH_LINES and (count := inbox.receive(fd)):
            taken += count
            now_us = self._clock_us()
            while inbox.pour(self._native, listener, now_us, judge):
                flush()
            if count < RECEIVE_CALL_DATAGRAMS:
                break
        return taken

    def take(self, tally: ReceiveTally) -> Packed:
        """Give what was gathered, with ``tally`` and what was counted here, and begin anew."""
        received_us, table, data, origins, received, empty, refused = self._native.take()
        cursors, self._cursors = tuple(self._cursors.values()), {}
        return Packed(
            received_us=received_us or self._clock_us(),
            table=table,
            data=data,
            origins=[Origin(listener, address) for listener, address in origins],
            tally=tally + ReceiveTally(received=received, empty=empty, refused_sender=refused),
            cursors=cursors,
        )
