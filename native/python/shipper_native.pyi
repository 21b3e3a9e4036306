"""shipper's native engine: datagrams become journal entries, and these bulk bodies, byte for byte as Python makes them.

Of lines it reads what is certain and *declines* the rest, a line at a time; declined lines are encoded in Python.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, final

__version__: str
__build__: Literal["debug", "release"]
"""How it was compiled; a debug build is slower than Python."""

Origin: TypeAlias = tuple[int, str, bool, bool]
"""The number of its zone; what stands in `log.source.address`; whether that is the observer when the header names
none; whether all of its lines are to be declined."""
Entry: TypeAlias = tuple[bytes, int, bytes, bytes, int, Sequence[Origin]]
"""Segment id (12 bytes), base time of receipt in microseconds, the table of lines, their bytes, the offset of these in
the segment's file, and the origins by their numbers in the table."""
Answer: TypeAlias = tuple[bytes, bytes, Sequence[bytes]]
"""A value that was asked, what stands in its place, and what is added for it: JSON texts, empty ones for nothing."""
Parts: TypeAlias = tuple[int, memoryview, bytes, bytes]
"""The number of the index, the body where it was encoded or a copy, and where each item ends and which line it is:
unsigned 64-bit integers."""

@final
class Engine:
    """Executes one plan (JSON, by `shipper.encode._portable`). Raises ValueError for one that it cannot execute."""

    def __init__(self, plan: bytes) -> None: ...
    def zone(self, name: str) -> int:
        """Give the number of a time zone."""

    def learn(self, zone: int, year: int, intervals: Sequence[tuple[int, int, int]]) -> None:
        """Take in at which wall times of a year an offset is certain: first second, second behind, offset in us."""

    def ask(self, entries: Sequence[Entry]) -> list[list[bytes]]:
        """Give the distinct values that the plan's formats ask of, a list for each question, without the GIL."""

    def encode(self, entries: Sequence[Entry], answers: Sequence[Sequence[Answer]]) -> Encoding:
        """Encode what is certain, without the GIL. Never raises for a line's bytes.

        ``answers`` are those to what ``ask`` gave; a line with a value that has none is declined.
        """

@final
class Encoding:
    """The items of one batch."""

    @property
    def declined(self) -> list[int]:
        """The numbers of the lines that are left to Python, counted through the batch from 0."""

    @property
    def unknown(self) -> list[tuple[int, int]]:
        """Zones and years to be learnt: lines were declined for want of them."""

    @property
    def skews(self) -> list[tuple[int, int, int, int]]:
        """The last line of each entry's origin that is off by whole quarters of an hour.

        The line's number, the entry's, the origin's, and the offset in microseconds.
        """

    @property
    def days(self) -> list[int]:
        """The days since 1970 whose indices have items."""

    def format(self, number: int) -> int | None:
        """Give the format of a line by its place in the plan; None of one that was declined."""

    def bodies(
        self, indices: Mapping[int, int], others: Sequence[tuple[int, int, bytes]], bytes_max: int
    ) -> list[Parts]:
        """Put the bodies together, without the GIL.

        ``indices`` gives the index of each day, ``others`` the declined lines: number, index and item. A body that
        would be larger than ``bytes_max`` is closed, and the next begun.
        """

@final
class Gathering:
    """The journal entry in the making: full from so many lines, bytes or origins on.

    Of one datagram at most ``datagram_lines_max`` lines are told apart; what comes after stays with the last.
    """

    def __init__(self, lines_max: int, bytes_max: int, origins_max: int, datagram_lines_max: int) -> None: ...
    @property
    def lines(self) -> int:
        """The lines that were gathered."""

    @property
    def received(self) -> int:
        """The lines that came, also the blank and the refused ones."""

    @property
    def full(self) -> bool:
        """Whether there are lines or bytes for an entry."""

    def add(self, datagram: bytes, listener: int, address: str, now_us: int, cut: bool, /) -> bool:
        """Add the lines of a datagram, the last of them perhaps cut; say whether the entry is full now."""

    def refuse(self, datagram: bytes, /) -> None:
        """Count the lines of a datagram from who may not send."""

    def take(self) -> tuple[int, bytes, bytes, list[tuple[int, str]], int, int, int]:
        """Give what was gathered, and begin anew.

        The time of the first line (0 without lines), the table of lines, their bytes, the origins (listener, address),
        and how many lines came, were blank, and were refused.
        """

@final
class Inbox:
    """Where datagrams arrive, many in one system call."""

    def __init__(self, slots: int, slot_bytes: int) -> None: ...
    def receive(self, fd: int, /) -> int:
        """Take what a socket holds, without waiting and without the GIL; give the number. Raises OSError.

        What was there and is not poured is lost.
        """

    def pour(self, gathering: Gathering, listener: int, now_us: int, judge: Callable[[bytes], str | None], /) -> bool:
        """Add datagrams until the entry is full (True: take it, and pour on) or all are added.

        ``judge`` gets the packed address of each sender, once an entry, and gives its text; None when it may not send.
        """

def give_back() -> None:
    """Give the memory that waits for the next batch back to the kernel."""

def send(fd: int, datagrams: Sequence[bytes], end: bytes, /) -> int:
    """Send datagrams over a connected socket, each with ``end`` behind it; give how many it took.

    Without waiting, and without the GIL.

    Raises OSError for the first of them.
    """
