"""The mapping against a real Elasticsearch: everything is found, by every name, in the ways that people ask."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.setup.documents import BY_TYPE, aliases, concrete, nested, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Index
    from shipper.elastic import Client

UNSEARCHED = {"event.original", "event.original_base64"}
OBJECTS = {name: f"{name}.team" for name in ("labels", "haproxy.http.request.headers", "haproxy.http.response.headers")}
OLD_FORMAT = {"properties": {"@timestamp": {"type": "date_nanos", "format": "yyyy-MM-dd HH:mm:ss.SSSSSS"}}}
PYTHON_DATE = datetime(2026, 11, 21, 1, 2, 3)  # noqa: DTZ001 -- a date without a zone, as the old loader had it


@pytest.fixture
def filled(client: Client, installed: Index) -> str:
    """The name of an index that holds one document with every field."""
    return filled_with(client, installed, whole())


def filled_with(client: Client, index: Index, *documents: dict[str, Any]) -> str:
    name = f"{index.prefix}-2026.11.21"
    for document in documents:
        status, answer = client.request("POST", f"/{name}/_doc?refresh=true", document)
        assert status == 201, answer
    return name


def search(client: Client, name: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 -- JSON
    status, answer = client.request("POST", f"/{name}/_search", body)
    assert status == 200, answer
    return answer


def found(client: Client, name: str, query: dict[str, object]) -> int:
    hits: int = search(client, name, {"query": query})["hits"]["total"]["value"]
    return hits


def query_for(name: str, kind: str) -> dict[str, object]:
    """Ask for the value that the whole document has in this field."""
    value = BY_TYPE[kind]
    match kind:
        case "geo_point":
            return {"geo_distance": {"distance": "1km", name: value}}
        case "text":
            return {"match": {name: "words"}}
        case "object":
            return {"term": {OBJECTS[name]: "payments"}}
        case _:
            return {"term": {name: value}}


def test_every_field_is_found_by_its_name(client: Client, filled: str) -> None:
    fields = {name: kind for name, kind in concrete().items() if name not in UNSEARCHED}
    assert [name for name, kind in fields.items() if found(client, filled, query_for(name, kind)) != 1] == []


def test_every_name_of_elastics_integration_queries_sorts_aggregates_and_is_fetched(
    client: Client, filled: str
) -> None:
    types = concrete()
    for alias, target in aliases().items():
        body = {
            "query": query_for(alias, types[target]),
            "sort": [{alias: "asc"}],
            "fields": [alias],
            "aggs": {"values": {"terms": {"field": alias}}},
        }
        answer = search(client, filled, body)
        assert answer["hits"]["hits"][0]["fields"] == {alias: [BY_TYPE[types[target]]]}
        assert answer["aggregations"]["values"]["buckets"][0]["doc_count"] == 1


def test_names_of_elastics_integration_are_known_to_the_mapping() -> None:
    ours = {**concrete(), **aliases(), "haproxy.http.request.captured_headers": "keyword"}
    integration = """
        backend_name backend_queue bind_name bytes_read connection_wait_time_ms error_message frontend_name mode
        server_name server_queue source termination_state time_backend_connect time_queue total_waiting_time_ms
        connections.active connections.backend connections.frontend connections.retries connections.server
        http.request.captured_cookie http.request.captured_headers http.request.raw_request_line
        http.request.time_wait_ms http.request.time_wait_without_data_ms
        http.response.captured_cookie http.response.captured_headers tcp.connection_waiting_time_ms
    """
    assert {f"haproxy.{name}" for name in integration.split()} <= set(ours)


def test_raw_lines_are_kept_and_not_indexed(client: Client, filled: str) -> None:
    status, answer = client.request("POST", f"/{filled}/_search", {"query": {"term": {"event.original": "word"}}})
    assert status == 400, answer
    [hit] = search(client, filled, {"query": {"match_all": {}}})["hits"]["hits"]
    assert hit["_source"]["event"]["original"] == "word"


def test_what_is_not_in_the_mapping_is_kept_and_makes_no_field(client: Client, installed: Index) -> None:
    name = filled_with(client, installed, nested({"nobody.knows": "this", "haproxy.unknown": 1}))
    [hit] = search(client, name, {})["hits"]["hits"]
    assert hit["_source"] == {"nobody": {"knows": "this"}, "haproxy": {"unknown": 1}}
    assert found(client, name, {"exists": {"field": "nobody.knows"}}) == 0


def test_labels_and_headers_become_keywords_whatever_they_look_like(client: Client, installed: Index) -> None:
    values = ["2026-11-21", "17", "true", "word"]
    documents = [nested({"labels.a": v, "haproxy.http.request.headers.x_a": v}) for v in values]
    name = filled_with(client, installed, *documents)
    for field in ("labels.a", "haproxy.http.request.headers.x_a"):
        assert [found(client, name, {"term": {field: value}}) for value in values] == [1, 1, 1, 1]


def test_more_labels_than_the_mapping_can_hold_are_kept_in_the_source(client: Client, installed: Index) -> None:
    documents = [nested({f"labels.l{number}_{part}": "v" for number in range(64)}) for part in range(16)]
    name = filled_with(client, installed, *documents)
    assert found(client, name, {"match_all": {}}) == 16
    assert found(client, name, {"exists": {"field": "labels.l0_0"}}) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"range": {"@timestamp": {"gte": "2026-11-21"}}},
        {"range": {"@timestamp": {"gte": "2026-11-21", "lt": "2026-11-22"}}},
        {"range": {"@timestamp": {"gte": "2026-11-21T01:02:03.000Z", "lte": "2026-11-21T01:02:03.000Z"}}},
        {"range": {"@timestamp": {"gte": 1795222923000, "lt": 1795222923001}}},
        {"range": {"@timestamp": {"gte": "2026-11-21T02:02:03+01:00", "lt": "2026-11-21||+1d/d"}}},
        {
            "bool": {
                "filter": [
                    {
                        "range": {
                            "@timestamp": {
                                "format": "strict_date_optional_time",
                                "gte": "2026-11-21T00:00:00.000Z",
                                "lte": "2026-11-21T23:59:59.999Z",
                            }
                        }
                    },
                    {"bool": {"should": [{"match": {"event.kind": "word"}}], "minimum_should_match": 1}},
                ]
            }
        },
        {"query_string": {"query": "@timestamp:[2026-11-21 TO 2026-11-22]"}},
        {"query_string": {"query": "@timestamp:>=2026-11-21 AND event.kind:word"}},
        {"term": {"@timestamp": "2026-11-21T01:02:03.000000Z"}},
    ],
)
def test_a_document_is_found_by_its_time_however_people_write_it(
    client: Client, filled: str, query: dict[str, object]
) -> None:
    assert found(client, filled, query) == 1


def test_the_timestamp_is_fetched_with_six_digits(client: Client, filled: str) -> None:
    [hit] = search(client, filled, {"fields": ["@timestamp"]})["hits"]["hits"]
    assert hit["fields"]["@timestamp"] == ["2026-11-21T01:02:03.000000Z"]


def test_percentiles_of_response_times_over_time(client: Client, installed: Index) -> None:
    moments = [f"2026-11-21T01:0{minute}:00.00000{minute}Z" for minute in (1, 2)]
    documents = [
        nested({"@timestamp": moment, "haproxy.time.total_ms": ms}) for moment in moments for ms in (10, 20, 1000)
    ]
    name = filled_with(client, installed, *documents, nested({"@timestamp": moments[0]}))
    percentiles = {
        "field": "haproxy.time.total_ms",
        "percents": [50, 99.9],
        "hdr": {"number_of_significant_value_digits": 3},
    }
    histogram = {
        "date_histogram": {"field": "@timestamp", "fixed_interval": "1m"},
        "aggs": {"total": {"percentiles": percentiles}},
    }
    buckets = search(client, name, {"size": 0, "aggs": {"time": histogram}})["aggregations"]["time"]["buckets"]
    assert [bucket["doc_count"] for bucket in buckets] == [4, 3]
    assert [round(bucket["total"]["values"]["50.0"]) for bucket in buckets] == [20, 20]
    assert [round(bucket["total"]["values"]["99.9"], -1) for bucket in buckets] == [1000, 1000]


def test_the_old_mapping_refuses_what_python_writes_on_a_full_second(client: Client, index: Index) -> None:
    """The fault that this project began with: `isoformat` leaves the digits out when they are zero."""
    name = f"{index.prefix}-old"
    client.request("PUT", f"/{name}", {"mappings": OLD_FORMAT})
    written = [PYTHON_DATE.replace(microsecond=us).isoformat(" ") for us in (1, 0)]
    assert written == ["2026-11-21 01:02:03.000001", "2026-11-21 01:02:03"]
    answers = [client.request("POST", f"/{name}/_doc", {"@timestamp": text}) for text in written]
    assert [status for status, _ in answers] == [201, 400]
    assert "failed to parse field [@timestamp]" in answers[1][1]["error"]["reason"]


def test_our_mapping_takes_a_full_second_like_any_other_moment(client: Client, installed: Index) -> None:
    texts = ["2026-11-21T01:02:03.000001Z", "2026-11-21T01:02:03.000000Z"]
    name = filled_with(client, installed, *({"@timestamp": text} for text in texts))
    answer = search(client, name, {"sort": [{"@timestamp": "asc"}]})
    assert [hit["_source"]["@timestamp"] for hit in answer["hits"]["hits"]] == sorted(texts)


def test_a_timestamp_that_is_none_is_refused_and_never_lost_from_view(client: Client, installed: Index) -> None:
    status, answer = client.request("POST", f"/{installed.prefix}-x/_doc", {"@timestamp": "yesterday"})
    assert status == 400
    assert answer["error"]["type"] == "document_parsing_exception"
