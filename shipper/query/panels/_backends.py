"""The table of backends and their servers.

1. Percentiles and requests are of all lines. What is rare, errors, retries, queues, is found by the index first, and
   only then told apart: that takes a fraction of what a look at every line does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.limits import PANEL_BACKENDS_MAX, PANEL_SERVERS_MAX
from shipper.query._population import Dimension
from shipper.query.panels._latency import row_aggregations, row_percentiles
from shipper.query.panels._search import Panel, count_of, counting, failed, total, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from shipper.query._percentiles import Aggregations
    from shipper.query._population import Clause
    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

    _Name: TypeAlias = tuple[str, str | None]
    """Of a backend, or of a backend and its server."""

_WIDER: Final = 10
"""So many times as many backends are looked at for what is rare: who has most of it need not have most lines."""
_QUEUES: Final = ("haproxy.backend_queue", "haproxy.server_queue")
_RARE: Final[dict[str, tuple[Clause, Aggregations]]] = {
    "errors": (failed(), {}),
    "redispatched": ({"term": {"haproxy.redispatched": True}}, {}),
    "retries": (
        {"range": {"haproxy.connections.retries": {"gt": 0}}},
        {"sum": {"sum": {"field": "haproxy.connections.retries"}}},
    ),
    "queued": (
        {"bool": {"should": [{"range": {queue: {"gt": 0}}} for queue in _QUEUES], "minimum_should_match": 1}},
        {side: {"max": {"field": f"haproxy.{side}_queue"}} for side in ("backend", "server")},
    ),
}
"""Each as the lines that have it, and what is counted of these."""
_NONE: Final[JSON] = {"doc_count": 0, "sum": {"value": 0}, "backend": {"value": 0}, "server": {"value": 0}}


def _backends(view: View) -> JSON:
    rare = {name: {"filter": of, "aggs": _of_each(counted, times=_WIDER)} for name, (of, counted) in _RARE.items()}
    return counting(view, {**_of_each(row_aggregations(view)), **rare})


def _of_each(wanted: Aggregations, times: int = 1) -> Aggregations:
    """Give the aggregation by backends, and within these by servers."""
    servers = {"terms": {"field": Dimension.SERVER.field, "size": PANEL_SERVERS_MAX * times}, "aggs": wanted}
    backends = {"field": Dimension.BACKEND.field, "size": PANEL_BACKENDS_MAX * times}
    return {"backends": {"terms": backends, "aggs": {**wanted, "servers": servers}}}


def _read_backends(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]
    rare = {name: dict(_named(found[name])) for name in _RARE}
    rows: list[JSON] = []
    for name, bucket in _named(found):
        row = _backend(view, name, bucket, {kind: of[name] for kind, of in rare.items() if name in of})
        (rows if row["server"] is None else rows[-1]["servers"]).append(row)
    return {"phase": view.phase, "lines": total(answer), "rows": rows, "more": found["backends"]["sum_other_doc_count"]}


def _named(found: JSON) -> Iterator[tuple[_Name, JSON]]:
    """Give each backend's bucket by its name, followed by those of its servers."""
    for bucket in found["backends"]["buckets"]:
        yield (bucket["key"], None), bucket
        for server in bucket["servers"]["buckets"]:
            yield (bucket["key"], server["key"]), server


def _backend(view: View, name: _Name, bucket: JSON, rare: Mapping[str, JSON]) -> JSON:
    backend, server = name
    requests = count_of(bucket)
    errors = count_of(rare.get("errors", _NONE))
    queued = rare.get("queued", _NONE)
    return {
        "backend": backend,
        "server": server,
        "requests": requests,
        "rate": requests / view.seconds,
        **row_percentiles(view, bucket),
        "errors": errors,
        "error_share": errors / requests,
        "retries": whole(rare.get("retries", _NONE)["sum"]["value"]),
        "redispatched": count_of(rare.get("redispatched", _NONE)),
        "queue_max": max(int(queued[side]["value"] or 0) for side in ("backend", "server")),
        **({"servers": []} if server is None else {}),
    }


PANELS: Final = {"backends": Panel(_backends, _read_backends)}
