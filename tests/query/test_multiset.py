"""Lines and documents, counted against each other."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from shipper.query._multiset import DocumentKeys, Left, LineKeys, Multiset

keys = st.sampled_from([b"a", b"b", b"c", b"d"])
pairs = st.none() | st.sampled_from([b"1", b"2"])


def settled(lines: list[LineKeys], documents: list[DocumentKeys]) -> tuple[list[Left], list[tuple[str, str]]]:
    with closing(Multiset()) as counted:
        counted.add_lines(lines)
        counted.add_documents(documents)
        counted.settle()
        return list(counted.left_lines()), list(counted.surplus())


@given(st.lists(st.tuples(keys, pairs), max_size=12), st.lists(st.tuples(st.none() | keys, pairs), max_size=12))
def test_what_is_left_over_is_the_difference_of_the_two_counts(
    of_lines: list[tuple[bytes, bytes | None]], of_documents: list[tuple[bytes | None, bytes | None]]
) -> None:
    lines = [LineKeys(number, key, pair) for number, (key, pair) in enumerate(of_lines)]
    documents = [DocumentKeys("i", f"{n:02}", key, pair, counts=True) for n, (key, pair) in enumerate(of_documents)]
    left, surplus = settled(lines, documents)
    line_keys: Counter[bytes | None] = Counter(line.key for line in lines)
    document_keys = Counter(document.key for document in documents)
    left_keys: Counter[bytes | None] = Counter(lines[each.line].key for each in left)
    assert left_keys == line_keys - document_keys
    paired = [each.document for each in left if each.document is not None]
    over = [documents[int(id_)].key for _, id_ in [*surplus, *paired]]
    assert Counter(over) == document_keys - line_keys
    assert [each.line for each in left] == sorted(each.line for each in left)


def test_of_equal_lines_the_last_are_left_over() -> None:
    lines = [LineKeys(number, b"a", None) for number in range(3)]
    assert settled(lines, [DocumentKeys("i", "x", b"a", None, counts=True)]) == ([Left(1, None), Left(2, None)], [])


def test_what_is_left_over_on_both_sides_is_paired_one_with_one() -> None:
    lines = [LineKeys(number, b"%d" % number, b"p") for number in range(3)]
    documents = [DocumentKeys("i", id_, id_.encode(), b"p", counts=True) for id_ in ("x", "y")]
    left, surplus = settled(lines, documents)
    assert left == [Left(0, ("i", "x")), Left(1, ("i", "y")), Left(2, None)]
    assert surplus == []


def test_a_document_beyond_the_time_of_the_lines_is_taken_last_and_never_surplus() -> None:
    documents = [DocumentKeys("i", "x", b"a", None, counts=False), DocumentKeys("i", "y", b"a", None, counts=True)]
    assert settled([LineKeys(0, b"a", None)], documents) == ([], [])
    assert settled([], documents) == ([], [("i", "y")])
