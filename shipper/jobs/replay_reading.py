"""What a direct replay reads: the lines of its parts, from where it is, as bulk bodies with the place behind them.

1. A step is at most a batch of lines read, whether they are sent or not.
2. What the documents hang on beside their lines (`Times`) is part of each step: who goes on behind one makes the same
   documents as who never stopped.
3. A file is opened when its turn comes, and read from the line at which the replay was; it must be the same still.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import structlog

from shipper.encode import CapturedBatch, CapturedEncoder, CapturedLine
from shipper.enrichment import open_enrichment
from shipper.errors import Permanent
from shipper.journal.entry import SEGMENT_ID_BYTES, Position
from shipper.limits import BATCH_BYTES_MAX
from shipper.replay.captures import STDIN, open_capture
from shipper.replay.direct import Reached, Step, Tally
from shipper.replay.ids import Ids, place_of
from shipper.replay.shift import Mover, Shift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from shipper.config import Config, Interpretation
    from shipper.encode import Body, Captured
    from shipper.haproxy.privacy import Hider
    from shipper.replay.captures import Capture, Line
    from shipper.replay.direct import Times
    from shipper.replay.feed import Selection

_log = structlog.get_logger()

_KEY_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class _File:
    """What is known of a file before it is read."""

    path: str
    identity: bytes
    size: int | None


class Reading:
    """Reads what ``selection`` names. Leaving it as a context closes stdin, which is open all the time.

    Raises Permanent for a file that cannot be opened.
    """

    def __init__(
        self, selection: Selection, config: Config, replay_id: str | None, *, clock_us: Callable[[], int]
    ) -> None:
        self.replay_id = replay_id
        self.read = 0
        """Lines so far, blank ones too."""
        self._selection = selection
        self._interpretation = config.interpretation()
        self._enricher = open_enrichment(config.enrichment)
        self._lines_max = config.delivery.batch_lines_max
        self._clock_us = clock_us
        self._undo = ExitStack()
        self._stdin: Capture | None = None
        self._capture: Capture | None = None
        self._part = 0
        self._files = [self._look_at(str(file)) for file in selection.files]
        self._ids = [
            Ids(file.identity, f"{replay_id or ''}{f'/{number}' if number else ''}")
            for number in range(selection.rounds)
            for file in self._files
        ]
        self._parts = {ids.file: part for part, ids in enumerate(self._ids)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._undo.close()

    @property
    def identity(self) -> bytes:
        """A hash of the files, in their order."""
        return hashlib.blake2b(b"".join(file.identity for file in self._files), digest_size=16).digest()

    @property
    def bytes_total(self) -> int | None:
        """The files' bytes as they lie there, over all rounds; None where nobody knows them."""
        sizes = [file.size for file in self._files if file.size is not None]
        return sum(sizes) * self._selection.rounds if len(sizes) == len(self._files) else None

    @property
    def bytes_read(self) -> int:
        """How many of them are read."""
        before = sum(self._file(part).size or 0 for part in range(self._part))
        return before + (self._capture.position if self._capture else 0)

    def position(self, reached: Reached) -> Position:
        """Give the position behind what is reached; positions rise in the order of reading."""
        return Position(self._segment(reached.part), reached.end)

    def place(self, position: Position) -> str:
        """Say for people where a line stands: file and offset."""
        return f"{self._file(int.from_bytes(position.segment[:-_KEY_BYTES], 'big')).path}:{position.offset}"

    def comes_again(self, reached: Reached, id_: str) -> bool:
        """Tell whether the line with this `_id` is of this replay, and not before what is reached."""
        place = place_of(id_)
        part = self._parts.get(place[0]) if place else None
        return place is not None and part is not None and (part, place[1]) >= (reached.part, reached.end)

    def steps(self, reached: Reached, documents: int) -> Iterator[tuple[Step, tuple[Body, ...]]]:
        """Give what is to be sent behind ``reached``, until which there were so many documents.

        Raises Permanent where a file is not the one any more that was read up to there.
        """
        left = None if self._selection.limit is None else self._selection.limit - documents
        for part in range(reached.part, len(self._ids)):
            self._part = part
            for step, bodies in self._part_steps(reached, left) if left != 0 else ():
                left = None if left is None else left - step.documents
                reached = step.reached
                yield step, bodies

    def _part_steps(self, reached: Reached, left: int | None) -> Iterator[tuple[Step, tuple[Body, ...]]]:
        """Give the steps of one part; the last leads to the front of the next."""
        with ExitStack() as undo:
            try:
                capture = self._capture = self._stdin or undo.enter_context(open_capture(self._file(reached.part).path))
            except Permanent as error:
                yield self._after(reached, reached.times, Tally(), str(error)), ()
                return
            lines = self._behind(reached, capture)
            encoder = CapturedEncoder(self._interpretation, capture.changed_us, self.replay_id, self._enricher)
            maker = _Maker(self._selection, self._interpretation, encoder, reached.times)
            filler = _Filler(maker, maker.from_front(lines), self._ids[reached.part], self._lines_max)
            ended = False
            while not ended and left != 0:
                batch = CapturedBatch(capture.path, self._segment(reached.part), self._clock_us(), maker.hider)
                ended = filler.fill(batch, left)
                tally = filler.tally(capture.blank)
                self.read += tally.read
                left = None if left is None else left - len(batch)
                if ended:
                    step = self._after(reached, maker.times, tally, filler.fault, len(batch))
                else:
                    reached = filler.reached(reached.part)
                    step = Step(reached, self.position(reached), tally, len(batch))
                yield step, batch.bodies()

    def _after(self, reached: Reached, times: Times, tally: Tally, fault: str, documents: int = 0) -> Step:
        """Give the last step of a part: it leads to the front of the next one."""
        if fault:
            _log.error("capture_not_read", error=fault)
        part = reached.part + 1
        times = times.next_round() if part % len(self._files) == 0 else replace(times, near_us=None)
        front = Reached(part, times=times)
        return Step(front, self.position(front), tally, documents, fault)

    def _behind(self, reached: Reached, capture: Capture) -> Iterator[Line]:
        """Give the lines behind what is reached."""
        lines = capture.lines(reached.offset)
        if reached.id:
            last = next(lines, None)
            if last is None or self._ids[reached.part].id(last) != reached.id:
                raise Permanent(
                    f"{capture.path}: not the file any more that was read up to byte {reached.end}: the line before is "
                    "another; put it back, or load the new one with --again"
                )
        return lines

    def _file(self, part: int) -> _File:
        return self._files[part % len(self._files)]

    def _segment(self, part: int) -> bytes:
        key = self._ids[part].key[:_KEY_BYTES] if part < len(self._ids) else bytes(_KEY_BYTES)
        return part.to_bytes(SEGMENT_ID_BYTES - _KEY_BYTES, "big") + key

    def _look_at(self, path: str) -> _File:
        """Open a file for a moment; stdin, which can be read once, for good."""
        if path == STDIN and self._stdin is None:
            self._stdin = self._undo.enter_context(open_capture(path))
        with ExitStack() as undo:
            capture = self._stdin if path == STDIN else undo.enter_context(open_capture(path))
            if capture is None or (path == STDIN and self._selection.rounds > 1):
                raise Permanent("stdin can be read once only; put it into a file")
            return _File(path, capture.identity, capture.size)


