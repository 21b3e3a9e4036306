"""Kibana's tables: a text mark for every cell, because a Vega specification has no table.

A table's rows are in the order of the search; a cell that is not known is a dash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deploy.dashboards import _vega_queries as ask
from deploy.dashboards._vega import HEAD
from deploy.dashboards._vocabulary import LINES_MAX, PATHS_MAX, ROWS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]

_GREY: Final = "#768093"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and the Vega expression of a cell's text."""

    title: str
    text: str


def traffic(field: str) -> Json:
    """Show the most requested values of a field: their rate of requests, percentiles, errors, retries, queue."""
    source = ask.data("rows", ask.search(ask.rows(field, ROWS_MAX, ask.traffic_columns())), "aggregations.rows.buckets")
    return _table(source, _TRAFFIC, "datum.key")


def slowest(field: str) -> Json:
    """Show which of the most requested values of a field are the slowest, by p99."""
    found = ask.search(ask.rows(field, PATHS_MAX, ask.traffic_columns()))
    order: list[Json] = [
        {"calculate": f"datum.percentiles.values[{_P99}].value", "as": "p99"},
        {"window": [{"op": "row_number", "as": "place"}], "sort": [{"field": "p99", "order": "descending"}]},
        {"filter": f"datum.place <= {ROWS_MAX}"},
    ]
    return _table(ask.data("rows", found, "aggregations.rows.buckets"), _TRAFFIC, "datum.key", order, by="p99")


def lines(sort: str) -> Json:
    """Show single lines, the highest values of ``sort`` first."""
    source = ask.data("lines", ask.lines(sort, LINES_MAX), "hits.hits")
    return _table(source, _LINES, _AT, _numbered())


def events() -> Json:
    """Show HAProxy's own messages, the latest first."""
    columns = (Column("event", _source("event", "action")), Column("message", "datum._source.message"))
    return _table(ask.data("events", ask.events(LINES_MAX), "hits.hits"), columns, _AT, _numbered())


def _table(source: Json, columns: Sequence[Column], name: str, order: list[Json] | None = None, by: str = "") -> Json:
    cells = {f"c{place}": column for place, column in enumerate(columns)}
    titles = f"{json.dumps([column.title for column in columns])}[+slice(datum.label, 1)]"
    ordered = {"field": by, "order": "descending"} if by else None
    return {
        **HEAD,
        "data": source,
        "transform": [
            *(order or []),
            {"calculate": name, "as": "row"},
            *({"calculate": column.text, "as": cell} for cell, column in cells.items()),
            {"fold": list(cells), "as": ["column", "cell"]},
        ],
        "mark": {"type": "text", "color": _GREY, "limit": 300},
        "encoding": {
            "y": {"field": "row", "type": "nominal", "title": None, "sort": ordered, "axis": _ROW_AXIS},
            "x": {
                "field": "column",
                "type": "nominal",
                "sort": list(cells),
                "title": None,
                "axis": {**_COLUMN_AXIS, "labelExpr": titles},
            },
            "text": {"field": "cell", "type": "nominal"},
            "tooltip": [{"field": "row", "title": "row"}, {"field": "cell", "title": "value"}],
        },
    }


def _number(value: str) -> str:
    return f"isValid({value}) ? format({value}, ',d') : '-'"


def _source(*path: str) -> str:
    """Give a value of a line's document, a dash where it has none."""
    steps = ["datum._source"]
    for step in path:
        steps.append(f"{steps[-1]}['{step}']")
    return f"{' && '.join(steps)} || '-'"


def _numbered() -> list[Json]:
    return [{"window": [{"op": "row_number", "as": "place"}]}]


_ROW_AXIS: Final = {"labelLimit": 320, "ticks": False, "domain": False, "grid": False}
_COLUMN_AXIS: Final = {"orient": "top", "labelAngle": 0, "domain": False, "ticks": False, "labelPadding": 6}
_P99: Final = 2
"""The place of the 99th percentile among those of a row."""
_AT: Final = "format(datum.place, '02d') + '  ' + utcFormat(toDate(datum._source['@timestamp']), '%m-%d %H:%M:%S.%L')"

_TRAFFIC: Final = (
    Column("requests", _number("datum.doc_count")),
    *(
        Column(title, _number(f"datum.percentiles.values[{place}].value"))
        for place, title in enumerate(("p50 ms", "p75 ms", "p99 ms", "p99.9 ms"))
    ),
    Column("with timer", _number("datum.population.value")),
    Column("5xx", _number("datum.errors.doc_count")),
    Column("retries", _number("datum.retries.value")),
    Column("queue, most", _number("datum.queue.value")),
)

_LINES: Final = (
    Column("status", _source("http", "response", "status_code")),
    Column("ms", "'' + datum._source.haproxy.time.total_ms"),
    Column("state", _source("haproxy", "termination_state")),
    Column("frontend", _source("haproxy", "frontend_name")),
    Column("backend", _source("haproxy", "backend_name")),
    Column("server", _source("haproxy", "server_name")),
    Column("method", _source("http", "request", "method")),
    Column("path", f"slice({_source('url', 'path')}, 0, 48)"),
)
