from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.deliver import Parking
from shipper.deliver._answers import Cause
from shipper.deliver._body import Body, Part, document, halves, item, pieces, subset, whole
from shipper.deliver._delivery import _refusals
from shipper.deliver._queue import Job
from shipper.encode import Encoder
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Line, Origin, Position
from tests.deliver.bodies import Lines, id_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_subset_is_made_of_the_same_bytes_ids_and_lines() -> None:
    body = Lines("i", (3, 5, 8))
    rest = subset(body, [0, 2])
    assert rest.content == body.items[0] + body.items[2]
    assert [rest.id(0), rest.id(1)] == [body.id(0), body.id(2)]
    assert rest.lines([0, 1]) == body.lines([0, 2])
    assert item(rest, 1) == body.items[2]


def test_a_subset_of_all_is_the_body_itself() -> None:
    body = Lines("i", (3, 5))
    assert subset(body, [0, 1]) is body


def test_a_document_is_the_item_without_its_action() -> None:
    assert document(Lines("i", (3, 5)), 1) == b'{"n": 5, "pad": ""}'


def test_halves_are_the_whole() -> None:
    body = Lines("i", (1, 2, 3))
    first, second = halves(body)
    assert (len(first), len(second)) == (1, 2)
    assert bytes(first.content) + bytes(second.content) == body.content


@given(st.integers(1, 20), st.integers(1, 400), st.integers(0, 100))
def test_pieces_are_the_whole_and_as_small_as_asked(count: int, bytes_max: int, padding: int) -> None:
    body = Lines("i", tuple(range(count)), padding)
    cut = list(pieces(body, bytes_max))
    assert b"".join(piece.content for piece in cut) == body.content
    assert all(len(piece.content) <= bytes_max or len(piece) == 1 for piece in cut)


def test_a_part_shares_the_bytes_of_its_body_and_what_is_left_of_it_has_its_own() -> None:
    body = Lines("i", tuple(range(9)), padding=50)
    for part in [*pieces(body, 200), *pieces(list(pieces(body, 400))[1], 200)]:
        numbers = range(len(part))
        assert isinstance(part, Part)
        assert whole(part) is body
        rest = subset(part, numbers)
        assert (rest.content, whole(rest)) == (bytes(part.content), rest)
        first = [id_of(number) for number in body.numbers].index(part.id(0))
        for piece in (part, rest):
            assert [item(piece, number) for number in numbers] == body.items[first : first + len(part)]
            assert piece.lines([0]) == body.lines([first])


COUNT = 5_000


class CountingBatch(Batch):
    """Counts the lines that are made of it."""

    made = 0

    def lines(self) -> Iterator[Line]:
        for line in super().lines():
            CountingBatch.made += 1
            yield line


@pytest.fixture(scope="module")
def encoded() -> Body:
    """A body as encode makes it, of as many lines as go into one."""
    raw = [b"line %d" % number for number in range(COUNT)]
    table = b"".join(LINE_HEADER.pack(len(line), 0, 0, 0) for line in raw)
    origins = (Origin(0, "192.0.2.1"),)
    entry = Entry(bytes(12), 10**6, 1_795_262_400_000_000, origins, table, b"".join(raw), 100)
    batch = CountingBatch((entry,), b"{}", Position(bytes(12), 10**6))
    (body,) = Encoder(Interpretation()).encode(batch).bodies
    return body


def test_a_part_of_a_large_body_costs_one_pass_over_its_lines(encoded: Body) -> None:
    CountingBatch.made = 0
    rest = subset(encoded, range(1, COUNT, 2))
    assert CountingBatch.made == COUNT
    assert [line.raw for line in rest.lines([0, 2499])] == [b"line 1", b"line 4999"]
    assert [line.position.id() for line in rest.lines(range(len(rest)))] == [rest.id(n) for n in range(len(rest))]


def test_halving_a_large_body_down_to_single_documents_makes_each_line_but_twice(encoded: Body) -> None:
    def singles(body: Body) -> Iterator[Body]:
        if len(body) == 1:
            yield body
        else:
            yield from chain.from_iterable(map(singles, halves(body)))

    CountingBatch.made = 0
    assert [single.lines([0])[0].raw for single in singles(encoded)] == [b"line %d" % n for n in range(COUNT)]
    assert CountingBatch.made <= 2 * COUNT


def test_parking_and_burying_a_large_body_cost_one_pass_over_its_lines(encoded: Body, tmp_path: Path) -> None:
    CountingBatch.made = 0
    assert Parking(tmp_path, None).park(encoded)
    assert CountingBatch.made == COUNT
    refused = _refusals(Job(1, encoded), dict.fromkeys(range(COUNT), Cause(400, "t", "r")))
    assert [refusal.line.raw for refusal in refused] == [b"line %d" % n for n in range(COUNT)]
    assert CountingBatch.made == 2 * COUNT


def test_lines_come_in_the_order_in_which_they_are_asked_for(encoded: Body) -> None:
    assert [line.raw for line in encoded.lines([7, 3])] == [b"line 7", b"line 3"]
    assert encoded.lines([]) == []
