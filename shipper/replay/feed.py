"""The lines of captures in the order in which a replay sends them.

1. One line at a time, in constant memory. Several files are merged by the time at which their lines were written; the
   lines of one file keep their order.
2. Whoever reads a feed of the same selection again gets the same lines: what was sent can be told afterwards.
3. A further round follows the one before it: its times, for the pace and in lines that are moved to another time, go
   on where those ended, at the mean gap.
4. ``read = blank + outside + lines given``.
5. A file that is damaged ends there, with its fault; the others go on.
"""

from __future__ import annotations

import heapq
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from shipper.errors import Permanent
from shipper.replay.captures import open_capture
from shipper.replay.header import with_header
from shipper.replay.moments import Moments
from shipper.replay.shift import Mover, Shift

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shipper.config import Interpretation
    from shipper.replay.captures import Capture, Line
    from shipper.replay.header import HeaderKind
    from shipper.replay.moments import Moment


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines of which files, how often, and what becomes of them. Moments are microseconds since 1970."""

    files: tuple[Path, ...]
    from_us: int | None = None
    """Event times from here on."""
    until_us: int | None = None
    """Event times before it."""
    limit: int | None = None
    """So many lines, over all rounds."""
    rounds: int = 1
    to_us: int | None = None
    """What the first line's event time becomes."""
    stretch: float = 1.0
    """How much longer the gaps between the moved times are."""
    header: HeaderKind | None = None
    """Put in front of lines that have none."""
    timed: bool = False
    """Whether the pace goes by the lines' times."""

    @property
    def needs_times(self) -> bool:
        """Tell whether the lines have to be understood for it."""
        chosen = self.from_us is not None or self.until_us is not None
        return self.timed or chosen or self.moves or self.header is not None or len(self.files) > 1

    @property
    def moves(self) -> bool:
        """Tell whether lines are moved to another time."""
        return self.to_us is not None or self.stretch != 1


class Outgoing(NamedTuple):
    """A line as it is sent, and when it was written; where it stood."""

    raw: bytes
    written_us: int
    file: str
    offset: int
    cut: bool


@dataclass(slots=True)
class Tally:
    """What was read so far."""

    given: int = 0
    outside: int = 0
    """Of another time than the one that was asked for."""
    blank: int = 0
    cut: int = 0
    unmoved: int = 0
    """Lines that should move to another time, and have no date."""

    @property
    def read(self) -> int:
        """All of them."""
        return self.given + self.outside + self.blank


class Feed:
    """Reads what was selected. ``lines`` may be asked for once."""

    def __init__(self, selection: Selection, interpretation: Interpretation) -> None:
        self.tally = Tally()
        self.faults: list[str] = []
        """Files that could not be read to their end, and why."""
        self._selection = selection
        self._interpretation = interpretation
        self._zone = interpretation.zone_of(0, "")
        self._captures: Sequence[Capture] = ()
        self._round = 0
        self._later_us = 0
        self._first: Moment | None = None
        self._shift: Shift | None = None
        self._movers: dict[int, Mover] = {}

    @property
    def size(self) -> int | None:
        """The files' bytes as they lie there, over all rounds; None where nobody knows them."""
        sizes = [capture.size for capture in self._captures]
        known = [size for size in sizes if size is not None]
        return sum(known) * self._selection.rounds if len(known) == len(sizes) else None

    @property
    def position(self) -> int:
        """How many of them are read."""
        before = sum(capture.size or 0 for capture in self._captures) * self._round
        return before + sum(capture.position for capture in self._captures)

    def lines(self) -> Iterator[Outgoing]:
        """Give the lines. Raises Permanent for a file that cannot be opened."""
        limit = self._selection.limit
        for number in range(self._selection.rounds):
            left = None if limit is None else limit - self.tally.given
            if left == 0:
                return
            self._round = number
            with ExitStack() as stack:
                self._captures = [stack.enter_context(open_capture(file)) for file in self._selection.files]
                stack.callback(self._count_blanks)
                yield from islice(self._one_round() if self._selection.needs_times else self._as_they_are(), left)

    def _count_blanks(self) -> None:
        self.tally.blank += sum(capture.blank for capture in self._captures)

    def _as_they_are(self) -> Iterator[Outgoing]:
        """Give the lines of the one file, of whose times nobody asks: without a step that is not needed."""
        (capture,), tally = self._captures, self.tally
        for offset, raw, cut, _, _ in self._read(capture):
            tally.given += 1
            tally.cut += cut
            yield Outgoing(raw, 0, capture.path, offset, cut)

    def _one_round(self) -> Iterator[Outgoing]:
        streams = [self._timed(capture, number) for number, capture in enumerate(self._captures)]
        merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda each: each[0].written_us)
        before = self.tally.given
        last_us = 0
        for moment, line, number in merged:
            if not self._is_within(moment.start_us):
                self.tally.outside += 1
                continue
            if self._first is None:
                self._begin(moment)
            last_us = max(last_us, moment.written_us)
            self.tally.given += 1
            yield self._outgoing(moment, line, number)
        self._end_round(last_us, self.tally.given - before)

    def _timed(self, capture: Capture, number: int) -> Iterator[tuple[Moment, Line, int]]:
        moments = Moments(self._interpretation, capture.changed_us)
        return ((moment, line, number) for moment, line in moments.timed(self._read(capture)))

    def _read(self, capture: Capture) -> Iterator[Line]:
        try:
            yield from capture.lines()
        except Permanent as error:
            if str(error) not in self.faults:
                self.faults.append(str(error))

    def _is_within(self, start_us: int) -> bool:
        first_us, last_us = self._selection.from_us, self._selection.until_us
        return (first_us is None or first_us <= start_us) and (last_us is None or start_us < last_us)

    def _begin(self, first: Moment) -> None:
        """Take note of what the first line tells."""
        self._first = first
        if self._selection.moves:
            to_us = first.start_us if self._selection.to_us is None else self._selection.to_us
            self._shift = Shift(first.start_us, to_us, self._selection.stretch)

    def _end_round(self, last_us: int, lines: int) -> None:
        """Let the next round's times follow this one's."""
        if self._first is None:
            return
        span_us = last_us - self._first.written_us
        self._later_us += span_us + span_us // max(lines - 1, 1)
        self._movers.clear()

    def _outgoing(self, moment: Moment, line: Line, number: int) -> Outgoing:
        raw, written_us = line.raw, moment.written_us + self._later_us
        self.tally.cut += line.cut
        if self._shift is not None:
            raw = self._moved(moment, line, number, self._shift)
            written_us = self._shift(written_us)
        if self._selection.header is not None:
            raw = with_header(raw, self._selection.header, written_us, self._zone)
        return Outgoing(raw, written_us, self._captures[number].path, line.offset, line.cut)

    def _moved(self, moment: Moment, line: Line, number: int, shift: Shift) -> bytes:
        mover = self._movers.get(number)
        if mover is None:
            later = Shift(shift.base_us, shift(shift.base_us + self._later_us), shift.stretch)
            mover = self._movers[number] = Mover(later, self._interpretation, moment.start_us)
        moved = mover.move(line.raw, cut=line.cut)
        self.tally.unmoved += not moved.dated
        return moved.raw
