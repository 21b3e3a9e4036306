"""What HAProxy said of itself, as marks on the time axis: servers up and down, reloads.

1. Of the filters only backend and server count, and only for messages that name one: a reload concerns everybody.
2. Messages of one kind and of one second are one mark: a reload says a line for each proxy and worker.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from shipper.limits import PANEL_EVENTS_MAX
from shipper.query._compare import value_at
from shipper.query._population import Dimension
from shipper.query.panels._lines import time_of
from shipper.query.panels._search import Panel, total

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.query._population import Clause
    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

_KINDS: Final = {
    "server_up": "up",
    "server_down": "down",
    "no_server_available": "down",
    "server_maintenance": "other",
    "server_drain": "other",
    "server_changed": "other",
    "server_address_changed": "other",
    "proxy_started": "reload",
    "proxy_stopping": "reload",
    "proxy_stopped": "reload",
    "proxy_paused": "other",
    "proxy_resumed": "other",
    "proxy_limit_reached": "other",
    "worker_started": "reload",
    "worker_exited": "reload",
    "master_reloading": "reload",
    "master_exiting": "reload",
    "configuration_loaded": "reload",
    "configuration_refused": "reload",
}
"""What becomes a mark. Failed checks and handshakes do not: a busy site has thousands."""
_SHOWN: Final = ["event.action", "message", "haproxy.proxy_name", "haproxy.frontend_name", "haproxy.backend_name"]
_SECOND_MS: Final = 1_000


def _events(view: View) -> JSON:
    wanted: list[Clause] = [
        {"term": {"haproxy.line": "event"}},
        {"terms": {"event.action": list(_KINDS)}},
        *view.asked.span.clauses(),
        *(_named(view, by) for by in (Dimension.BACKEND, Dimension.SERVER) if by in view.filters.wanted),
    ]
    return {
        "size": PANEL_EVENTS_MAX,
        "track_total_hits": True,
        "query": {"bool": {"filter": wanted}},
        "sort": [{"@timestamp": "desc"}],
        "_source": [*_SHOWN, "haproxy.server_name"],
        "fields": [{"field": "@timestamp", "format": "epoch_millis"}],
    }


def _named(view: View, by: Dimension) -> Clause:
    """Give the clause of what is about one of the wanted, or about none at all."""
    about_none = {"bool": {"must_not": {"exists": {"field": by.field}}}}
    wanted = {"terms": {by.field: list(view.filters.wanted[by])}}
    return {"bool": {"should": [wanted, about_none], "minimum_should_match": 1}}


def _read_events(view: View, answer: JSON) -> JSON:
    hits = answer["hits"].get("hits", [])
    return {"marks": list(_together(_mark(view, hit) for hit in hits)), "more": total(answer) - len(hits)}


def _mark(view: View, hit: JSON) -> JSON:
    said = hit.get("_source", {})
    action = value_at(said, "event.action")
    backend = value_at(said, "haproxy.backend_name")
    return {
        "time": time_of(hit) + view.shift_ms,
        "action": action,
        "kind": _KINDS.get(str(action), "other"),
        "proxy": value_at(said, "haproxy.proxy_name") or value_at(said, "haproxy.frontend_name") or backend,
        "backend": backend,
        "server": value_at(said, "haproxy.server_name"),
        "text": value_at(said, "message") or action,
        "count": 1,
    }


def _together(marks: Iterator[JSON]) -> Iterator[JSON]:
    """Make one mark of those that say the same of different proxies; they come in the order of time."""

    def same(mark: JSON) -> tuple[Any, ...]:
        about = (mark["backend"], mark["server"]) if mark["kind"] != "reload" else ()
        return mark["time"] // _SECOND_MS, mark["kind"], about

    for _, group in groupby(marks, same):
        first, *others = group
        texts = dict.fromkeys(mark["text"] for mark in (first, *others))
        more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
        yield {**first, "text": f"{first['text']}{more}", "count": len(others) + 1}


PANELS: Final = {"events": Panel(_events, _read_events)}
