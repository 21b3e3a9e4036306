"""Kibana's saved objects: a data view, a visualization for every panel, and the dashboard with its controls.

1. Identifiers are fixed, so that importing again replaces what is there, and links stay.
2. The versions are the last ones before Kibana's "model versions" (8.8): 8.19 and 9.x both read them, and bring the
   objects up to date themselves. An object never carries a version that the oldest supported Kibana does not know.
3. ``haproxy`` in identifiers and in the index pattern is replaced by `shipper setup` when the prefix is another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from deploy.dashboards import _vega, _vega_tables
from deploy.dashboards._vocabulary import INDEX, NOTE, PHASES
from shipper.query import Dimension, Phase

Json = dict[str, Any]

VERSIONS: Final = {"index-pattern": "8.0.0", "visualization": "8.5.0", "dashboard": "8.9.0"}
_CORE: Final = "8.8.0"
_VIEW: Final = "shipper-haproxy-lines"
_DASHBOARD: Final = "shipper-haproxy-dashboard"
_COLUMNS: Final = 48
_NO_SEARCH: Final = '{"query":{"query":"","language":"kuery"},"filter":[]}'


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: its name in identifiers, its title, its specification, and its width and height on Kibana's grid."""

    name: str
    title: str
    spec: Json
    width: int = 24
    height: int = 14


def panels() -> tuple[Panel, ...]:
    """Give the panels in the order in which they are read."""
    others = [phase for phase in PHASES if phase is not Phase.TOTAL]
    return (
        Panel("total", _vega.phase_title(Phase.TOTAL), _vega.percentiles(Phase.TOTAL, "linear"), _COLUMNS, 15),
        Panel("total-log", "Response time, logarithmic", _vega.percentiles(Phase.TOTAL)),
        Panel("heat-map", "Response time, how many requests took how long", _vega.heat_map()),
        *(Panel(f"phase-{phase}", _vega.phase_title(phase), _vega.percentiles(phase)) for phase in others),
        Panel("day-before", "Response time against the day before", _vega.compared(Phase.TOTAL, 1)),
        Panel("week-before", "Response time against the week before", _vega.compared(Phase.TOTAL, 7)),
        Panel("status", "Requests by class of status", _vega.by_status()),
        Panel("blame", "Sessions that did not end as they should, by who ended them", _vega.by_blame()),
        Panel("terminations", "How sessions ended, in words", _vega.terminations(15), _COLUMNS, 16),
        Panel("backends", "Backends", _vega_tables.traffic(Dimension.BACKEND.field), _COLUMNS, 14),
        Panel("servers", "Servers", _vega_tables.traffic(Dimension.SERVER.field), _COLUMNS, 18),
        Panel(
            "paths", "The slowest of the most requested paths", _vega_tables.slowest(Dimension.PATH.field), _COLUMNS, 18
        ),
        Panel("retries", "Retries and redispatches", _vega.metrics(_RETRIES, "per interval")),
        Panel("queues", "Longest queues", _vega.metrics(_QUEUES, "requests")),
        Panel("connections", "Most connections at once", _vega.metrics(_CONNECTIONS, "connections")),
        Panel("tls", "TLS versions", _vega.bars("tls.version", 8, "requests", "#3a8fb7")),
        Panel("clients", "Clients with the most requests", _vega.bars("source.address", 20, "requests", "#5ab4ac")),
        Panel("events", "What HAProxy said of itself", _vega_tables.events(), 24, 18),
        Panel("slowest-lines", "The slowest lines", _vega_tables.lines(Phase.TOTAL.field), _COLUMNS, 24),
        Panel("latest-lines", "The latest lines", _vega_tables.lines("@timestamp"), _COLUMNS, 24),
    )


