"""What is sent: bodies for one index each, and what is left of them after an answer. Pure.

1. Documents are serialised once; whatever is sent again is a subset of the same bytes.
2. What is left is copied out of its batch, so that one item that waits does not keep megabytes of others in memory.
3. Lines are asked for together, once: finding one among a batch's lines is a pass over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.journal.entry import Line


class Body(Protocol):
    """NDJSON for `POST /{index}/_bulk`: for each item a `create` action with its `_id`, and the document."""

    @property
    def index(self) -> str:
        """The index that the documents go to."""

    @property
    def content(self) -> bytes | memoryview:
        """The whole; item i is ``content[ends[i - 1]:ends[i]]``."""

    @property
    def ends(self) -> Sequence[int]:
        """Where each item ends in ``content``."""

    def id(self, item: int) -> str:
        """Give the `_id` of an item."""

    def lines(self, items: Sequence[int]) -> Sequence[Line]:
        """Give the lines that ``items`` were made of; takes about as long for all as for one."""

    def __len__(self) -> int:
        """Count the items."""


@dataclass(frozen=True, slots=True)
class Remainder:
    """Some items of a body, with bytes of their own."""

    index: str
    content: bytes
    ends: tuple[int, ...]
    ids: tuple[str, ...]
    own_lines: tuple[Line, ...]

    def id(self, item: int) -> str:
        """Give the `_id` of an item."""
        return self.ids[item]

    def lines(self, items: Sequence[int]) -> Sequence[Line]:
        """Give the lines that ``items`` were made of."""
        return [self.own_lines[item] for item in items]

    def __len__(self) -> int:
        """Count the items."""
        return len(self.ends)


def item(body: Body, number: int) -> bytes:
    """Give the bytes of one item: its action and its document."""
    start = body.ends[number - 1] if number else 0
    return bytes(body.content[start : body.ends[number]])


def document(body: Body, number: int) -> bytes:
    """Give the document of one item, without its action."""
    return item(body, number).partition(b"\n")[2].rstrip(b"\n")


def subset(body: Body, numbers: Sequence[int]) -> Body:
    """Give the items ``numbers`` (rising) of ``body``; the body itself when that is all of them."""
    if len(numbers) == len(body):
        return body
    items = [item(body, number) for number in numbers]
    return Remainder(
        body.index,
        b"".join(items),
        tuple(accumulate(map(len, items))),
        tuple(body.id(number) for number in numbers),
        tuple(body.lines(numbers)),
    )


def halves(body: Body) -> tuple[Body, Body]:
    """Cut a body of two items or more in two."""
    middle = len(body) // 2
    return subset(body, range(middle)), subset(body, range(middle, len(body)))


def pieces(body: Body, bytes_max: int) -> Iterator[Body]:
    """Cut a body into such of at most ``bytes_max`` each; an item that is larger alone is one of its own."""
    if len(body.content) <= bytes_max:
        yield body
        return
    cuts, start = [0], 0
    for number, (begin, end) in enumerate(pairwise((0, *body.ends))):
        if end - start > bytes_max and number > cuts[-1]:
            cuts.append(number)
            start = begin
    for first, last in pairwise((*cuts, len(body))):
        yield subset(body, range(first, last))
