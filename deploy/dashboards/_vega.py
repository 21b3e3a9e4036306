"""Kibana's panels: Vega-Lite specifications, of single views or layers alone, because Kibana fits only those.

1. A panel holds its searches and its marks, nothing else: it can be run and drawn anywhere that has Vega.
2. Every time axis has the marks of servers that went down or up and of reloads.
3. What a line of the log holds is drawn as text on a canvas, and can be nothing else there.
"""

from __future__ import annotations

from typing import Any, Final

from deploy.dashboards import _vega_queries as ask
from deploy.dashboards._vocabulary import (
    BLAME,
    BOUNDS_MS,
    EVENTS,
    NO_STATUS_COLOR,
    PERCENT_COLORS,
    PHASES,
    STATUS_CLASSES,
    states,
)
from shipper.query import USUAL, Percents, Phase

Json = dict[str, Any]

HEAD: Final = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "config": {"kibana": {"hideWarnings": True}},
}
"""What every panel begins with. Vega warns of an axis without data, and Kibana would cover the panel with that."""
_GREY: Final = "#768093"
_TIME: Final = {"field": "time", "type": "temporal", "title": None, "axis": {"labelSeparation": 8}}
_SLOT_TIME: Final = {"calculate": "toDate(datum.key)", "as": "time"}
_SLOT_END: Final = (
    {"window": [{"op": "lead", "field": "key", "as": "next"}, {"op": "lag", "field": "key", "as": "last"}]},
    {"calculate": "toDate(isValid(datum.next) ? datum.next : 2 * datum.key - datum.last)", "as": "end"},
)
_LEGEND: Final = {"title": None, "orient": "top"}


def percentiles(phase: Phase, axis: str = "symlog") -> Json:
    """Draw a phase's percentiles over time, and tell its population."""
    source = ask.data("slots", ask.search(ask.slots(ask.timer(phase))), "aggregations.slots.buckets")
    curves = {
        "transform": [*_curves("datum.time", "time"), {"calculate": "datum.population.value", "as": "population"}],
        "mark": {"type": "line", "point": {"size": 14}, "strokeWidth": 1.6, "clip": True},
        "encoding": {
            "x": _TIME,
            "y": _milliseconds("value", axis),
            "color": _colors("percentile", PERCENT_COLORS, _named),
            "opacity": {"condition": {"test": "datum.percentile === 'max'", "value": 0.4}, "value": 1},
            "tooltip": [
                _tip("time", "time", "temporal", format="%Y-%m-%d %H:%M:%S"),
                _tip("percentile", "percentile"),
                _tip("value", "ms", "quantitative", format=",d"),
                _tip("population", "lines", "quantitative", format=",d"),
            ],
        },
    }
    return _layers(source, [_marks(), curves, _population()], transform=[_SLOT_TIME])


def compared(phase: Phase, days: int) -> Json:
    """Draw two percentiles over time, and dashed those of as many days before."""
    percents = Percents.parse("75,99")
    colors = {name: PERCENT_COLORS[name] for name in percents.names}

    def layer(name: str, back: int) -> Json:
        found = ask.search(ask.slots(ask.timer(phase, percents), -back), shift_days=-back)
        moved = f"toDate(datum.key + {back * 86_400_000})"
        return {
            "data": ask.data(name, found, "aggregations.slots.buckets"),
            "transform": [
                *_curves(moved, "time", largest=False),
                {"calculate": f"'{'before' if back else 'now'}'", "as": "day"},
            ],
            "mark": {"type": "line", "strokeWidth": 1.6, "clip": True, "tooltip": True},
            "encoding": {
                "x": _TIME,
                "y": _milliseconds("value"),
                "color": _colors("percentile", colors, _named),
                "strokeDash": {
                    "field": "day",
                    "type": "nominal",
                    "scale": {"domain": ["now", "before"], "range": [[1, 0], [5, 4]]},
                    "legend": _LEGEND,
                },
            },
        }

    return _layers(None, [_marks(), layer("now", 0), layer("before", days)])


def heat_map() -> Json:
    """Draw how many requests took how long, over time."""
    ranges = [
        {"from": low, **({"to": high} if high else {})}
        for low, high in zip(BOUNDS_MS, (*BOUNDS_MS[1:], None), strict=True)
    ]
    counted = {"ms": {"range": {"field": Phase.TOTAL.field, "ranges": ranges}}}
    source = ask.data("slots", ask.search(ask.slots(counted)), "aggregations.slots.buckets")
    cells = {
        "transform": [
            *_SLOT_END,
            {"flatten": ["ms.buckets"], "as": ["row"]},
            {"filter": "datum.row.doc_count > 0"},
            {"calculate": "datum.row.from", "as": "low"},
            {"calculate": "datum.row.doc_count", "as": "requests"},
        ],
        "mark": {"type": "rect", "clip": True},
        "encoding": {
            "x": _TIME,
            "x2": {"field": "end"},
            "y": {"field": "low", "type": "ordinal", "sort": "descending", "title": "ms and more"},
            "color": {
                "field": "requests",
                "type": "quantitative",
                "scale": {"type": "log", "scheme": "viridis"},
                "legend": {"title": "requests"},
            },
            "tooltip": [
                _tip("time", "time", "temporal", format="%Y-%m-%d %H:%M:%S"),
                _tip("low", "ms and more", "quantitative"),
                _tip("requests", "requests", "quantitative", format=",d"),
            ],
        },
    }
    return _layers(source, [cells, _marks()], transform=[_SLOT_TIME])


