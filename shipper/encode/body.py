"""What encoding gives: bulk bodies, with a table of where each document lies and which line it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.journal.entry import Batch, Line


@dataclass(frozen=True, slots=True)
class Body:
    """Documents for one index, as `POST /{index}/_bulk` takes them: an action line and a source line for each.

    Item ``i`` is ``content[ends[i - 1]:ends[i]]`` (from 0 for the first), and line ``numbers[i]`` of the batch.
    """

    index: str
    content: bytes
    ends: Sequence[int]
    numbers: Sequence[int]
    batch: Batch

    def __len__(self) -> int:
        """Count the documents."""
        return len(self.ends)

    def id(self, item: int) -> str:
        """Give the `_id` of an item."""
        start = self.ends[item - 1] if item else 0
        action = json.loads(self.content[start : self.content.index(b"\n", start)])
        return str(action["create"]["_id"])

    def lines(self, items: Sequence[int]) -> list[Line]:
        """Give the lines that ``items`` were made of, in one pass over the batch."""
        numbers = [self.numbers[item] for item in items]
        wanted = set(numbers)
        lines = islice(enumerate(self.batch.lines()), max(wanted, default=-1) + 1)
        found = {number: line for number, line in lines if number in wanted}
        return [found[number] for number in numbers]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch's bodies, and what was noticed on the way."""

    bodies: tuple[Body, ...]
    unparsed: int
    """Lines that nothing understood."""
    skews_us: Mapping[str, int]
    """By sender: an offset of whole quarters of an hour between a line's end and its receipt; a wrong zone."""
    failure: str = ""
    """What went wrong within shipper over one of the lines; it is there as a document all the same."""
