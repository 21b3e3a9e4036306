"""The lines themselves: the latest or the slowest, and one of them as `shipper explain` reads it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from shipper.haproxy.explain import explain, read_document
from shipper.query._compare import value_at
from shipper.query._population import Dimension
from shipper.query.panels._search import Panel
from shipper.query.panels._traffic import state_in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

_SHOWN: Final = {
    "frontend": Dimension.FRONTEND.field,
    "backend": Dimension.BACKEND.field,
    "server": Dimension.SERVER.field,
    "status": Dimension.STATUS.field,
    "method": Dimension.METHOD.field,
    "path": "url.path",
    "total_ms": "haproxy.time.total_ms",
    "termination": Dimension.TERMINATION.field,
}


def _lines(view: View) -> JSON:
    bounds = {"gte": view.at_least_ms, "lt": view.below_ms}
    within = {name: value for name, value in bounds.items() if value is not None}
    slowest = view.order == "slowest"
    query = view.query(view.phase if slowest else None)
    newest = {"@timestamp": "desc"}
    return {
        "size": view.limit,
        "track_total_hits": False,
        "query": {"bool": {"filter": [query, {"range": {view.phase.field: within}}]}} if within else query,
        "sort": [{view.phase.field: "desc"}, newest] if slowest else [newest],
        "_source": [*_SHOWN.values(), view.phase.field],
        "fields": [{"field": "@timestamp", "format": "epoch_millis"}],
    }


def _read_lines(view: View, answer: JSON) -> JSON:
    return {"phase": view.phase, "rows": [_line(view, hit) for hit in answer["hits"].get("hits", [])]}


def _line(view: View, hit: JSON) -> JSON:
    source = hit.get("_source", {})
    row = {name: value_at(source, field) for name, field in _SHOWN.items()}
    return {
        "index": hit["_index"],
        "id": hit["_id"],
        "time": time_of(hit),
        **row,
        "phase_ms": value_at(source, view.phase.field),
        "words": None if row["termination"] is None else state_in_words(str(row["termination"])),
    }


def time_of(hit: JSON) -> int:
    """Give a document's time in milliseconds since 1970; what is below them is left out."""
    return int(str(hit["fields"]["@timestamp"][0]).partition(".")[0])


def read_line(document: Mapping[str, Any], aliases: Mapping[str, Collection[str]]) -> JSON:
    """Give one line as `shipper explain` reads it; ``aliases`` are those of each known format, by its name."""
    shown = {"document": document, "original": value_at(document, "event.original")}
    try:
        record = read_document(document)
    except ValidationError:
        return {**shown, "reading": None, "why": "This document was not written by this version of shipper."}
    said = asdict(explain(record, aliases.get(record.log_format or "", ())))
    return {**shown, "reading": {**said, "time": record.timestamp, "known": record.line != "unparsed"}}


PANELS: Final = {"lines": Panel(_lines, _read_lines)}