class _Filler:
    """Fills batches with the lines of one part, until there are no more."""

    def __init__(self, maker: _Maker, lines: Iterator[Line], ids: Ids, lines_max: int) -> None:
        self.fault = ""
        self._maker = maker
        self._lines = lines
        self._ids = ids
        self._lines_max = lines_max
        self._last: Line | None = None
        self._counts: Counter[str] = Counter()
        self._by_index: Counter[str] = Counter()
        self._blank = 0
        self._ended = False

    def fill(self, batch: CapturedBatch, left: int | None) -> bool:
        """Read lines into ``batch``, ``left`` documents at most, until it is full; tell whether there are no more."""
        self._counts.clear()
        self._by_index.clear()
        size = 0
        try:
            for line in self._lines:
                self._last = line
                size += len(line.raw)
                self._take(line, batch)
                if self._counts["lines"] >= self._lines_max or size >= BATCH_BYTES_MAX or len(batch) == left:
                    break
            else:
                self._ended = True
        except Permanent as error:
            self._ended, self.fault = True, str(error)
        return self._ended

    def _take(self, line: Line, batch: CapturedBatch) -> None:
        counts = self._counts
        counts["lines"] += 1
        if line.blanks:
            counts["blank"] += line.blanks
        made = self._maker.make(line)
        if made is None:
            counts["outside"] += 1
            return
        raw, document, is_moved = made
        if document.failure:
            _log.error("line_not_encoded", error=document.failure, hint="it is indexed with error.message; report it")
        batch.add(CapturedLine(self._ids.id(line), raw, line.cut, line.offset), document)
        self._by_index[document.index] += 1
        if line.cut or not document.known or not is_moved:
            counts["cut"] += line.cut
            counts["unparsed"] += not document.known
            counts["unmoved"] += not is_moved

    def tally(self, blank: int) -> Tally:
        """Tell what was read for the last batch; ``blank`` is how many blank lines the file had so far."""
        counts = self._counts
        if self._ended:
            counts["blank"] = blank - self._blank
        self._blank += counts["blank"]
        return Tally(
            read=counts["lines"] + counts["blank"],
            blank=counts["blank"],
            outside=counts["outside"],
            cut=counts["cut"],
            unparsed=counts["unparsed"],
            unmoved=counts["unmoved"],
            by_index=dict(self._by_index),
        )

    def reached(self, part: int) -> Reached:
        """Give the place behind the last line."""
        last = self._last
        if last is None:
            return Reached(part, times=self._maker.times)
        return Reached(part, last.offset, last.end, self._ids.id(last), self._maker.times)


