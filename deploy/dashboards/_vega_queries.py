"""Searches as Kibana's Vega sends them: plain Elasticsearch, with Kibana's words for time range and filters.

1. The lines that count are those of ``shipper.query.population_query``; the dashboard's filters and range are put in
   front of its clauses by Kibana.
2. Nothing asked for is missing in a small Elasticsearch: no scripts, no pipeline aggregations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deploy.dashboards._vocabulary import EVENTS, INDEX
from shipper.query import USUAL, Filters, Percents, Phase, Span, percentiles_aggregation, population_query

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

SLOTS: Final = 100
"""About so many slots on a time axis; Kibana rounds."""
_LINES: Final = population_query(Filters(), Span())["bool"]
_EVENT: Final = {"term": {"haproxy.line": "event"}}
_SHORT: Final = Percents.parse("50,75,99,99.9")


def data(name: str, search: Json, found_at: str) -> Json:
    """Name what a search finds at a place in its answer."""
    return {"name": name, "url": search, "format": {"property": found_at}}


def search(aggs: Mapping[str, Any], *clauses: Json, shift_days: int = 0) -> Json:
    """Aggregate the lines that count, or those that fit ``clauses`` as well, so many days earlier or later."""
    return _search({"size": 0, "aggs": dict(aggs)}, [*_LINES["filter"], *clauses], _LINES["must_not"], shift_days)


def lines(sort: str, size: int) -> Json:
    """Give single lines, the highest values of ``sort`` first."""
    body = {"size": size, "sort": [{sort: "desc"}]}
    return _search(body, [*_LINES["filter"], {"exists": {"field": sort}}], _LINES["must_not"])


def events(size: int, *actions: str) -> Json:
    """Give HAProxy's own messages, the latest first."""
    clauses: list[Json] = [_EVENT, *([{"terms": {"event.action": list(actions)}}] if actions else [])]
    return _search({"size": size, "sort": [{"@timestamp": "desc"}]}, clauses, [])


def marks() -> Json:
    """Give the events that are marks on time axes."""
    return events(200, *(action for actions, _ in EVENTS.values() for action in actions))


def slots(aggs: Mapping[str, Any], shift_days: int = 0) -> Json:
    """Split by time; empty slots are there as well."""
    bounds = {name: {"%timefilter%": name, **_shift(shift_days)} for name in ("min", "max")}
    histogram = {
        "field": "@timestamp",
        "interval": {"%autointerval%": SLOTS},
        "extended_bounds": bounds,
        "min_doc_count": 0,
    }
    return {"slots": {"date_histogram": histogram, "aggs": dict(aggs)}}


def timer(phase: Phase, percents: Percents = USUAL) -> Json:
    """Give a phase's percentiles, largest value and population."""
    return {
        "percentiles": percentiles_aggregation(phase.field, percents),
        "max": {"max": {"field": phase.field}},
        "population": {"value_count": {"field": phase.field}},
    }


def rows(field: str, size: int, aggs: Mapping[str, Any] | None = None) -> Json:
    """Give the most frequent values of a field; of the lines without it, nothing."""
    return {"rows": {"terms": {"field": field, "size": size}, **({"aggs": dict(aggs)} if aggs else {})}}


def traffic_columns() -> Json:
    """Give what a row of a table of backends, servers or paths tells."""
    return {
        **timer(Phase.TOTAL, _SHORT),
        "errors": {"filter": {"range": {"http.response.status_code": {"gte": 500, "lt": 600}}}},
        "retries": {"sum": {"field": "haproxy.connections.retries"}},
        "queue": {"max": {"field": "haproxy.backend_queue"}},
    }


def _search(body: Json, clauses: list[Any], must_not: list[Any], shift_days: int = 0) -> Json:
    in_time = {"range": {"@timestamp": {"%timefilter%": True, **_shift(shift_days)}}}
    query = {
        "must": ["%dashboard_context-must_clause%", in_time],
        "filter": ["%dashboard_context-filter_clause%", *clauses],
        "must_not": ["%dashboard_context-must_not_clause%", *must_not],
    }
    return {"index": INDEX, "body": {**body, "query": {"bool": query}}}


def _shift(days: int) -> Json:
    return {"shift": days, "unit": "day"} if days else {}
