"""What is sent: bodies for one index each, and what is left of them after an answer. Pure.

1. Documents are serialised once; whatever is sent again is a subset of the same bytes.
2. A body that is cut for the size of requests is not copied: its parts share its bytes, and keep all of them in memory.
   What is left of a body or a part after an answer is copied, so that one item that waits does not keep megabytes of
   others. Halves of one that was refused are copied as well: the document at fault may wait for long.
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


@dataclass(frozen=True, slots=True)
class Part:
    """Items of a body that stand together, for a request of their own."""

    whole: Body
    first: int
    """The first item's number in the whole."""
    ends: Sequence[int]
    start: int
    """Where the first item begins in the whole."""

    @property
    def index(self) -> str:
        """The index that the documents go to."""
        return self.whole.index

    @property
    def content(self) -> memoryview:
        """The bytes, where they are."""
        return memoryview(self.whole.content)[self.start : self.start + self.ends[-1]]

    def id(self, item: int) -> str:
        """Give the `_id` of an item."""
        return self.whole.id(self.first + item)

    def lines(self, items: Sequence[int]) -> Sequence[Line]:
        """Give the lines that ``items`` were made of."""
        return self.whole.lines([self.first + item for item in items])

    def __len__(self) -> int:
        """Count the items."""
        return len(self.ends)


def whole(body: Body) -> Body:
    """Give the body that a part shares its bytes with, or else the body itself."""
    return body.whole if isinstance(body, Part) else body


def item(body: Body, number: int) -> bytes:
    """Give the bytes of one item: its action and its document."""
    start = body.ends[number - 1] if number else 0
    return bytes(body.content[start : body.ends[number]])


def document(body: Body, number: int) -> bytes:
    """Give the document of one item, without its action."""
    return item(body, number).partition(b"\n")[2].rstrip(b"\n")


def subset(body: Body, numbers: Sequence[int]) -> Body:
    """Give the items ``numbers`` (rising) of ``body``; the body itself when that is all of them, and no part."""
    if len(numbers) == len(body) and not isinstance(body, Part):
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
        yield _part(body, first, last)


def _part(body: Body, first: int, last: int) -> Part:
    start = body.ends[first - 1] if first else 0
    ends = tuple(end - start for end in body.ends[first:last])
    if isinstance(body, Part):
        return Part(body.whole, body.first + first, ends, body.start + start)
    return Part(body, first, ends, start)
