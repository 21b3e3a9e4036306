"""Lines of captured files as the documents that a replay indexes: one by one, or as bulk bodies.

1. What lacks a year or a time takes it from the nearest dated line before it, or else after it; never from today.
2. So a document hangs on its line and on ``near_us``, the moment of the dated line before: whoever goes on from there
   in the middle of a file makes the same documents.
3. No time is too old or too far ahead for the index of its day: a capture is loaded by somebody, not sent by anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from shipper.encode._python import Encoder, LineContext
from shipper.encode.body import Bodies, HiddenLines
from shipper.journal.entry import Flag, Line, Origin, Position
from shipper.limits import UNDATED_BYTES_MAX, UNDATED_LINES_MAX
from shipper.listen_url import FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shipper.config import Interpretation
    from shipper.encode._python import Enricher
    from shipper.encode.body import Body
    from shipper.haproxy.privacy import Hider

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Captured:
    """One line's document as JSON, the index that it belongs to, whether the line was understood, and its moment.

    Where it is not ``dated`` the moment is that of a line nearby, or of the file.
    """

    json: str
    index: str
    known: bool
    dated: bool
    event_us: int
    failure: str
    """What went wrong within shipper over it."""


class CapturedLine(NamedTuple):
    """A line of a file: the `_id` of its document, its bytes, whether they are its beginning only, its offset."""

    id: str
    raw: bytes
    cut: bool
    offset: int


class CapturedBatch:
    """Lines of one file with their documents, put together one by one.

    ``hider`` hides what is not to be in dead letters.
    ``segment`` (12 bytes) and the offset are a line's position for delivery: it must rise with the order of the lines.
    ``read_us`` is the time of reading; it stands for the receipt in dead letters.
    """

    def __init__(self, path: str, segment: bytes, read_us: int, hider: Hider | None = None) -> None:
        self._path = path
        self._segment = segment
        self._read_us = read_us
        self._lines: list[CapturedLine] = []
        self._bodies = Bodies(HiddenLines(self, hider) if hider else self)

    def __len__(self) -> int:
        """Count the lines."""
        return len(self._lines)

    def add(self, line: CapturedLine, document: Captured) -> None:
        """Take a line and its document."""
        self._lines.append(line)
        self._bodies.add(document.index, line.id, document.json)

    def bodies(self) -> tuple[Body, ...]:
        """Give what is to be sent, once; nothing is added afterwards."""
        return self._bodies.done()

    def lines(self) -> Iterator[Line]:
        """Give the lines as delivery knows them. The origin names the place, as a URL with the offset."""
        for line in self._lines:
            yield Line(
                raw=line.raw,
                origin=Origin(0, f"{FILE}{self._path}#offset={line.offset}"),
                received_us=self._read_us,
                flags=Flag.CUT if line.cut else Flag(0),
                position=Position(self._segment, line.offset),
            )


class CapturedEncoder:
    """Encodes the lines of one file, in their order.

    ``near_us`` is the moment of the dated line before them; at the front of a file its time of change.
    """

    def __init__(
        self,
        interpretation: Interpretation,
        near_us: int,
        replay_id: str | None = None,
        enricher: Enricher | None = None,
    ) -> None:
        self._encoder = Encoder(interpretation, replay_id, enricher)
        self._line = LineContext(interpretation, zone=interpretation.zone_of(0, ""), near_us=near_us)

    @property
    def hider(self) -> Hider | None:
        """What hides, where there is anything to hide."""
        return self._encoder.hider

    @property
    def near_us(self) -> int:
        """The moment of the last dated line."""
        return self._line.near_us

    @near_us.setter
    def near_us(self, us: int) -> None:
        self._line.near_us = us

    def documents(self, lines: Iterable[bytes]) -> Iterator[Captured]:
        """Give the document of each line of a file (without its line end)."""
        return map(self.document, self.from_front(lines, bytes))

    def from_front(self, lines: Iterable[_T], raw_of: Callable[[_T], bytes]) -> Iterator[_T]:
        """Give all of ``lines``, the front of a file, as soon as there was one to date the first of them by."""
        lines = iter(lines)
        waiting: list[_T] = []
        size = 0
        for line in lines:
            waiting.append(line)
            size += len(raw_of(line))
            self._encoder.document(raw_of(line), self._line)
            if self._line.dated:
                self._line.near_us = self._line.index_us
            if self._line.dated or len(waiting) >= UNDATED_LINES_MAX or size >= UNDATED_BYTES_MAX:
                break
        yield from waiting
        waiting.clear()
        yield from lines

    def document(self, raw: bytes, *, cut: bool = False) -> Captured:
        """Give the document of the next line."""
        line = self._line
        line.cut, line.failure = cut, ""
        document = self._encoder.document(raw, line)
        if line.dated:
            line.near_us = line.index_us
        index = self._encoder.index_of(line.index_us)
        return Captured(document, index, line.known, line.dated, line.index_us, line.failure)
