"""Who and what: backends and servers, paths, clients, TLS versions, and the values that filters can have.

1. A row's percentiles are of the view's phase; its other numbers are of all its lines.
2. Candidates are found first, cheaply; percentiles are then counted for these alone (`breadth_first`). The slowest
   paths are so looked for among those with the largest maximum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shipper.limits import (
    PANEL_BACKENDS_MAX,
    PANEL_CANDIDATES_MAX,
    PANEL_CLIENTS_MAX,
    PANEL_SERVERS_MAX,
    PANEL_VALUES_MAX,
)
from shipper.query._percentiles import Percents, phase_aggregations, read_phase
from shipper.query._population import Dimension, Filters
from shipper.query.panels._search import Panel, count_of, counting, failed, total, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.query._percentiles import Aggregations
    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

_SHOWN: Final = Percents.parse("50,75,99,99.9")
_NAMES: Final = ("p50", "p75", "p99", "p99_9")
_DIGITS: Final = 2
"""Of the histograms in a table: there may be thousands, and a row is read to within a percent."""
_TLS_VERSIONS_MAX: Final = 20


def _terms(field: str, size: int, aggregations: Aggregations, order: str = "_count") -> JSON:
    terms = {"field": field, "size": size, "collect_mode": "breadth_first", "order": {order: "desc"}}
    return {"terms": terms, "aggs": aggregations} if aggregations else {"terms": terms}


def _beyond(answer: Mapping[str, Any]) -> int:
    return int(answer["sum_other_doc_count"])


# -- backends and servers --------------------------------------------------------------------------------------------


def _backends(view: View) -> JSON:
    wanted: dict[str, Any] = {
        **phase_aggregations(view.phase, _SHOWN, _DIGITS),
        "errors": {"filter": failed()},
        "retries": {"sum": {"field": "haproxy.connections.retries"}},
        "redispatched": {"filter": {"term": {"haproxy.redispatched": True}}},
        "backend_queue": {"max": {"field": "haproxy.backend_queue"}},
        "server_queue": {"max": {"field": "haproxy.server_queue"}},
    }
    servers = _terms(Dimension.SERVER.field, PANEL_SERVERS_MAX, wanted)
    backends = _terms(Dimension.BACKEND.field, PANEL_BACKENDS_MAX, {**wanted, "servers": servers})
    return counting(view, {"backends": backends})


def _read_backends(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]["backends"]
    rows = []
    for bucket in found["buckets"]:
        servers = [_backend(view, bucket["key"], server["key"], server) for server in bucket["servers"]["buckets"]]
        rows.append({**_backend(view, bucket["key"], None, bucket), "servers": servers})
    return {"phase": view.phase, "lines": total(answer), "rows": rows, "more": _beyond(found)}


def _backend(view: View, backend: str, server: str | None, bucket: JSON) -> JSON:
    requests, errors = count_of(bucket), count_of(bucket["errors"])
    queues = [whole(bucket[queue]["value"]) for queue in ("backend_queue", "server_queue")]
    return {
        "backend": backend,
        "server": server,
        "requests": requests,
        "rate": requests / view.seconds,
        **_percentiles(view, bucket),
        "errors": errors,
        "error_share": errors / requests,
        "retries": whole(bucket["retries"]["value"]),
        "redispatched": count_of(bucket["redispatched"]),
        "queue_max": max((queue for queue in queues if queue is not None), default=None),
    }


def _percentiles(view: View, bucket: JSON) -> JSON:
    found = read_phase(bucket, view.phase, _SHOWN)
    return {"population": found.population, **dict(zip(_NAMES, found.values, strict=True))}


# -- paths -----------------------------------------------------------------------------------------------------------


def _paths(view: View) -> JSON:
    wanted = {**phase_aggregations(view.phase, _SHOWN, _DIGITS), "errors": {"filter": failed()}}
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
            **_percentiles(view, bucket),
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
    wanted = {**phase_aggregations(view.phase, _SHOWN, _DIGITS), "errors": {"filter": failed()}}
    return counting(view, {"clients": _terms("source.address", PANEL_CLIENTS_MAX, wanted)})


def _read_clients(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]["clients"]
    rows = [
        {
            "address": bucket["key"],
            "requests": count_of(bucket),
            "errors": count_of(bucket["errors"]),
            "p75": _percentiles(view, bucket)["p75"],
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
    "backends": Panel(_backends, _read_backends),
    "paths": Panel(_paths, _read_paths),
    "clients": Panel(_clients, _read_clients),
    "tls": Panel(_tls, _read_tls),
    "values": Panel(_values, _read_values),
}