def by_status() -> Json:
    """Draw the requests by class of status, over time."""
    field = "http.response.status_code"
    classes: Json = {
        name: {"range": {field: dict(zip(("gte", "lte"), map(int, codes.strip("[]").split(" TO ")), strict=True))}}
        for name, (codes, _) in STATUS_CLASSES.items()
    }
    classes["none"] = {"bool": {"must_not": {"exists": {"field": field}}}}
    colors = {name: color for name, (_, color) in STATUS_CLASSES.items()} | {"none": NO_STATUS_COLOR}
    return _stack(classes, colors, "requests a second", "1000 / (datum.end - datum.time)")


def by_blame() -> Json:
    """Draw the sessions that did not end as they should, by who ended them, over time."""
    field = "haproxy.termination.by"
    return _stack(
        {who: {"terms": {field: list(values)}} for who, (values, _) in BLAME.items()},
        {who: color for who, (_, color) in BLAME.items()},
        "sessions an interval",
    )


def metrics(named: dict[str, tuple[str, str, str]], title: str) -> Json:
    """Draw metrics over time: of each name the aggregation, its field and its colour."""
    aggs = {name: {kind: {"field": field}} for name, (kind, field, _) in named.items()}
    source = ask.data("slots", ask.search(ask.slots(aggs)), "aggregations.slots.buckets")
    curves = {
        "transform": [
            *({"calculate": f"datum['{name}'].value", "as": f"{name} "} for name in named),
            {"fold": [f"{name} " for name in named], "as": ["name", "value"]},
            {"calculate": "trim(datum.name)", "as": "name"},
            {"filter": "isValid(datum.value)"},
        ],
        "mark": {"type": "line", "point": {"size": 14}, "interpolate": "step-after", "clip": True},
        "encoding": {
            "x": _TIME,
            "y": {"field": "value", "type": "quantitative", "title": title},
            "color": _colors("name", {name: color for name, (_, _, color) in named.items()}),
            "tooltip": [
                _tip("time", "time", "temporal", format="%Y-%m-%d %H:%M:%S"),
                _tip("name", "what"),
                _tip("value", title, "quantitative", format=",d"),
            ],
        },
    }
    return _layers(source, [_marks(), curves], transform=[_SLOT_TIME])


def bars(field: str, size: int, title: str, color: str) -> Json:
    """Draw the most frequent values of a field."""
    source = ask.data("rows", ask.search(ask.rows(field, size)), "aggregations.rows.buckets")
    return _bars(source, [], "key", title, color)


def terminations(size: int) -> Json:
    """Draw how often sessions ended in which state, in words."""
    unusual = {"bool": {"must_not": {"terms": {"haproxy.termination.by": ["normal"]}}}}
    found = ask.search(ask.rows("haproxy.termination_state", size), unusual)
    words = [{"pair": pair, "words": text} for pair, text in states().items()]
    spoken: list[Json] = [
        {"calculate": "slice(datum.key, 0, 2)", "as": "pair"},
        {"lookup": "pair", "from": {"data": {"values": words}, "key": "pair", "fields": ["words"]}},
        {
            "calculate": "datum.key + '  ' + (datum.words || 'a state that the manual of HAProxy does not name')",
            "as": "told",
        },
    ]
    return _bars(ask.data("rows", found, "aggregations.rows.buckets"), spoken, "told", "sessions", "#c8518f", wide=True)


def phase_title(phase: Phase) -> str:
    """Name a phase as a panel's title."""
    title, meaning = PHASES[phase]
    return f"{title}: {meaning}"


def _bars(source: Json, transform: list[Json], label: str, title: str, color: str, *, wide: bool = False) -> Json:
    row = {"field": label, "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 520 if wide else 260}}
    return {
        **HEAD,
        "padding": {"left": 5, "top": 5, "bottom": 5, "right": 52},
        "data": source,
        "transform": transform,
        "encoding": {
            "y": row,
            "x": {"field": "doc_count", "type": "quantitative", "title": title},
            "tooltip": [_tip(label, "value"), _tip("doc_count", title, "quantitative", format=",d")],
        },
        "layer": [
            {"mark": {"type": "bar", "color": color}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "color": _GREY},
                "encoding": {"text": {"field": "doc_count", "type": "quantitative", "format": ",d"}},
            },
        ],
    }


