"""Which lines count: filters and spans, said of documents and to Elasticsearch."""

from __future__ import annotations

import pytest

from shipper.errors import ConfigError
from shipper.query import Dimension, Filters, Phase, Span, counts, population_query

CLOSE = {"haproxy": {"line": "traffic", "log_step": "txn_close"}}


def of_status(status: int | None) -> dict[str, object]:
    return {"http": {"response": {"status_code": status} if status else {}}}


def test_values_of_one_filter_are_alternatives_and_filters_are_all_needed() -> None:
    filters = Filters.parse(["backend:shop", "backend:pay", "method:GET"])
    for backend, method, fits in [("shop", "GET", True), ("pay", "GET", True), ("cms", "GET", False)]:
        document = {"haproxy": {"backend_name": backend}, "http": {"request": {"method": method}}}
        assert filters.fit(document) is fits
    assert not filters.fit({"haproxy": {"backend_name": "shop"}})


@pytest.mark.parametrize(
    ("status", "fitting"),
    [("503", {503}), ("5xx", {500, 503, 599}), ("4XX", {404}), ("none", {None}), ("none 404", {None, 404})],
)
def test_a_status_is_a_code_or_a_class_or_none(status: str, fitting: set[int | None]) -> None:
    filters = Filters.of({"status": status.split()})
    assert {each for each in (None, 200, 404, 500, 503, 599) if filters.fit(of_status(each))} == fitting


@pytest.mark.parametrize(
    "text", ["", "status", "status:", "colour:red", "status:fast", "status:0xx", "status:6xx", "status:5x"]
)
def test_a_filter_that_is_none_says_what_is_expected(text: str) -> None:
    with pytest.raises(ConfigError, match="is expected"):
        Filters.parse([text])


def test_a_name_with_colons_is_a_value() -> None:
    assert Filters.parse(["frontend:a:b"]).wanted == {Dimension.FRONTEND: ("a:b",)}


def test_parameters_of_a_url_that_are_no_filters_are_none_of_ours() -> None:
    assert Filters.of({"from": ["now-1h"], "server": ["s1"]}) == Filters({Dimension.SERVER: ("s1",)})


def test_only_traffic_and_of_a_request_only_its_last_line_counts() -> None:
    assert counts({"haproxy": {"line": "traffic"}})
    assert counts(CLOSE)
    assert not counts({"haproxy": {"line": "traffic", "log_step": "txn_accept"}})
    assert not counts({"haproxy": {"line": "event"}})


def test_a_span_has_its_start_and_not_its_end() -> None:
    span = Span(10, 20)
    assert [us for us in (9, 10, 19, 20) if span.holds(us)] == [10, 19]
    assert Span().holds(0)


def test_the_query_names_the_span_the_filters_and_the_timer() -> None:
    query = population_query(Filters.parse(["status:503"]), Span(0), Phase.QUEUE)
    assert query["bool"]["filter"] == [
        {"term": {"haproxy.line": "traffic"}},
        {"range": {"@timestamp": {"gte": "1970-01-01T00:00:00.000000Z"}}},
        {"term": {"http.response.status_code": 503}},
        {"exists": {"field": "haproxy.time.queue_ms"}},
    ]
