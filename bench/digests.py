"""What Elasticsearch's ways to count percentiles are off by, and what each costs: t-digest, and HDR with 2 or 3 digits.

1. The truth is the nearest rank among all values: Elasticsearch is asked how often each value is there, a composite
   aggregation that leaves none out.
2. An error counts where it is more than 1 ms: timers are whole milliseconds.
3. Time is what Elasticsearch says it took, without its request cache: the median.
4. No circuit breaker of Elasticsearch counts the memory of HDR histograms, so it is computed: the library keeps an
   array for each doubling up to the largest value.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench.day import INDEX, ask
from shipper.query import USUAL, Filters, Phase, Window, exactly, population_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from shipper.elastic import Client
    from shipper.query import Percentiles

ROUNDS: Final = 3
METHODS: Final[Mapping[str, Mapping[str, Any]]] = {
    "t-digest, as it is": {},
    "t-digest, compression 1,000": {"tdigest": {"compression": 1_000}},
    "hdr, 2 digits": {"hdr": {"number_of_significant_value_digits": 2}},
    "hdr, 3 digits": {"hdr": {"number_of_significant_value_digits": 3}},
}
_PERCENTS: Final = [float(value) for value in USUAL.values]
_PAGE: Final = 10_000


def compare(console: Console, client: Client, window: Window) -> None:
    """Print the methods side by side, for each phase: over the whole window, and in its slots."""
    for phase in Phase:
        query = population_query(Filters(), window.span, phase)
        truth = exactly(_counted(client, query, phase), USUAL)
        if truth.population:
            console.print(_table(client, window, query, phase, truth))


def _table(client: Client, window: Window, query: Mapping[str, Any], phase: Phase, truth: Percentiles) -> Table:
    values = ", ".join(f"p{name} {value}" for name, value in zip(USUAL.names, truth.values, strict=True))
    table = Table("method", "off by at most", "at", "whole", f"{len(window.times)} slots", "memory of one")
    table.title = f"{phase}, {truth.population:,} values: {values}"
    for name, options in METHODS.items():
        how = {"percentiles": {"field": phase.field, "percents": _PERCENTS, "keyed": False, **options}}
        whole_s, answer = _timed(client, query, {"found": how})
        slots_s, _ = _timed(client, query, {"slots": {**_slots(window), "aggs": {"found": how}}})
        off, where = max(errors(answer["found"]["values"], truth))
        table.add_row(
            name, f"{off:.2%}", where, f"{whole_s:.2f} s", f"{slots_s:.2f} s", _memory(options, truth.max or 0)
        )
    return table


def errors(found: Sequence[Mapping[str, float]], truth: Percentiles) -> Iterator[tuple[float, str]]:
    """Give each percentile's error as a share, and what it is the error of."""
    for name, each, exact in zip(USUAL.names, found, truth.values, strict=True):
        off = abs(each["value"] - (exact or 0))
        yield (off / (exact or 1), f"p{name}: {each['value']:.1f} for {exact}") if off > 1 else (0.0, "")


def _counted(client: Client, query: Mapping[str, Any], phase: Phase) -> Counter[int]:
    """Count each value of a phase's timer."""
    counted: Counter[int] = Counter()
    pages: dict[str, Any] = {"size": _PAGE, "sources": [{"value": {"terms": {"field": phase.field}}}]}
    while True:
        found = _ask(client, query, {"pages": {"composite": pages}})["aggregations"]["pages"]
        counted.update({bucket["key"]["value"]: bucket["doc_count"] for bucket in found["buckets"]})
        if "after_key" not in found:
            return counted
        pages["after"] = found["after_key"]


def _timed(
    client: Client, query: Mapping[str, Any], aggregations: Mapping[str, Any]
) -> tuple[float, Mapping[str, Any]]:
    """Give the median of some rounds in seconds, and the answers."""
    answers = [_ask(client, query, aggregations) for _ in range(ROUNDS)]
    return statistics.median(answer["took"] for answer in answers) / 1_000, answers[0]["aggregations"]


def _ask(client: Client, query: Mapping[str, Any], aggregations: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- JSON
    body = {"size": 0, "track_total_hits": False, "query": query, "aggs": aggregations}
    return ask(client, "POST", f"/{INDEX.pattern}/_search?request_cache=false", body)


def _slots(window: Window) -> Mapping[str, Any]:
    return {"date_histogram": {"field": "@timestamp", "fixed_interval": f"{window.interval_ms}ms"}}


def _memory(options: Mapping[str, Any], largest: int) -> str:
    """Compute what a histogram of values from 1 to ``largest`` takes."""
    if "hdr" not in options:
        return "130 KiB" if options else "14 KiB"  # measured, whatever the values
    steps = 10 ** options["hdr"]["number_of_significant_value_digits"]
    doublings = math.ceil(math.log2(max(largest, 2))) + 1
    return f"{doublings * 2 ** math.ceil(math.log2(steps)) * 8 / 1024:,.0f} KiB"
