from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.deliver._answers import Again, Failed, IndexHeld, Items, Refused, Remedy, read
from shipper.elastic import Answer


def answer(*items: dict[str, Any], status: int = 200) -> Answer:
    content = {"errors": any("error" in item for item in items), "items": [{"create": item} for item in items]}
    return Answer(status, json.dumps(content).encode())


def error(status: int, kind: str, reason: str = "because", **more: object) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason, **more}}


def verdict(item: dict[str, Any]) -> object:
    outcome = read(answer({"status": 201}, item), 2)
    assert isinstance(outcome, Items)
    return outcome.troubles.get(1, outcome)


def test_an_answer_without_errors_is_good_for_every_item() -> None:
    assert read(answer({"status": 201}, {"status": 200}), 2) == Items(0, {})


def test_a_conflict_on_create_is_a_success() -> None:
    assert verdict(error(409, "version_conflict_engine_exception")) == Items(1, {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "es_rejected_execution_exception"),
        (429, "circuit_breaking_exception"),
        (429, "cluster_block_exception"),
        (403, "cluster_block_exception"),
        (500, "whatever"),
        (502, ""),
        (503, "unavailable_shards_exception"),
        (400, "es_rejected_execution_exception"),
        (400, "resource_already_exists_exception"),
        (302, "nonsense"),
        (409, "some_other_conflict"),
    ],
)
def test_what_passes_by_itself_is_sent_again(status: int, kind: str) -> None:
    assert isinstance(verdict(error(status, kind)), Again)


@pytest.mark.parametrize(
    "kind", ["document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception"]
)
def test_what_speaks_of_the_document_is_refused_for_good(kind: str) -> None:
    assert isinstance(verdict(error(400, kind)), Refused)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "validation_exception"),
        (404, "index_not_found_exception"),
        (400, "index_closed_exception"),
        (403, "index_closed_exception"),
        (400, "invalid_index_name_exception"),
        (403, "security_exception"),
        (400, "illegal_argument_exception"),
        (404, "unheard_of"),
    ],
)
def test_what_speaks_of_the_index_holds_the_index(status: int, kind: str) -> None:
    assert isinstance(verdict(error(status, kind)), IndexHeld)


def test_an_illegal_argument_that_names_a_field_is_the_document_s() -> None:
    reason = 'Document contains at least one immense term in field="url.path" (whose UTF8 encoding is longer'
    outcome = verdict(error(400, "illegal_argument_exception", reason))
    assert isinstance(outcome, Refused)
    assert outcome.cause.field == "url.path"


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("failed to parse field [http.response.status_code] of type [short] in ...", "http.response.status_code"),
        ("mapping set to strict, dynamic introduction of [foo] within [_doc] is not allowed", "foo"),
        ("mapper [a.b] cannot be changed from type [long] to [text]", "a.b"),
        ("object mapping for [url] tried to parse as object, but found a concrete value", "url"),
        ("Validation Failed: 1: this action would add [2] shards", None),
    ],
)
def test_the_field_is_found_in_the_reason(reason: str, field: str | None) -> None:
    outcome = verdict(error(400, "document_parsing_exception", reason))
    assert isinstance(outcome, Refused)
    assert outcome.cause.field == field


def test_the_cause_tells_what_caused_it_down_to_the_root() -> None:
    inner = {"type": "illegal", "reason": "not an IP", "caused_by": {"type": "root", "reason": "x"}}
    outcome = verdict(error(400, "document_parsing_exception", "failed", caused_by=inner))
    assert isinstance(outcome, Refused)
    assert outcome.cause.caused_by == "illegal: not an IP; root: x"
    assert str(outcome.cause) == "document_parsing_exception: failed (illegal: not an IP; root: x)"


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, Remedy.HALVE),
        (404, Remedy.HALVE),
        (406, Remedy.HALVE),
        (413, Remedy.SHRINK),
        (401, Remedy.PAUSE),
        (403, Remedy.PAUSE),
        (408, Remedy.AGAIN),
        (429, Remedy.AGAIN),
        (500, Remedy.AGAIN),
        (502, Remedy.AGAIN),
        (503, Remedy.AGAIN),
        (504, Remedy.AGAIN),
        (301, Remedy.AGAIN),
    ],
)
def test_a_request_that_failed_as_a_whole_has_one_remedy(status: int, remedy: Remedy) -> None:
    outcome = read(Answer(status, b'{"error":{"type":"t","reason":"r"}}'), 3)
    assert isinstance(outcome, Failed)
    assert (outcome.remedy, outcome.cause.type, outcome.cause.reason) == (remedy, "t", "r")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"errors":false}',
        b'{"errors":false,"items":[{"create":{"status":201}}]}',
        b'{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}',
        b'{"errors":false,"items":[{},{}]}',
        b'{"items":[{},{}]}',
        b'{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":"201"}}]}',
        b'{"errors":true,"items":[{"create":{"status":201}},{"create":null}]}',
        b'{"errors":true,"items":[{"index":{"status":201}},{"create":{"status":201}}]}',
        b'{"errors":false,"items":[{"create":{"status":201}},{"create":{"sta',
    ],
)
def test_an_answer_that_does_not_fit_what_was_sent_is_a_failed_request(body: bytes) -> None:
    outcome = read(Answer(200, body), 2)
    assert isinstance(outcome, Failed)
    assert outcome.remedy is Remedy.AGAIN


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["items", "errors", "create"]), inner),
    max_leaves=20,
)
ITEM = st.fixed_dictionaries(
    {}, optional={"create": st.fixed_dictionaries({}, optional={"status": JSON, "error": JSON})}
)
LIKELY = st.fixed_dictionaries({"errors": st.booleans(), "items": st.lists(ITEM | JSON, max_size=4)})


@given(
    status=st.integers(0, 999),
    body=st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | LIKELY.map(lambda v: json.dumps(v).encode()),
    count=st.integers(1, 4),
)
def test_no_bytes_raise_and_no_verdict_is_given_on_what_was_not_sent(status: int, body: bytes, count: int) -> None:
    outcome = read(Answer(status, body), count)
    if isinstance(outcome, Items):
        assert 200 <= status < 300
        assert set(outcome.troubles) <= set(range(count))
        assert 0 <= outcome.already_there <= count - len(outcome.troubles)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (503, b"<html>", "status 503"),
        (503, b'{"error":{"type":"t","reason":"r"}}', "t: r"),
        (200, b"<html>", "unreadable_answer: the answer does not fit the 1 items that were sent"),
    ],
)
def test_what_is_said_of_a_whole_request_names_who_answered(status: int, body: bytes, told: str) -> None:
    outcome = read(Answer(status, body, "Elasticsearch (http://es:9200)"), 1)
    assert isinstance(outcome, Failed)
    assert str(outcome.cause) == f"{told}, from Elasticsearch (http://es:9200)"


def test_endless_nesting_is_an_unreadable_answer() -> None:
    assert isinstance(read(Answer(200, b"[" * 1_000_000), 1), Failed)
