"""A receiver in a thread, and a journal in memory."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Literal

from shipper.errors import JournalFull
from shipper.journal import Cursor, Draft, FileId, Flag, ReceiveTally, cursors
from shipper.journal.entry import LINE_HEADER
from shipper.processes import Stop
from shipper.receive import open_sources, receive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.config import Listener
    from shipper.journal.codec import Packed
    from shipper.receive import Source


ENGINE: Literal["native", "python"] = "python"


def unpacked(draft: Draft | Packed) -> Draft:
    """Give a draft line by line, whichever engine made it."""
    if isinstance(draft, Draft):
        return draft
    lengths, deltas_us, origins, flags = (
        zip(*LINE_HEADER.iter_unpack(draft.table), strict=True) if draft.count else ((),) * 4
    )
    ends = list(accumulate(lengths, initial=0))
    lines = [draft.data[start:end] for start, end in pairwise(ends)]
    return Draft(draft.received_us, lines, deltas_us, origins, flags, draft.origins, draft.tally, draft.cursors)


class Memory:
    """A journal in memory, which can be made full."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.full = False
        self.closed = False
        self.cursors: dict[FileId, Cursor] = {}

    def append(self, draft: Draft | Packed) -> None:
        if self.full and draft.count:
            raise JournalFull("full for the test")
        self.drafts.append(unpacked(draft))
        cursors.move(self.cursors, draft.cursors)

    def close(self) -> None:
        self.closed = True

    @property
    def lines(self) -> list[bytes]:
        return [line for draft in self.drafts for line in draft.lines]

    @property
    def cut(self) -> list[bytes]:
        return [
            line
            for draft in self.drafts
            for line, flags in zip(draft.lines, draft.flags, strict=True)
            if Flag.CUT in Flag(flags)
        ]

    @property
    def senders(self) -> list[tuple[int, str]]:
        """Give listener and address of each line."""
        return [
            (draft.origins[number].listener, draft.origins[number].address)
            for draft in self.drafts
            for number in draft.origin_numbers
        ]

    @property
    def tally(self) -> ReceiveTally:
        return sum((draft.tally for draft in self.drafts), ReceiveTally())

    def assert_adds_up(self) -> None:
        tally = self.tally
        assert tally.received == len(self.lines) + tally.dropped_full + tally.refused_sender + tally.empty


class Running:
    """A receiver in a thread; ``journal`` may be one of a life before."""

    def __init__(self, sources: Sequence[Source], journal: Memory | None = None) -> None:
        self.journal = journal or Memory()
        self.sources = sources
        self.ended: bool | None = None
        self.when_full: Literal["block", "drop_newest"] = "block"
        self._read, self._write = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.ended = receive(
            self.sources,
            self.journal,
            clock_us=lambda: time.time_ns() // 1000,
            stop=Stop(self._read),
            when_full=self.when_full,
            engine=ENGINE,
        )

    def start(self) -> None:
        self._thread.start()

    def port(self, number: int = 0) -> int:
        return int(getattr(self.sources[number], "port"))  # noqa: B009 -- not every source has one

    def send(self, *datagrams: bytes, listener: int = 0) -> None:
        """Send to a UDP listener: the first is IPv4's, the second IPv6's."""
        family, host = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))[listener]
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, (host, self.port(listener)))

    def wait_for(self, lines: int) -> list[bytes]:
        wait_until(lambda: len(self.journal.lines) >= lines)
        assert len(self.journal.lines) == lines
        return self.journal.lines

    def ask_to_stop(self) -> None:
        os.write(self._write, b"s")

    def join(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.ask_to_stop()
        self.join()

    def close(self) -> None:
        if self._thread.is_alive():
            self.stop()
        for source in self.sources:
            source.remove()
        os.close(self._read)
        os.close(self._write)


def wait_until(condition: Callable[[], object], patience_s: float = 5) -> None:
    """Wait for a condition, and leave it to the caller to look whether it came."""
    deadline = time.monotonic() + patience_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)


@contextmanager
def running(*listeners: Listener, journal: Memory | None = None) -> Iterator[Running]:
    """Open listeners and receive from them; the test says when to start."""
    receiver = Running(open_sources(listeners), journal)
    try:
        yield receiver
    finally:
        receiver.close()
