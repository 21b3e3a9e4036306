"""Grafana's panels.

1. The names of series and columns are those that the data source gives (`p99.0`, `Count`, `Max haproxy.…`); tables give
   them others by a transformation, and a name that is not found there stays as it is.
2. Where a percentile is drawn, its population is drawn with it, as bars behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import common, heatmap, stat, table, text, timeseries
from grafana_foundation_sdk.models import common as model
from grafana_foundation_sdk.models import dashboard as board
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.text import TextMode

from deploy.dashboards import _grafana_queries as ask
from deploy.dashboards._vocabulary import (
    BLAME,
    BOUNDS_MS,
    LINES_MAX,
    NO_STATUS_COLOR,
    PATHS_MAX,
    PERCENT_COLORS,
    PHASES,
    ROWS_MAX,
    STATUS_CLASSES,
    states,
)
from shipper.query import Dimension, Percents, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.builders.elasticsearch import Dataquery

PHASE_BOARD: Final = "shipper-haproxy-phases"
LINE_BOARD: Final = "shipper-haproxy-lines"
_SHORT: Final = Percents.parse("50,75,99,99.9")
_WIDE: Final = 24
_HALF: Final = 12
_HIGH: Final = 9
_POPULATION: Final = "lines with this timer"


def words(markdown: str, high: int) -> text.Panel:
    """Show text."""
    return text.Panel().mode(TextMode.MARKDOWN).content(markdown).span(_WIDE).height(high).transparent(transparent=True)


def figures() -> stat.Panel:
    """Show the number of requests and the percentiles of the whole range."""
    total = Phase.TOTAL
    asked = ask.query(
        ask.with_timer(total),
        [ask.count(), ask.percentiles(total), ask.largest(total.field)],
        [ask.by("haproxy.line", 1)],
    )
    return (
        stat.Panel()
        .title("Of the whole range: lines with this timer, and their percentiles in milliseconds")
        .datasource(ask.SOURCE)
        .with_target(asked)
        .with_transformation(
            _renamed({"Count": _POPULATION, "Max": "max", **_percent_columns(total)}, hidden=("haproxy.line",))
        )
        .reduce_options(common.ReduceDataOptions().values(values=False).calcs(["lastNotNull"]).fields("/.*/"))
        .color_mode(model.BigValueColorMode.NONE)
        .graph_mode(model.BigValueGraphMode.NONE)
        .unit("short")
        .span(_WIDE)
        .height(4)
    )


def percentiles(phase: Phase, *, logarithmic: bool = False, span: int = _HALF) -> timeseries.Panel:
    """Draw a phase's percentiles over time, and its population behind them."""
    title, meaning = PHASES[phase]
    metrics = [ask.count(), ask.percentiles(phase), ask.largest(phase.field)]
    panel = (
        _over_time(f"{title}{', logarithmic' if logarithmic else ''}", span)
        .description(f"{title}: {meaning}. The bars are its population: the lines that have the timer.")
        .with_target(ask.query(ask.with_timer(phase), metrics, [ask.over_time()], "{{metric}}"))
        .unit("ms")
        .override_by_name("Count", _as_population())
        .data_links([link("Lines of this time", LINE_BOARD)])
    )
    if logarithmic:
        scale = common.ScaleDistributionConfig().type(model.ScaleDistribution.LOG).log(10)
        panel.scale_distribution(scale)
    for name, color in PERCENT_COLORS.items():
        series = "Max" if name == "max" else f"p{float(name)}"
        panel.override_by_name(series, [_fixed(color)])
    return panel


def earlier() -> timeseries.Panel:
    """Draw the percentiles of the time before, as long as the variable says."""
    return percentiles(Phase.TOTAL).title("Response time, $shift earlier").time_shift("$shift")


def heat_map() -> heatmap.Panel:
    """Draw how many requests took how long, over time."""
    rows = {
        f"{low:06d}": f"{Phase.TOTAL.field}:[{low} TO {'*]' if high is None else f'{high}}}'}"
        for low, high in zip(BOUNDS_MS, (*BOUNDS_MS[1:], None), strict=True)
    }
    return (
        heatmap.Panel()
        .title("Response time: how many requests took how many milliseconds, or more")
        .datasource(ask.SOURCE)
        .with_target(ask.query(ask.with_timer(Phase.TOTAL), [ask.count()], [ask.by_query(rows), ask.over_time()]))
        .calculate(calculate=False)
        .rows_frame(heatmap.RowsHeatmapOptions().layout(model.HeatmapCellLayout.GE))
        .color(_viridis())
        .span(_HALF)
        .height(_HIGH)
    )


