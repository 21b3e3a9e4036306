"""Every query of Grafana's dashboards, run against a real Elasticsearch as the data source would ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from shipper.query import USUAL, Filters, Phase, Span, percentiles_aggregation, population_query
from tests.dashboards.grafana_source import body, interpolate, several, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dashboards.conftest import Filled

FOLDER: Final = Path(__file__).parents[2] / "dashboards" / "grafana"
BOARDS: Final[dict[str, dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
    if path.stem != "shipper"
}


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {each["name"]: each for each in board["templating"]["list"]}
    return found


def defaults(board: dict[str, Any]) -> dict[str, str]:
    """Give the value of each variable when a dashboard is opened."""
    return {
        name: str(
            each["allValue"] if each.get("includeAll") else each.get("current", {}).get("value", each.get("query"))
        )
        for name, each in variables(board).items()
    }


def panels() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield f"{name}: {panel['title']}", board, target


EVERY: Final = list(panels())


@pytest.mark.parametrize(("board", "target"), [case[1:] for case in EVERY], ids=[case[0] for case in EVERY])
def test_a_panels_query_is_answered_with_data(board: dict[str, Any], target: dict[str, Any], filled: Filled) -> None:
    answer = filled.search(body(target, filled, defaults(board)))
    understood = "haproxy.line:unparsed" not in target["query"]
    assert (answer["hits"]["total"]["value"] > 0) is understood
    for bucket in target.get("bucketAggs", [])[:1]:
        assert answer["aggregations"][bucket["id"]]["buckets"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_variables_offer_the_values_that_are_there(board: dict[str, Any], filled: Filled) -> None:
    for name, each in variables(board).items():
        if each["type"] == "query":
            asked = json.loads(each["query"])
            buckets = filled.search(variable(asked, filled, defaults(board)))["aggregations"]["1"]["buckets"]
            assert buckets, name


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_marks_are_searches_that_find_events(board: dict[str, Any], filled: Filled) -> None:
    assert [mark["name"] for mark in board["annotations"]["list"]] == ["down", "up", "reload"]
    for mark in board["annotations"]["list"]:
        found = filled.search({"query": {"query_string": {"query": mark["query"]}}, "size": 1})["hits"]["hits"]
        assert found[0]["_source"]["message"]
        assert found[0]["_source"]["event"]["action"]


def test_lines_that_lack_a_filtered_field_stay_as_long_as_the_filter_is_not_set(filled: Filled) -> None:
    board = BOARDS["overview"]
    [requests] = [panel for panel in board["panels"] if panel.get("title", "").startswith("Requests by class")]
    grafana = filled.search(body(requests["targets"][0], filled, defaults(board)) | {"track_total_hits": True})
    span = Span(filled.from_ms * 1_000, filled.to_ms * 1_000 + 1_000)
    page = filled.search({"query": population_query(Filters(), span), "track_total_hits": True, "size": 0})
    assert grafana["hits"]["total"] == page["hits"]["total"]


def test_the_chosen_values_of_all_variables_narrow_the_lines(filled: Filled) -> None:
    board = BOARDS["overview"]
    chosen = {"frontend": several("www", "api"), "backend": several("shop"), "server": several("shop-1", "shop-2")}
    chosen |= {"method": several("GET"), "path": several("/item/*"), "status": "http.response.status_code:[200 TO 299]"}
    [requests] = [panel for panel in board["panels"] if panel.get("title", "").startswith("Requests by class")]
    target = requests["targets"][0]
    grafana = filled.search(body(target, filled, defaults(board) | chosen) | {"track_total_hits": True})
    servers = ["frontend:www", "frontend:api", "backend:shop", "server:shop-1", "server:shop-2"]
    wanted = Filters.parse([*servers, "method:GET", "path:/item/*", "status:2xx"])
    span = Span(filled.from_ms * 1_000, filled.to_ms * 1_000 + 1_000)
    page = filled.search({"query": population_query(wanted, span), "track_total_hits": True, "size": 0})
    assert grafana["hits"]["total"] == page["hits"]["total"]
    assert page["hits"]["total"]["value"] > 0


def test_of_several_lines_of_one_request_the_closing_one_counts(filled: Filled) -> None:
    [lucene] = {
        target["query"].partition(" AND (haproxy.frontend")[0]
        for _, _, target in EVERY
        if "${status" in target["query"]
    }
    steps = {None: True, "close": True, "txn_close": True, "accept": False}
    path = f"/{filled.prefix}-steps"
    for step in steps:
        told = {"line": "traffic"} | ({"log_step": step} if step else {})
        document = {"@timestamp": "2020-01-01T00:00:00.000000Z", "haproxy": told}
        assert filled.client.request("POST", f"{path}/_doc?refresh=true", document)[0] == 201
    status, answer = filled.client.request("POST", f"{path}/_search", {"query": {"query_string": {"query": lucene}}})
    assert status == 200
    found = {hit["_source"]["haproxy"].get("log_step") for hit in answer["hits"]["hits"]}
    assert found == {step for step, counts in steps.items() if counts}


@pytest.mark.parametrize("phase", Phase)
def test_percentiles_are_those_of_the_page(phase: Phase, filled: Filled) -> None:
    board = BOARDS["phases"]
    [target] = [
        t for p in board["panels"] for t in p.get("targets", []) if t["query"].endswith(f"_exists_:{phase.field}")
    ][:1]
    [metric] = [each for each in target["metrics"] if each["type"] == "percentiles"]
    span = Span(filled.from_ms * 1_000, filled.to_ms * 1_000 + 1_000)
    page = {
        "query": population_query(Filters(), span, phase),
        "aggs": {"p": percentiles_aggregation(phase.field, USUAL)},
    }
    wanted = {each["key"]: each["value"] for each in filled.search(page | {"size": 0})["aggregations"]["p"]["values"]}
    asked = body(target | {"bucketAggs": []}, filled, defaults(board))
    found = filled.search(asked)["aggregations"][metric["id"]]["values"]
    assert {float(name): value for name, value in found.items()} == wanted


def test_a_value_with_quotes_is_a_value_and_never_a_query() -> None:
    assert interpolate("(x:$backend)", {"backend": several('a" OR *:*')}) == '(x:("a\\" OR *:*"))'