_RETRIES: Final = {
    "retries": ("sum", "haproxy.connections.retries", "#e0a030"),
    "redispatches": ("sum", "haproxy.redispatched", "#d1495b"),
}
_QUEUES: Final = {
    "backend": ("max", "haproxy.backend_queue", "#5b6fc0"),
    "server": ("max", "haproxy.server_queue", "#e8743b"),
}
_CONNECTIONS: Final = {
    "process": ("max", "haproxy.connections.active", "#9aa5b1"),
    "frontend": ("max", "haproxy.connections.frontend", "#3a8fb7"),
    "backend": ("max", "haproxy.connections.backend", "#8a5cc2"),
    "server": ("max", "haproxy.connections.server", "#e8743b"),
}


def ndjson() -> str:
    """Give the saved objects, one a line."""
    shown = panels()
    objects = [_data_view(), *map(_visualization, shown), _dashboard(shown)]
    return "".join(json.dumps(each, ensure_ascii=False, sort_keys=True) + "\n" for each in objects)


def _object(kind: str, identifier: str, attributes: Json, references: list[Json] | None = None) -> Json:
    versions = {"coreMigrationVersion": _CORE, "typeMigrationVersion": VERSIONS[kind]}
    return {"type": kind, "id": identifier, "attributes": attributes, "references": references or [], **versions}


def _data_view() -> Json:
    return _object(
        "index-pattern", _VIEW, {"title": INDEX, "name": f"HAProxy ({INDEX})", "timeFieldName": "@timestamp"}
    )


def _visualization(panel: Panel) -> Json:
    spec = json.dumps(panel.spec, ensure_ascii=False, indent=1)
    state = {"title": panel.title, "type": "vega", "aggs": [], "params": {"spec": spec}}
    attributes = {
        "title": f"HAProxy: {panel.title}",
        "description": "",
        "version": 1,
        "uiStateJSON": "{}",
        "visState": json.dumps(state, ensure_ascii=False),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _NO_SEARCH},
    }
    return _object("visualization", _identifier(panel), attributes)


def _dashboard(shown: tuple[Panel, ...]) -> Json:
    controls = {by.value: _control(place, by) for place, by in enumerate(Dimension)}
    attributes = {
        "title": f"HAProxy ({INDEX})",
        "description": NOTE,
        "version": 1,
        "timeRestore": True,
        "timeFrom": "now-1h",
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": 60_000},
        "optionsJSON": json.dumps(
            {"useMargins": True, "syncColors": False, "syncCursor": True, "hidePanelTitles": False}
        ),
        "panelsJSON": json.dumps(_placed(shown)),
        "controlGroupInput": {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "panelsJSON": json.dumps(controls),
            "ignoreParentSettingsJSON": json.dumps(
                dict.fromkeys(("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"), False)
            ),
        },
        "kibanaSavedObjectMeta": {"searchSourceJSON": _NO_SEARCH},
    }
    views = [_reference(f"controlGroup_{name}:optionsListDataView", "index-pattern", _VIEW) for name in controls]
    drawn = [_reference(f"{p.name}:panel_{p.name}", "visualization", _identifier(p)) for p in shown]
    return _object("dashboard", _DASHBOARD, attributes, [*views, *drawn])


def _placed(shown: tuple[Panel, ...]) -> list[Json]:
    """Put the panels on the grid: from left to right, and below when a row is full."""
    placed: list[Json] = []
    x = y = height = 0
    for panel in shown:
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append(
            {
                "type": "visualization",
                "gridData": {"x": x, "y": y, "w": panel.width, "h": panel.height, "i": panel.name},
                "panelIndex": panel.name,
                "panelRefName": f"panel_{panel.name}",
                "embeddableConfig": {"enhancements": {}, "title": panel.title},
            }
        )
        x, height = x + panel.width, max(height, panel.height)
    return placed


def _control(place: int, by: Dimension) -> Json:
    given: Json = {"id": by.value, "fieldName": by.field, "title": by.value.capitalize(), "enhancements": {}}
    return {"type": "optionsListControl", "order": place, "width": "small", "grow": True, "explicitInput": given}


def _identifier(panel: Panel) -> str:
    return f"shipper-haproxy-{panel.name}"


def _reference(name: str, kind: str, identifier: str) -> Json:
    return {"name": name, "type": kind, "id": identifier}
