"""What makes two documents the same, and how they differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.encode import Encoder
from shipper.query._compare import by_line_alone, differences, key, pair_key, text_key, value_at
from shipper.query._findings import Difference
from tests.query.lines import RECEIVED_US, SAMPLES, captured, line, live, settings, write

if TYPE_CHECKING:
    from pathlib import Path

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
documents = st.dictionaries(
    st.sampled_from(["@timestamp", "event", "haproxy", "log", "message", "source", "observer", "x"]), values
)
CONFIG = settings("http://127.0.0.1:1", "test")
ENCODER = Encoder(CONFIG.interpretation())


def document(raw: bytes = line(1)) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(live(ENCODER, raw)[1])
    return made


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_line_has_the_same_key_in_whatever_way_it_came(sample: Path) -> None:
    for made in captured(CONFIG, sample):
        came = json.loads(live(ENCODER, made.raw)[1])
        assert key(came) == key(json.loads(made.document)), made.raw
        assert pair_key(came) == pair_key(json.loads(made.document))


def test_a_line_that_came_years_late_has_the_same_key() -> None:
    late = json.loads(live(ENCODER, line(1), RECEIVED_US + 3 * 365 * 86_400_000_000)[1])
    assert late["haproxy"]["time_suspect"]
    assert key(late) == key(document())


def test_a_name_that_is_only_the_senders_address_does_not_count(tmp_path: Path) -> None:
    bare = line(1).partition(b"]: ")[2]
    (made,) = captured(CONFIG, write(tmp_path / "a", [bare]))
    assert document(bare)["observer"]["name"] == "198.51.100.9"
    assert key(document(bare)) == key(json.loads(made.document))


def test_a_name_from_the_header_counts() -> None:
    named = document(line(1).replace(b" haproxy[", b" lb1 haproxy["))
    assert named["observer"]["name"] == "lb1"
    assert key({**named, "observer": {**named["observer"], "name": "lb2"}}) != key(named)


@pytest.mark.parametrize(
    ("path", "value"),
    [("@timestamp", "2026-11-21T05:02:01.002000Z"), ("source", {"address": "192.0.2.45"}), ("labels", {"a": "b"})],
)
def test_another_value_in_any_field_of_traffic_is_another_key(path: str, value: object) -> None:
    assert key({**document(), path: value}) != key(document())


def test_what_was_not_understood_is_compared_by_its_bytes_alone() -> None:
    one, other = document(b"what is this"), document(b"what is that")
    assert key({**one, "error": {"message": "in other words"}, "@timestamp": "later"}) == key(one) != key(other)


def test_bytes_that_are_not_text_are_compared_exactly() -> None:
    assert key(document(b"\xff what")) != key(document(b"\xfe what"))


def test_one_request_keeps_its_second_key_when_it_is_altered() -> None:
    altered = {**document(), "http": {"response": {"status_code": 500}}}
    assert pair_key(altered) == pair_key(document()) is not None
    assert pair_key(document(line(2))) != pair_key(document())


def test_differences_name_each_field_with_both_values() -> None:
    expected = {"a": {"b": 1, "c": [1]}, "d": True}
    actual = {"a": {"b": 1, "c": [2]}, "d": 1, "e": None, "f": "x"}
    assert differences(expected, actual) == (
        Difference("a.c", [1], [2]),
        Difference("d", expected=True, actual=1),
        Difference("f", None, "x"),
    )


@given(documents, documents)
def test_documents_differ_in_no_field_only_when_they_are_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert differences(one, one) == ()
    assert key(one) == key(json.loads(json.dumps(one)))
    for difference in differences(one, other):
        assert json.dumps(difference.expected) != json.dumps(difference.actual)


@given(values)
def test_no_document_raises_whatever_others_wrote(anything: Any) -> None:  # noqa: ANN401 -- JSON can be anything
    for name in ("haproxy", "source", "event", "observer", "log"):
        odd = {name: anything, "@timestamp": anything}
        assert len(key(odd)) == 16
        pair_key(odd)
        by_line_alone(odd)


@pytest.mark.parametrize("source", [{"a": {"b": "x"}}, {"a.b": "x"}])
def test_a_field_is_found_by_its_path_or_by_its_dotted_name(source: dict[str, Any]) -> None:
    assert value_at(source, "a.b") == "x"
    assert value_at(source, "a.c") is None


@pytest.mark.parametrize(
    "text", [line(1).decode(), line(1).partition(b"]:")[2].decode(), line(1).partition(b"]: ")[2].decode() + "\n"]
)
def test_a_raw_line_is_its_message_with_the_header_or_without(text: str) -> None:
    assert text_key(text) == text_key(line(1)) != text_key(line(2))
