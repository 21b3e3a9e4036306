"""The receiving process: reads its sources and appends to the journal, and does nothing else.

1. Lines wait in the kernel, not here: what is read is appended at once, so a kill loses no more than one batch in the
   making. A pause before reading lets lines share an entry and a system call; how long it is hangs on the room that
   the kernel has, and there is none when much came in the last turn.
2. A source that waits for a full journal is not looked at meanwhile, so that it wakes nobody.
3. A stop reads what the kernel holds until nothing is left, or, under senders that never pause, RECEIVE_STOP_S_MAX.
   Files are not read on: what is in them stays.
"""

from __future__ import annotations

import select
import time
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Protocol

from shipper.limits import FILE_LOOK_S, RECEIVE_STOP_S_MAX
from shipper.receive._engines import new_gathering
from shipper.receive._lanes import DroppingLane, WaitingLane
from shipper.receive._source import Bookmarks, WhenFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from shipper.receive._engines import Engine
    from shipper.receive._gathering import Gathering
    from shipper.receive._lanes import Journal
    from shipper.receive._source import Source

_REPORT_S: Final = 1.0


class Stop(Protocol):
    """Tells when to stop."""

    def fileno(self) -> int:
        """Give a file descriptor that is readable once a stop is asked for."""

    def is_set(self) -> bool:
        """Say whether a stop was asked for."""


def receive(
    sources: Sequence[Source],
    journal: Journal,
    *,
    clock_us: Callable[[], int],
    stop: Stop,
    when_full: Literal["block", "drop_newest"] = "block",
    engine: Engine = "python",
) -> bool:
    """Receive until ``stop`` or until every source has ended; then read what is left, and close all.

    ``when_full`` decides for the sources that could wait for a full journal; ``engine`` is what gathers their lines.
    Says whether it was the sources that ended.
    """
    receiver = _Receiver(sources, journal, partial(new_gathering, engine, clock_us), when_full)
    with select.epoll() as poll:
        poll.register(stop.fileno(), select.EPOLLIN)
        watch = _Watch(poll, sources, Bookmarks(journal.cursors))
        linger_s = min((source.linger_s for source in sources), default=0.0)
        busy_from = min((source.busy_from for source in sources), default=0)
        busy = False
        while not stop.is_set() and not receiver.ended:
            watch.only(receiver.wakeful)
            if not busy and poll.poll(watch.wait_s):
                time.sleep(linger_s)
            taken = receiver.turn()
            busy = taken >= busy_from or (taken > 0 and watch.asks)
    receiver.finish()
    for source in sources:
        source.close()
    journal.close()
    return receiver.ended


class _Watch:
    """Which sources wake the loop."""

    def __init__(self, poll: select.epoll, sources: Sequence[Source], bookmarks: Bookmarks) -> None:
        self._poll = poll
        self._fds: dict[int, int] = {}
        self._watched: set[int] = set()
        self.asks = False
        """There are sources that wake nobody."""
        for source in sources:
            fd = source.begin(bookmarks)
            if fd is not None and _can_wake(poll, fd):
                self._fds[source.number] = fd
            else:
                self.asks = True
        self.wait_s = FILE_LOOK_S if self.asks else _REPORT_S

    def only(self, sources: Iterable[Source]) -> None:
        """Let nobody but these wake the loop."""
        wanted = {self._fds[source.number] for source in sources if source.number in self._fds}
        for fd in wanted - self._watched:
            self._poll.register(fd, select.EPOLLIN)
        for fd in self._watched - wanted:
            self._poll.unregister(fd)
        self._watched = wanted


def _can_wake(poll: select.epoll, fd: int) -> bool:
    """Say whether ``fd`` can be waited for: a file as standard input cannot."""
    try:
        poll.register(fd, 0)
    except PermissionError:
        return False
    poll.unregister(fd)
    return True


class _Receiver:
    def __init__(
        self, sources: Sequence[Source], journal: Journal, gathering: Callable[[], Gathering], when_full: str
    ) -> None:
        kinds: dict[WhenFull, list[Source]] = {kind: [] for kind in WhenFull}
        for source in sources:
            may_drop = source.when_full is WhenFull.WAIT and when_full == "drop_newest"
            kinds[WhenFull.DROP if may_drop else source.when_full].append(source)
        self._sources = sources
        self._dropping = DroppingLane(kinds[WhenFull.DROP], journal, gathering())
        self._waiting = WaitingLane(kinds[WhenFull.WAIT], journal, gathering())
        self._files = WaitingLane(kinds[WhenFull.READ_AGAIN], journal, gathering())
        self._lanes = [lane for lane in (self._dropping, self._waiting, self._files) if lane.sources]
        self._report_at = time.monotonic()

    @property
    def ended(self) -> bool:
        """Say whether all that ever comes is in the journal."""
        return not self._waiting.full and all(source.ended for source in self._sources)

    @property
    def wakeful(self) -> Iterator[Source]:
        """Give the sources that are worth a look when they have something."""
        return (source for lane in self._lanes if not lane.full for source in lane.sources if not source.ended)

    def turn(self) -> int:
        """Read every source once, at most a batch of each, and append the lines; give how much there was."""
        taken = sum(lane.turn() for lane in self._lanes)
        if time.monotonic() >= self._report_at:
            self._report()
        return taken

    def finish(self) -> None:
        """Read what the kernel holds, append what is left, and say what the journal does not take."""
        deadline = time.monotonic() + RECEIVE_STOP_S_MAX
        while self._dropping.turn() + self._waiting.turn() and time.monotonic() < deadline:
            pass
        for draft in self._waiting.finish():
            self._dropping.drop(draft, "the journal is full at the stop")
        self._report()
        self._dropping.finish()

    def _report(self) -> None:
        self._report_at = time.monotonic() + _REPORT_S
        for lane in (self._waiting, self._files):
            if not lane.full:
                lane.flush()
        self._dropping.report(sum(source.kernel_drops() for source in self._sources))
