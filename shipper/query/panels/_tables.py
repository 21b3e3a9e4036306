"""Who and what: paths, clients, TLS versions, and the values that filters can have.

1. A row's percentiles are of the view's phase; its other numbers are of all its lines.
2. Candidates are found first, cheaply; percentiles are then counted for these alone (`breadth_first`). The slowest
   paths are so looked for among those with the largest maximum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shipper.limits import (
    PANEL_CANDIDATES_MAX,
    PANEL_CLIENTS_MAX,
    PANEL_VALUES_MAX,
)
from shipper.query._population import Dimension, Filters
from shipper.query.panels._latency import row_aggregations, row_percentiles
from shipper.query.panels._search import Panel, count_of, counting, failed, total

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.query._percentiles import Aggregations
    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

_TLS_VERSIONS_MAX: Final = 20


def _terms(field: str, size: int, aggregations: Aggregations, order: str = "_count") -> JSON:
    terms = {"field": field, "size": size, "collect_mode": "breadth_first", "order": {order: "desc"}}
    return {"terms": terms, "aggs": aggregations} if aggregations else {"terms": terms}


def _beyond(answer: Mapping[str, Any]) -> int:
    return int(answer["sum_other_doc_count"])


# -- paths -----------------------------------------------------------------------------------------------------------


def _paths(view: View) -> JSON:
    wanted = {**row_aggregations(view), "errors": {"filter": failed()}}
    if view.order == "requests":
        paths = _terms(Dimension.PATH.field, view.limit, wanted)
    else:
        paths = _terms(Dimension.PATH.field, PANEL_CANDIDATES_MAX, wanted, order=f"{view.phase}_max")
    return counting(view, {"paths": paths})


def _read_paths(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]["paths"]
    rows = [
        {
            "path": bucket["key"],
            "requests": count_of(bucket),
            **row_percentiles(view, bucket),
            "errors": count_of(bucket["errors"]),
        }
        for bucket in found["buckets"]
    ]
    if view.order != "requests":
        rows = sorted((row for row in rows if row["population"]), key=_slowest)[: view.limit]
    return {"phase": view.phase, "lines": total(answer), "rows": rows, "more": _beyond(found)}


def _slowest(row: JSON) -> tuple[int, int]:
    return -row["p99"], -row["requests"]


# -- clients, TLS, values --------------------------------------------------------------------------------------------


def _clients(view: View) -> JSON:
    wanted = {**row_aggregations(view), "errors": {"filter": failed()}}
    return counting(view, {"clients": _terms("source.address", PANEL_CLIENTS_MAX, wanted)})


def _read_clients(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]["clients"]
    rows = [
        {
            "address": bucket["key"],
            "requests": count_of(bucket),
            "errors": count_of(bucket["errors"]),
            "p75": row_percentiles(view, bucket)["p75"],
        }
        for bucket in found["buckets"]
    ]
    return {"phase": view.phase, "lines": total(answer), "rows": rows, "more": _beyond(found)}


def _tls(view: View) -> JSON:
    return counting(view, {"versions": _terms("tls.version", _TLS_VERSIONS_MAX, {})})


def _read_tls(_view: View, answer: JSON) -> JSON:
    buckets = answer["aggregations"]["versions"]["buckets"]
    return {"lines": total(answer), "rows": [{"version": each["key"], "count": count_of(each)} for each in buckets]}


def _values(view: View) -> JSON:
    others = Filters({by: wanted for by, wanted in view.filters.wanted.items() if by is not view.by})
    return counting(replace(view, filters=others), {"values": _terms(view.by.field, PANEL_VALUES_MAX, {})})


def _read_values(_view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]["values"]
    rows = [{"value": str(bucket["key"]), "count": count_of(bucket)} for bucket in found["buckets"]]
    return {"rows": rows, "more": _beyond(found)}


PANELS: Final = {
    "paths": Panel(_paths, _read_paths),
    "clients": Panel(_clients, _read_clients),
    "tls": Panel(_tls, _read_tls),
    "values": Panel(_values, _read_values),
}
