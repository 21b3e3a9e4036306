"""What encoding gives: bulk bodies, with a table of where each document lies and which line it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from shipper.journal.entry import Flag
from shipper.limits import BULK_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shipper.haproxy.privacy import Hider
    from shipper.journal.entry import Line, Origin


class Lines(Protocol):
    """What was encoded: a batch of the journal, or lines of a captured file."""

    def lines(self) -> Iterator[Line]:
        """Give the lines in the order in which they were encoded."""


def item_of(id_: str, document: str) -> bytes:
    """Write a document as the bulk API takes it."""
    return f'{{"create":{{"_id":"{id_}"}}}}\n{document}\n'.encode()


@dataclass(frozen=True, slots=True)
class HiddenLines:
    """Lines without what is hidden of them: so they become dead letters."""

    source: Lines
    hider: Hider

    def lines(self) -> Iterator[Line]:
        """Give the lines of the source, each without what is hidden."""
        for line in self.source.lines():
            yield replace(line, raw=self.hider.line(line.raw, cut=Flag.CUT in line.flags))


@dataclass(frozen=True, slots=True)
class Body:
    """Documents for one index, as `POST /{index}/_bulk` takes them: an action line and a source line for each.

    Item ``i`` is ``content[ends[i - 1]:ends[i]]`` (from 0 for the first), and line ``numbers[i]`` of the source.
    """

    index: str
    content: bytes | memoryview
    ends: Sequence[int]
    numbers: Sequence[int]
    source: Lines

    def __len__(self) -> int:
        """Count the documents."""
        return len(self.ends)

    def id(self, item: int) -> str:
        """Give the `_id` of an item."""
        start = self.ends[item - 1] if item else 0
        action = json.loads(bytes(self.content[start : self.ends[item]]).partition(b"\n")[0])
        return str(action["create"]["_id"])

    def lines(self, items: Sequence[int]) -> list[Line]:
        """Give the lines that ``items`` were made of, in one pass over the source."""
        numbers = [self.numbers[item] for item in items]
        wanted = set(numbers)
        lines = islice(enumerate(self.source.lines()), max(wanted, default=-1) + 1)
        found = {number: line for number, line in lines if number in wanted}
        return [found[number] for number in numbers]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch's bodies, and what was noticed on the way."""

    bodies: tuple[Body, ...]
    unparsed: Mapping[Origin, int]
    """Lines that nothing understood."""
    undated: Mapping[Origin, int]
    """Lines that do not tell their day."""
    log_formats: Mapping[Origin, str]
    """The format of a line of traffic among the last; only a sample of the origins."""
    skews_us: Mapping[Origin, int]
    """An offset of whole quarters of an hour between a line's end and its receipt; a wrong zone."""
    failure: str = ""
    """What went wrong within shipper over one of the lines; it is there as a document all the same."""


@dataclass(slots=True)
class _Growing:
    """A body being put together."""

    documents: list[bytes] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    size: int = 0


class Bodies:
    """Puts the bodies of a batch together, one per index; one that is full is closed, and the next begun."""

    def __init__(self, source: Lines) -> None:
        self._source = source
        self._growing: dict[str, _Growing] = {}
        self._bodies: list[Body] = []
        self._number = 0

    def add(self, index: str, id_: str, document: str) -> None:
        """Take the document of the next line."""
        item = item_of(id_, document)
        growing = self._growing.get(index)
        if growing is None or growing.size + len(item) > BULK_BYTES_MAX:
            self._close(index)
            growing = self._growing[index] = _Growing()
        growing.documents.append(item)
        growing.size += len(item)
        growing.ends.append(growing.size)
        growing.numbers.append(self._number)
        self._number += 1

    def done(self) -> tuple[Body, ...]:
        """Close all of them, and give them."""
        for index in list(self._growing):
            self._close(index)
        return tuple(self._bodies)

    def _close(self, index: str) -> None:
        done = self._growing.pop(index, None)
        if done is not None:
            self._bodies.append(Body(index, b"".join(done.documents), done.ends, done.numbers, self._source))
