"""Grafana's dashboard of shipper itself, from its counters in Prometheus: what comes, what became of it, what waits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as model
from grafana_foundation_sdk.models import dashboard as board
from grafana_foundation_sdk.models.dashboard import DataSourceRef

if TYPE_CHECKING:
    from collections.abc import Mapping

BOARD: Final = "shipper-itself"
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_THESE: Final = 'instance=~"$instance"'
_RATE: Final = "[$__rate_interval]"
_PANELS_IN_ROW: Final = 2
_WIDE: Final = 24
_HIGH: Final = 8
_SENDERS_MAX: Final = 10
_RED: Final = "#d1495b"


@dataclass(frozen=True, slots=True)
class _Graph:
    """Curves over time: queries by their legend."""

    title: str
    about: str
    unit: str
    queries: Mapping[str, str]
    stacked: bool = False


def _rate(counter: str, by: str = "", labels: str = "") -> str:
    """Give what a counter counts a second, of the chosen shippers together, or by one label."""
    return f"sum by ({by}) (rate({counter}{{{_THESE}{labels}}}{_RATE}))"


def _quantile(share: float, histogram: str, labels: str = "") -> str:
    return f"histogram_quantile({share}, {_rate(f'{histogram}_bucket', 'le', labels)})"


def _of(gauge: str) -> str:
    return f"{gauge}{{{_THESE}}}"


_FIGURES: Final = {
    "lines that come, a second": (_rate("shipper_received_lines_total"), "short"),
    "lines that are indexed, a second": (_rate("shipper_settled_lines_total", labels=',verdict="indexed"'), "short"),
    "lines that wait": (f"sum({_of('shipper_pending_lines')})", "short"),
    "the oldest waits for": (f"max({_of('shipper_oldest_pending_age_seconds')})", "s"),
    "room in the journal": (f"min({_of('shipper_journal_room_bytes')})", "bytes"),
    "lines not accounted for": (f"sum({_of('shipper_unexplained_lines')})", "short"),
}

_GRAPHS: Final = (
    _Graph(
        "What comes, and what the journal takes",
        "Lines a second. The curves lie on each other unless something is dropped.",
        "short",
        {
            "received": _rate("shipper_received_lines_total"),
            "journaled": _rate("shipper_journaled_lines_total"),
            "not taken: {{reason}}": _rate("shipper_unjournaled_lines_total", "reason"),
            "dropped by the kernel": _rate("shipper_kernel_dropped_datagrams_total"),
        },
    ),
    _Graph(
        "What becomes of it",
        "Lines a second, by their verdict.",
        "short",
        {"{{verdict}}": _rate("shipper_settled_lines_total", "verdict")},
        stacked=True,
    ),
    _Graph(
        "What waits",
        "Journaled lines without a verdict; parked ones are tried slowly, since their index refuses them.",
        "short",
        {
            "pending, {{instance}}": _of("shipper_pending_lines"),
            "parked, {{instance}}": _of("shipper_parked_lines"),
        },
    ),
    _Graph(
        "For how long",
        "Since the receipt of the oldest line without a verdict, parked ones aside.",
        "s",
        {"{{instance}}": _of("shipper_oldest_pending_age_seconds")},
    ),
    _Graph(
        "From receipt to verdict",
        "Percentiles over lines, from a histogram: between its bounds they are interpolated.",
        "s",
        {f"p{100 * share:g}": _quantile(share, "shipper_settling_duration_seconds") for share in (0.5, 0.99, 0.999)},
    ),
    _Graph(
        "Bulk requests: how long",
        "Percentiles over requests that had an answer.",
        "s",
        {
            f"p{100 * share:g}": _quantile(share, "shipper_bulk_request_duration_seconds", ',outcome="answered"')
            for share in (0.5, 0.99)
        },
    ),
    _Graph(
        "Bulk requests: how many, and the window",
        "A second, by their outcome; and how many are under way, within how many may be.",
        "short",
        {
            "{{outcome}}, a second": _rate("shipper_bulk_request_duration_seconds_count", "outcome"),
            "under way, {{instance}}": _of("shipper_requests_in_flight"),
            "window, {{instance}}": _of("shipper_requests_in_flight_max"),
        },
    ),
    _Graph(
        "Documents in memory",
        "Sent, or waiting to be sent again; and how large a request may be now.",
        "bytes",
        {
            "unsettled, {{instance}}": _of("shipper_unsettled_bytes"),
            "request at most, {{instance}}": _of("shipper_request_bytes_max"),
        },
    ),
    _Graph(
        "The journal",
        "What it takes on the disk, its bound, and what may still be written.",
        "bytes",
        {
            "on disk, {{instance}}": _of("shipper_journal_bytes"),
            "bound, {{instance}}": _of("shipper_journal_bytes_max"),
            "room, {{instance}}": _of("shipper_journal_room_bytes"),
        },
    ),
    _Graph(
        "Troubles",
        "1 while it lasts; `shipper status` has the reasons.",
        "short",
        {
            "Elasticsearch away, {{instance}}": f"1 - {_of('shipper_elasticsearch_reachable')}",
            "paused: {{kind}}": _of("shipper_delivery_paused"),
            "held: {{index}}": _of("shipper_index_held"),
            "silent: {{network}}": _of("shipper_expected_sender_silent"),
            "reload refused, {{instance}}": f"1 - {_of('shipper_config_last_reload_successful')}",
        },
    ),
    _Graph(
        "Who sends",
        f"Lines a second of the {_SENDERS_MAX} busiest addresses.",
        "short",
        {"{{sender}}": f"topk({_SENDERS_MAX}, {_rate('shipper_sender_lines_total', 'sender')})"},
        stacked=True,
    ),
    _Graph(
        "What is not understood, and wrong time zones",
        "The share of lines that nothing understands; and hours by which a sender's dates are off.",
        "short",
        {
            "not understood (share)": (
                f"{_rate('shipper_unparsed_lines_total')} / "
                f"({_rate('shipper_parsed_lines_total')} + {_rate('shipper_unparsed_lines_total')})"
            ),
            "{{sender}} is off by (h)": f"({_of('shipper_sender_zone_offset_seconds')} != 0) / 3600",
        },
    ),
    _Graph(
        "The shipping process: memory",
        "What is resident.",
        "bytes",
        {"{{instance}}": f'process_resident_memory_bytes{{job="shipper",{_THESE}}}'},
    ),
    _Graph(
        "The shipping process: CPU",
        "Of one core.",
        "percentunit",
        {"{{instance}}": f'rate(process_cpu_seconds_total{{job="shipper",{_THESE}}}{_RATE})'},
    ),
)


def dashboard() -> str:
    """Give the JSON of the dashboard."""
    made = (
        build.Dashboard("shipper: how it stands")
        .uid(BOARD)
        .description("shipper's own counters: docs/metrics.md says what each means.")
        .tags(["shipper"])
        .time("now-1h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(board.DashboardCursorSync.CROSSHAIR)
        .with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_instances())
    )
    panels = [_figure(title, *asked) for title, asked in _FIGURES.items()] + [_graph(each) for each in _GRAPHS]
    for place, panel in enumerate(panels, start=1):
        made.with_panel(panel.id(place))
    found = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    found["annotations"] = {"list": [_alerts()]}
    return json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _figure(title: str, expr: str, unit: str) -> stat.Panel:
    return (
        stat.Panel()
        .title(title)
        .datasource(_SOURCE)
        .with_target(_query("A", expr, title))
        .reduce_options(common.ReduceDataOptions().values(values=False).calcs(["lastNotNull"]))
        .color_mode(model.BigValueColorMode.NONE)
        .unit(unit)
        .span(_WIDE // len(_FIGURES))
        .height(4)
    )


def _graph(graph: _Graph) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(graph.title)
        .description(graph.about)
        .datasource(_SOURCE)
        .unit(graph.unit)
        .min(0)
        .line_width(1)
        .fill_opacity(10)
        .show_points(model.VisibilityMode.NEVER)
        .span(_WIDE // _PANELS_IN_ROW)
        .height(_HIGH)
    )
    if graph.stacked:
        panel.stacking(common.StackingConfig().mode(model.StackingMode.NORMAL))
    for place, (legend, expr) in enumerate(graph.queries.items()):
        panel.with_target(_query(chr(ord("A") + place), expr, legend))
    return panel


def _query(ref: str, expr: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).expr(expr).legend_format(legend).datasource(_SOURCE).range()


def _instances() -> build.QueryVariable:
    everything = board.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        build.QueryVariable("instance")
        .label("Shipper")
        .datasource(_SOURCE)
        .query("label_values(shipper_build_info, instance)")
        .refresh(board.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(everything)
    )


def _alerts() -> dict[str, object]:
    """Mark the alerts on every time axis. The library does not know the fields of Prometheus' annotations."""
    return {
        "name": "alerts",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "enable": True,
        "hide": False,
        "iconColor": _RED,
        "expr": 'ALERTS{alertname=~"Shipper.*", alertstate="firing"}',
        "step": "60s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{instance}} {{network}} {{sender}} {{index}}",
    }
