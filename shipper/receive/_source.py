"""What every transport is to the loop: a source of lines.

A source is opened in the supervising parent, so that the kernel goes on collecting while a killed receiver is started
again, and is read in the receiving child.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

from shipper.limits import RECEIVE_BUSY_DATAGRAMS, RECEIVE_LINGER_S_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shipper.journal.entry import Cursor, FileId
    from shipper.receive._framing import Framed
    from shipper.receive._gathering import Flush, Gathering


class WhenFull(enum.Enum):
    """What a full journal means for a source."""

    DROP = enum.auto()
    """Nobody would wait: lines are read, dropped and counted, so that new ones find room once there is some."""
    WAIT = enum.auto()
    """It is not read, so the sender waits. At a stop, what is in hand is dropped and counted."""
    READ_AGAIN = enum.auto()
    """It is not read. At a stop, what is in hand is forgotten: the next start reads it again."""


class Bookmarks:
    """How far followed files are, and which are open: shared by all sources of one receiver, so none is read twice."""

    def __init__(self, cursors: Mapping[FileId, Cursor]) -> None:
        self.cursors = dict(cursors)
        self.taken: set[FileId] = set()


class Source(Protocol):
    """A transport. ``number`` is the listener's place in the configuration."""

    @property
    def number(self) -> int:
        """Its place in the configuration."""

    @property
    def when_full(self) -> WhenFull:
        """What a full journal means for it."""

    @property
    def linger_s(self) -> float:
        """How long what has come may wait in the kernel for more."""

    @property
    def busy_from(self) -> int:
        """How many in one turn are so many that the next must come at once."""

    @property
    def ended(self) -> bool:
        """Say whether no line will ever come any more."""

    def begin(self, bookmarks: Bookmarks) -> int | None:
        """Be called in the receiving process, once, before any read.

        Gives the descriptor that is readable when there is something to read; None: to be asked every FILE_LOOK_S.
        """

    def read(self, gathering: Gathering, flush: Flush) -> int:
        """Gather what is there, at most a batch, without ever waiting; give how much there was, 0 for nothing."""

    def finish(self, gathering: Gathering, flush: Flush) -> None:
        """Gather what is left of lines that were begun, at a stop after the last read."""

    def allow(self, networks: Sequence[str]) -> None:
        """Let these be the ones that may send, from the next read on; empty: all."""

    def kernel_drops(self) -> int:
        """Give what the kernel dropped since the last call, in whichever process that was."""

    def close(self) -> None:
        """Close this process's copy."""

    def remove(self) -> None:
        """Be called in the parent, when no receiver will come any more: close, and leave nothing behind."""


class Ordinary:
    """What is true of a source that does not say otherwise."""

    ended = False

    @property
    def linger_s(self) -> float:
        """Wait shortly."""
        return RECEIVE_LINGER_S_MIN

    @property
    def busy_from(self) -> int:
        """Read on early."""
        return RECEIVE_BUSY_DATAGRAMS

    def finish(self, gathering: Gathering, flush: Flush) -> None:
        """Have nothing left."""

    def allow(self, networks: Sequence[str]) -> None:
        """Be one whose permissions say who may send."""

    def kernel_drops(self) -> int:
        """Know of no drops."""
        return 0

    def close(self) -> None:
        """Have nothing to close."""

    def remove(self) -> None:
        """Leave nothing behind."""
        self.close()


def gather(lines: Iterable[Framed], number: int, address: str, gathering: Gathering, flush: Flush) -> bool:
    """Gather lines of a stream; say whether the journal takes more."""
    takes_more = True
    for text, cut in lines:
        add = gathering.add_cut if cut else gathering.add
        if add(text, number, address):
            takes_more = flush() and takes_more
    return takes_more