class _Maker:
    """Makes the documents of one part's lines, in their order, and keeps the times that they hang on."""

    def __init__(
        self,
        selection: Selection,
        interpretation: Interpretation,
        encoder: CapturedEncoder,
        times: Times,
    ) -> None:
        self._selection = selection
        self._interpretation = interpretation
        self._times = times
        self._encoder = encoder
        if times.near_us is not None:
            encoder.near_us = times.near_us
        self._mover: Mover | None = None

    @property
    def hider(self) -> Hider | None:
        """What hides, where there is anything to hide."""
        return self._encoder.hider

    @property
    def times(self) -> Times:
        """What the documents of the lines to come hang on."""
        return replace(self._times, near_us=self._mover.near_us if self._mover else self._encoder.near_us)

    def from_front(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Give the lines; at the front of a file once there was one to date the first of them by."""
        return lines if self._times.near_us is not None else self._encoder.from_front(lines, lambda line: line.raw)

    def make(self, line: Line) -> tuple[bytes, Captured, bool] | None:
        """Give a line as it is sent, its document, and whether it was moved if it should be; None: not wanted."""
        if not self._selection.moves:
            document = self._encoder.document(line.raw, cut=line.cut)
            return (line.raw, document, True) if self._is_wanted(document.event_us) else None
        self._mover = self._mover or self._new_mover(self._encoder.near_us)
        near_us = self._mover.near_us
        moved = self._mover.move(line.raw, cut=line.cut)
        is_first = self._times.first_us is None
        if not self._is_wanted(moved.was_us):
            return None
        if is_first:
            self._mover = self._new_mover(near_us)
            moved = self._mover.move(line.raw, cut=line.cut)
        self._encoder.near_us = self._shift()(self._mover.near_us)
        return moved.raw, self._encoder.document(moved.raw, cut=line.cut), moved.dated

    def _is_wanted(self, us: int) -> bool:
        """Tell whether a line of this time is to be sent, and take note of it."""
        from_us, until_us = self._selection.from_us, self._selection.until_us
        if (from_us is not None and us < from_us) or (until_us is not None and us >= until_us):
            return False
        if self._selection.moves:
            self._times = self._times.with_line(us)
        return True

    def _new_mover(self, near_us: int) -> Mover:
        return Mover(self._shift(), self._interpretation, near_us)

    def _shift(self) -> Shift:
        """Say where times go, once there was a line."""
        first_us = self._times.first_us
        if first_us is None:
            return Shift(0, 0)
        to_us = first_us if self._selection.to_us is None else self._selection.to_us
        first_round = Shift(first_us, to_us, self._selection.stretch)
        return Shift(first_us, first_round(first_us + self._times.later_us), self._selection.stretch)
