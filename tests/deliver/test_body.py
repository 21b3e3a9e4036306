from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipper.deliver._body import document, halves, item, pieces, subset
from tests.deliver.bodies import Lines


def test_a_subset_is_made_of_the_same_bytes_ids_and_lines() -> None:
    body = Lines("i", (3, 5, 8))
    rest = subset(body, [0, 2])
    assert rest.content == body.items[0] + body.items[2]
    assert [rest.id(0), rest.id(1)] == [body.id(0), body.id(2)]
    assert [rest.line(0), rest.line(1)] == [body.line(0), body.line(2)]
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
    assert first.content + second.content == body.content


@given(st.integers(1, 20), st.integers(1, 400), st.integers(0, 100))
def test_pieces_are_the_whole_and_as_small_as_asked(count: int, bytes_max: int, padding: int) -> None:
    body = Lines("i", tuple(range(count)), padding)
    cut = list(pieces(body, bytes_max))
    assert b"".join(piece.content for piece in cut) == body.content
    assert all(len(piece.content) <= bytes_max or len(piece) == 1 for piece in cut)