def by_status() -> timeseries.Panel:
    """Draw the requests by class of status, over time."""
    field = "http.response.status_code"
    classes = {name: f"{field}:{codes}" for name, (codes, _) in STATUS_CLASSES.items()} | {
        "none": f"(*:* NOT {field}:*)"
    }
    colors = {name: color for name, (_, color) in STATUS_CLASSES.items()} | {"none": NO_STATUS_COLOR}
    return _stack("Requests by class of status, per interval", classes, colors)


def by_blame() -> timeseries.Panel:
    """Draw the sessions that did not end as they should, by who ended them, over time."""
    who = {name: f"haproxy.termination.by:({' OR '.join(values)})" for name, (values, _) in BLAME.items()}
    return _stack(
        "Sessions that did not end as they should, by who ended them", who, {n: c for n, (_, c) in BLAME.items()}
    )


def retries() -> timeseries.Panel:
    """Draw retries and redispatches over time."""
    return _metrics(
        "Retries and redispatches, per interval",
        [ask.total("haproxy.connections.retries"), ask.total("haproxy.redispatched")],
    )


def queues() -> timeseries.Panel:
    """Draw the longest queues over time."""
    return _metrics("Longest queues", [ask.largest("haproxy.backend_queue"), ask.largest("haproxy.server_queue")])


def connections() -> timeseries.Panel:
    """Draw the peaks of connections over time."""
    names = ("active", "frontend", "backend", "server")
    return _metrics("Most connections at once", [ask.largest(f"haproxy.connections.{name}") for name in names])


def rows(title: str, by: Dimension, *, size: int = ROWS_MAX, slowest: bool = False) -> table.Panel:
    """Show the most frequent values of a dimension with their percentiles, errors, retries and queue."""
    total = Phase.TOTAL
    metrics = [
        ask.count(),
        ask.percentiles(total, _SHORT),
        ask.total("haproxy.connections.retries"),
        ask.largest("haproxy.backend_queue"),
    ]
    names = {
        by.field: by.value,
        "Count": _POPULATION,
        "Sum": "retries",
        "Max": "queue, most",
        **_percent_columns(total),
    }
    panel = _table(title, _WIDE).with_target(ask.query(ask.with_timer(total), metrics, [ask.by(by.field, size)]))
    for percent in _SHORT.names:
        panel.override_by_name(f"p{percent}", [board.DynamicConfigValue("unit", "ms")])
    links = [link("Phases of this one", PHASE_BOARD, by), link("Lines of this one", LINE_BOARD, by)]
    return (
        panel.with_transformation(_renamed(names))
        .override_by_name(by.value, [board.DynamicConfigValue("links", links)])
        .sort_by([common.TableSortByFieldState().display_name("p99" if slowest else _POPULATION).desc(desc=True)])
    )


def errors() -> timeseries.Panel:
    """Draw the responses of 5xx by backend, over time."""
    lucene = f"{ask.TRAFFIC} AND http.response.status_code:[500 TO 599]"
    asked = ask.query(lucene, [ask.count()], [ask.by(Dimension.BACKEND.field, ROWS_MAX), ask.over_time()])
    return _bars("Responses of 5xx by backend, per interval").with_target(asked)


def terminations() -> table.Panel:
    """Show how often sessions ended in which state, in words."""
    field = Dimension.TERMINATION.field
    spoken = [
        board.RegexMap(board.DashboardRegexMapOptions(f"^({pair}.*)$", board.ValueMappingResult(text=f"$1  {meaning}")))
        for pair, meaning in states().items()
    ]
    links = [link("Lines that ended so", LINE_BOARD, Dimension.TERMINATION)]
    return (
        _table("How sessions ended, in words", _HALF)
        .with_target(ask.query(ask.TRAFFIC, [ask.count()], [ask.by(field, ROWS_MAX)]))
        .with_transformation(_renamed({field: "state", "Count": "sessions"}))
        .override_by_name(
            "state", [board.DynamicConfigValue("mappings", spoken), board.DynamicConfigValue("links", links)]
        )
    )


def frequent(title: str, field: str, name: str) -> table.Panel:
    """Show the most frequent values of a field."""
    asked = ask.query(ask.TRAFFIC, [ask.count()], [ask.by(field, ROWS_MAX)])
    return _table(title, _HALF).with_target(asked).with_transformation(_renamed({field: name, "Count": "requests"}))


def paths() -> table.Panel:
    """Show which of the most requested paths are the slowest."""
    return rows("The slowest of the most requested paths", Dimension.PATH, size=PATHS_MAX, slowest=True)