def _stack(filters: Json, colors: dict[str, str], title: str, scale: str = "1") -> Json:
    counted = {"by": {"filters": {"filters": filters}}}
    source = ask.data("slots", ask.search(ask.slots(counted)), "aggregations.slots.buckets")
    stacked = {
        "transform": [
            *_SLOT_END,
            *({"calculate": f"datum.by.buckets['{name}'].doc_count * {scale}", "as": name} for name in filters),
            {"fold": list(filters), "as": ["name", "count"]},
        ],
        "mark": {"type": "area", "interpolate": "step-after", "line": False, "clip": True},
        "encoding": {
            "x": _TIME,
            "y": {"field": "count", "type": "quantitative", "stack": "zero", "title": title},
            "color": _colors("name", colors),
            "tooltip": [
                _tip("time", "time", "temporal", format="%Y-%m-%d %H:%M:%S"),
                _tip("name", "what"),
                _tip("count", title, "quantitative", format=",.2~f"),
            ],
        },
    }
    return _layers(source, [stacked, _marks()], transform=[_SLOT_TIME])


def _curves(time: str, as_: str, *, largest: bool = True) -> list[Json]:
    """Turn each slot into one datum a percentile, the largest value among them."""
    values = "datum.percentiles.values"
    if largest:
        each = ", ".join(f"{values}[{place}]" for place in range(len(USUAL.values)))
        values = f"[{each}, {{key: 'max', value: datum.max.value}}]"
    return [
        {"calculate": time, "as": as_},
        {"calculate": values, "as": "values"},
        {"flatten": ["values"], "as": ["point"]},
        {"calculate": "'' + datum.point.key", "as": "percentile"},
        {"calculate": "datum.point.value", "as": "value"},
        {"filter": "isValid(datum.value) && datum.population.value > 0"},
    ]


def _population() -> Json:
    """Tell how many lines have the timer, in the corner."""
    return {
        "transform": [
            {"calculate": "datum.population.value", "as": "timed"},
            {"aggregate": [{"op": "sum", "field": "timed", "as": "n"}]},
            {"calculate": "format(datum.n, ',d') + ' lines with this timer'", "as": "told"},
        ],
        "mark": {"type": "text", "align": "right", "baseline": "bottom", "dy": -4, "color": _GREY},
        "encoding": {"x": {"value": "width"}, "y": {"value": 0}, "text": {"field": "told", "type": "nominal"}},
    }


def _marks() -> Json:
    """Rule a line where a server went down or came up, and where HAProxy was reloaded."""
    kinds = {action: kind for kind, (actions, _) in EVENTS.items() for action in actions}
    return {
        "data": ask.data("marks", ask.marks(), "hits.hits"),
        "transform": [
            {"calculate": "toDate(datum._source['@timestamp'])", "as": "time"},
            {"calculate": f"{_object(kinds)}[datum._source.event.action]", "as": "kind"},
            {"calculate": "datum._source.message", "as": "message"},
        ],
        "mark": {"type": "rule", "strokeWidth": 1, "strokeDash": [3, 3], "opacity": 0.75},
        "encoding": {
            "x": _TIME,
            "stroke": _colors("kind", {kind: color for kind, (_, color) in EVENTS.items()}),
            "tooltip": [_tip("time", "time", "temporal", format="%Y-%m-%d %H:%M:%S"), _tip("message", "event")],
        },
    }


def _layers(source: Json | None, layers: list[Json], transform: list[Json] | None = None) -> Json:
    spec: Json = {**HEAD, "layer": layers, "resolve": {"scale": {"stroke": "independent"}}}
    if source is not None:
        own = [
            layer if "data" in layer else {**layer, "transform": [*(transform or []), *layer["transform"]]}
            for layer in layers
        ]
        spec |= {"data": source, "layer": own}
    return spec


def _colors(field: str, colors: dict[str, str], named: Any = None) -> Json:  # noqa: ANN401 -- a function or nothing
    labels = {"labelExpr": named(colors)} if named else {}
    scale = {"domain": list(colors), "range": list(colors.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": {**_LEGEND, **labels}}


def _named(_: dict[str, str]) -> str:
    return "datum.label == 'max' ? 'max' : 'p' + datum.label"


def _milliseconds(field: str, axis: str = "symlog") -> Json:
    return {"field": field, "type": "quantitative", "title": "ms", "scale": {"type": axis}}


def _tip(field: str, title: str, kind: str = "nominal", **more: str) -> Json:
    return {"field": field, "title": title, "type": kind, **more}


def _object(values: dict[str, str]) -> str:
    return "({" + ", ".join(f"{key}: '{value}'" for key, value in values.items()) + "})"
