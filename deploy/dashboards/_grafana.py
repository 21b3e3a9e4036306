"""Grafana's dashboards: an overview, the phases, the lines; with the same variables, and links between them.

A dashboard has a fixed `uid`, so that provisioning again replaces it, and links stay.
"""

from __future__ import annotations

import json
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as board

from deploy.dashboards import _grafana_panels as panels
from deploy.dashboards import _grafana_queries as ask
from deploy.dashboards._vocabulary import EVENTS, NOTE, PATHS_MAX, PHASES, STATUS_CLASSES
from shipper.query import Dimension, Phase

Json = dict[str, Any]

_OVERVIEW: Final = "shipper-haproxy-overview"
_TAG: Final = "haproxy-shipper"

_HONEST: Final = f"""{NOTE}

**What Grafana's Elasticsearch data source cannot do.** Its editor knows only t-digest, which is off by 2 to 7% on such
data. The queries here ask for HDR: `settings.hdr`, seen under *Inspect → Panel JSON*, which the data source hands on
unread. A percentiles metric that you *add* in the editor has it not. A panel cannot switch between a linear and a
logarithmic axis, so there is one of each; the time before is a panel of its own; counts are per interval, not per
second; paths are the slowest of the {PATHS_MAX} most requested ones; lines come in the order of time, never the slowest
first. All of that is in `shipper dashboard` and `shipper percentiles`."""

_LINE_COLUMNS: Final = {
    "@timestamp": "time",
    "http.response.status_code": "status",
    Phase.TOTAL.field: "ms",
    **{phase.field: str(phase) for phase in PHASES if phase is not Phase.TOTAL},
    "haproxy.termination_state": "state",
    "haproxy.frontend_name": "frontend",
    "haproxy.backend_name": "backend",
    "haproxy.server_name": "server",
    "http.request.method": "method",
    "url.original": "request",
    "source.address": "client",
}
_EVENT_COLUMNS: Final = {"@timestamp": "time", "event.action": "event", "message": "message"}
_UNREAD_COLUMNS: Final = {"@timestamp": "time", "error.message": "what was expected", "event.original": "line"}


def dashboards() -> dict[str, str]:
    """Give the JSON of each dashboard, by the name of its file."""
    made = {"overview.json": _overview(), "phases.json": _phases(), "lines.json": _lines()}
    return {name: _json(each) for name, each in made.items()}


def _overview() -> build.Dashboard:
    every = (
        panels.figures(),
        panels.percentiles(Phase.TOTAL, span=24),
        panels.percentiles(Phase.TOTAL, logarithmic=True),
        panels.earlier(),
        panels.heat_map(),
        panels.by_status(),
        panels.by_blame(),
        panels.terminations(),
        panels.rows("Backends", Dimension.BACKEND),
        panels.rows("Servers", Dimension.SERVER),
        panels.paths(),
        panels.errors(),
        panels.retries(),
        panels.queues(),
        panels.connections(),
        panels.frequent("TLS versions", "tls.version", "version"),
        panels.frequent("Clients with the most requests", "source.address", "client"),
        panels.words(_HONEST, 7),
    )
    return _dashboard(_OVERVIEW, "HAProxy: overview", every).with_variable(_shift())


def _phases() -> build.Dashboard:
    every = (
        *(panels.percentiles(phase) for phase in PHASES),
        panels.rows("Servers", Dimension.SERVER),
        panels.words(_HONEST, 7),
    )
    return _dashboard(panels.PHASE_BOARD, "HAProxy: phases of a request", every)


def _lines() -> build.Dashboard:
    slow = f"{ask.TRAFFIC} AND ({Phase.TOTAL.field}:>=${{slower}})"
    every = (
        panels.lines("The latest lines of at least $slower ms", slow, _LINE_COLUMNS),
        panels.lines("What HAProxy said of itself", "haproxy.line:event", _EVENT_COLUMNS),
        panels.lines("Lines that nothing understands", "haproxy.line:unparsed", _UNREAD_COLUMNS),
    )
    slower = build.TextBoxVariable("slower").label("At least (ms)").default_value("0")
    return _dashboard(panels.LINE_BOARD, "HAProxy: lines", every).with_variable(slower)


def _dashboard(uid: str, title: str, every: tuple[Any, ...]) -> build.Dashboard:
    made = (
        build.Dashboard(title)
        .uid(uid)
        .description(NOTE)
        .tags([_TAG])
        .time("now-1h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(board.DashboardCursorSync.CROSSHAIR)
        .link(_to_the_others())
        .with_variable(build.DatasourceVariable("datasource").label("Elasticsearch").type("elasticsearch"))
    )
    for by in (each for each in Dimension if each is not Dimension.STATUS):
        made.with_variable(_values(by))
    made.with_variable(_status())
    for place, panel in enumerate(every, start=1):
        made.with_panel(panel.id(place))
    return made


def _values(by: Dimension) -> build.QueryVariable:
    """Offer the values of a dimension; a server those of the chosen backends, and a backend those of the frontends."""
    within = {Dimension.BACKEND: Dimension.FRONTEND, Dimension.SERVER: Dimension.BACKEND}.get(by)
    asked = {
        "find": "terms",
        "field": by.field,
        "size": 500,
        "query": f"{within.field}:${within.value}" if within else "*:*",
    }
    everything = board.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        build.QueryVariable(by.value)
        .label(by.value.capitalize())
        .datasource(ask.SOURCE)
        .query(json.dumps(asked))
        .refresh(board.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(board.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(ask.ALL)
        .current(everything)
    )


def _status() -> build.CustomVariable:
    field = Dimension.STATUS.field
    clauses = {"any": "*:*", **{name: f"{field}:{codes}" for name, (codes, _) in STATUS_CLASSES.items()}}
    return _choice("status", "Status", {**clauses, "none": f"*:* NOT {field}:*"})


def _shift() -> build.CustomVariable:
    return _choice("shift", "Compared with", {"a day": "1d", "a week": "7d"})


def _choice(name: str, label: str, values: dict[str, str]) -> build.CustomVariable:
    first_text, first = next(iter(values.items()))
    options = [board.VariableOption(selected=value == first, text=text, value=value) for text, value in values.items()]
    listed = ", ".join(f"{text} : {value}" for text, value in values.items())
    chosen = board.VariableOption(selected=True, text=first_text, value=first)
    return build.CustomVariable(name).label(label).values(listed).options(options).current(chosen)


def _to_the_others() -> build.DashboardLink:
    asked = build.DashboardLink("HAProxy").type(board.DashboardLinkType.DASHBOARDS).tags([_TAG])
    return asked.include_vars(include_vars=True).keep_time(keep_time=True)


def _json(made: build.Dashboard) -> str:
    found: Json = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    found["annotations"] = {"list": [_marks(kind) for kind in EVENTS]}
    return json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _marks(kind: str) -> Json:
    """Mark events on every time axis. The library does not know the fields of Elasticsearch's annotations."""
    actions, color = EVENTS[kind]
    lucene = f"haproxy.line:event AND event.action:({' OR '.join(actions)})"
    return {
        "name": kind,
        "datasource": {"type": "elasticsearch", "uid": "${datasource}"},
        "enable": True,
        "hide": False,
        "iconColor": color,
        "timeField": "@timestamp",
        "textField": "message",
        "tagsField": "event.action",
        "query": lucene,
        "target": {"refId": f"marks-{kind}", "query": lucene},
    }
