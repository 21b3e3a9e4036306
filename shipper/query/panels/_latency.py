"""How long it took: percentiles over time, of all phases, and the heat map."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from shipper.query._percentiles import MAX, USUAL, Percents, phase_aggregations, read_phase
from shipper.query._population import Phase
from shipper.query.panels._search import Panel, column, count_of, counting, over_time, times, total

if TYPE_CHECKING:
    from shipper.query._percentiles import Aggregations, Percentiles
    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

BOUNDS_MS: Final = (0, *(digit * 10**power for power in range(5) for digit in (1, 2, 5)), 100_000)
"""Lower bounds of the heat map's rows: 1, 2, 5, 10, … up to more than 100 s."""
_OF_A_ROW: Final = Percents.parse("50,75,99,99.9")
_ROW_NAMES: Final = ("p50", "p75", "p99", "p99_9")


def _percentiles(view: View) -> JSON:
    wanted = phase_aggregations(view.phase, USUAL)
    return counting(view, {**wanted, **over_time(view, wanted)})


def _read_percentiles(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]
    every = read_phase(found, view.phase, USUAL)
    empty = (None,) * (len(USUAL.values) + 1)
    rows = column(view, found, lambda bucket: _values(read_phase(bucket, view.phase, USUAL)), empty)
    counts = column(view, found, lambda bucket: read_phase(bucket, view.phase, USUAL).population, 0)
    return {
        "phase": view.phase,
        "field": view.phase.field,
        "population": every.population,
        "lines": total(answer),
        "whole": every.as_json(USUAL),
        "times": times(view),
        "counts": counts,
        "percentiles": dict(zip((*USUAL.names, MAX), map(list, zip(*rows, strict=True)), strict=True)),
    }


def _values(found: Percentiles) -> tuple[int | None, ...]:
    return (*found.values, found.max)


def _phases(view: View) -> JSON:
    wanted: dict[str, Any] = {}
    for phase in Phase:
        wanted |= phase_aggregations(phase, USUAL)
    return counting(view, wanted)


def _read_phases(_view: View, answer: JSON) -> JSON:
    found = {phase: read_phase(answer["aggregations"], phase, USUAL) for phase in Phase}
    rows = [
        {"phase": phase, "field": phase.field, "population": of.population, **of.as_json(USUAL)}
        for phase, of in found.items()
    ]
    return {"lines": total(answer), "rows": rows}


def _heatmap(view: View) -> JSON:
    ranges: list[JSON] = [{"from": low, "to": high} for low, high in pairwise(BOUNDS_MS)]
    rows = {"field": view.phase.field, "keyed": False, "ranges": [*ranges, {"from": BOUNDS_MS[-1]}]}
    return counting(view, {"bounds": {"range": rows, "aggs": over_time(view)}})


def _read_heatmap(view: View, answer: JSON) -> JSON:
    rows = [column(view, row, count_of, 0) for row in answer["aggregations"]["bounds"]["buckets"]]
    return {
        "phase": view.phase,
        "times": times(view),
        "bounds_ms": list(BOUNDS_MS),
        "counts": [list(counts) for counts in zip(*rows, strict=True)],
    }


def row_aggregations(view: View) -> Aggregations:
    """Give what ``row_percentiles`` reads in each bucket of a table."""
    return phase_aggregations(view.phase, _OF_A_ROW)


def row_percentiles(view: View, bucket: JSON) -> JSON:
    """Give the percentiles and the population of a table's row."""
    found = read_phase(bucket, view.phase, _OF_A_ROW)
    return {"population": found.population, **dict(zip(_ROW_NAMES, found.values, strict=True))}


PANELS: Final = {
    "percentiles": Panel(_percentiles, _read_percentiles),
    "phases": Panel(_phases, _read_phases),
    "heatmap": Panel(_heatmap, _read_heatmap),
}
