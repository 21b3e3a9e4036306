"""Bodies for tests, as encode makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from shipper.journal.entry import Flag, Line, Origin, Position

if TYPE_CHECKING:
    from collections.abc import Sequence

SEGMENT = bytes(range(12))


def position(number: int) -> Position:
    return Position(SEGMENT, number)


def id_of(number: int) -> str:
    return position(number).id()


@dataclass(frozen=True)
class Lines:
    """A body of one document for each number: the number is the line's text and offset."""

    index: str
    numbers: tuple[int, ...]
    padding: int = 0

    @cached_property
    def items(self) -> list[bytes]:
        return [
            json.dumps({"create": {"_id": position(number).id()}}).encode()
            + b"\n"
            + json.dumps({"n": number, "pad": "x" * self.padding}).encode()
            + b"\n"
            for number in self.numbers
        ]

    @cached_property
    def content(self) -> bytes:
        return b"".join(self.items)

    @cached_property
    def ends(self) -> Sequence[int]:
        return tuple(accumulate(map(len, self.items)))

    def id(self, item: int) -> str:
        return position(self.numbers[item]).id()

    def lines(self, items: Sequence[int]) -> list[Line]:
        return [self.line(item) for item in items]

    def line(self, item: int) -> Line:
        number = self.numbers[item]
        return Line(b"line %d \xff" % number, Origin(0, "192.0.2.1"), number, Flag(0), position(number))

    def __len__(self) -> int:
        return len(self.numbers)


TEN = Lines("i", tuple(range(10)))