def lines(title: str, lucene: str, columns: Mapping[str, str], size: int = 4 * LINES_MAX) -> table.Panel:
    """Show single lines, the latest first."""
    order = {field: place for place, field in enumerate(columns)}
    options = {"includeByName": dict.fromkeys(columns, True), "indexByName": order, "renameByName": dict(columns)}
    return (
        _table(title, _WIDE)
        .height(16)
        .with_target(ask.query(lucene, [ask.documents(size)]))
        .with_transformation(board.DataTransformerConfig("organize", options=options))
    )


def link(title: str, to: str, by: Dimension | None = None) -> Any:  # noqa: ANN401 -- a dashboard link's builder
    """Lead to another dashboard of the same time and source; of one value, where a column's cell is clicked."""
    one = f"${{datasource:queryparam}}&var-{by.value}=${{__value.raw:percentencode}}" if by else ""
    return _DataLink(title, f"/d/{to}?${{__url_time_range}}&{one or '${__all_variables}'}")


class _DataLink:
    """A link of a value; the library has only those of dashboards."""

    def __init__(self, title: str, url: str) -> None:
        self._link = {"title": title, "url": url}

    def build(self) -> Any:  # noqa: ANN401 -- stands for a dashboard's link
        return self

    def to_json(self) -> dict[str, str]:
        return self._link


def _over_time(title: str, span: int = _HALF) -> timeseries.Panel:
    legend = common.VizLegendOptions().show_legend(show_legend=True).display_mode(model.LegendDisplayMode.LIST)
    return (
        timeseries.Panel()
        .title(title)
        .datasource(ask.SOURCE)
        .interval("1s")
        .legend(legend.placement(model.LegendPlacement.BOTTOM).calcs([]))
        .tooltip(common.VizTooltipOptions().mode(model.TooltipDisplayMode.MULTI).sort(model.SortOrder.DESCENDING))
        .line_width(1)
        .show_points(model.VisibilityMode.AUTO)
        .min(0)
        .span(span)
        .height(_HIGH)
    )


def _bars(title: str) -> timeseries.Panel:
    stacked = common.StackingConfig().mode(model.StackingMode.NORMAL).group("A")
    return _over_time(title).draw_style(model.GraphDrawStyle.BARS).fill_opacity(80).line_width(0).stacking(stacked)


def _stack(title: str, queries: Mapping[str, str], colors: Mapping[str, str]) -> timeseries.Panel:
    panel = _bars(title).with_target(ask.query(ask.TRAFFIC, [ask.count()], [ask.by_query(queries), ask.over_time()]))
    for name, color in colors.items():
        panel.override_by_name(name, [_fixed(color)])
    return panel


def _metrics(title: str, metrics: Sequence[ask.Metric]) -> timeseries.Panel:
    asked: Dataquery = ask.query(ask.TRAFFIC, metrics, [ask.over_time()], "{{field}}")
    return _over_time(title).with_target(asked).line_interpolation(model.LineInterpolation.STEP_AFTER)


def _table(title: str, span: int) -> table.Panel:
    return (
        table.Panel().title(title).datasource(ask.SOURCE).cell_height(model.TableCellHeight.SM).span(span).height(_HIGH)
    )


def _renamed(names: Mapping[str, str], hidden: Sequence[str] = ()) -> board.DataTransformerConfig:
    options = {
        "renameByName": dict(names),
        "indexByName": {name: place for place, name in enumerate(names)},
        "excludeByName": dict.fromkeys(hidden, True),
    }
    return board.DataTransformerConfig("organize", options=options)


def _percent_columns(phase: Phase) -> dict[str, str]:
    return {f"p{float(name)} {phase.field}": f"p{name}" for name in PERCENT_COLORS if name != "max"}


def _as_population() -> list[board.DynamicConfigValue]:
    wanted: dict[str, object] = {
        "displayName": _POPULATION,
        "unit": "short",
        "custom.drawStyle": "bars",
        "custom.fillOpacity": 12,
        "custom.lineWidth": 0,
        "custom.axisPlacement": "right",
        "custom.axisLabel": _POPULATION,
        "custom.scaleDistribution": {"type": "linear"},
    }
    return [*(board.DynamicConfigValue(name, value) for name, value in wanted.items()), _fixed("#9aa5b1")]


def _fixed(color: str) -> board.DynamicConfigValue:
    return board.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})


def _viridis() -> heatmap.HeatmapColorOptions:
    colors = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Viridis").steps(64)
    return colors.scale(HeatmapColorScale.EXPONENTIAL).exponent(0.4)
