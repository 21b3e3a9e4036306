"""The parts that panels' searches are made of, and how their answers are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shipper.haproxy.termination import BY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipper.query._percentiles import Aggregations
    from shipper.query._population import Clause
    from shipper.query.panels._view import View

JSON: TypeAlias = "dict[str, Any]"
Column: TypeAlias = "list[Any]"

SLOTS: Final = "slots"
BLAME: Final[Mapping[str, tuple[str, ...]]] = {
    "client": tuple(BY[letter] for letter in "Cc"),
    "server": tuple(BY[letter] for letter in "SsD"),
    "proxy": tuple(BY[letter] for letter in "PRIKU"),
}
"""Who ended what did not end as it should, by `haproxy.termination.by`."""
_FAILED_BY: Final = [BY[letter] for letter in "SsDRI"]
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Panel:
    """What is asked for a view, and what the page gets of the answer."""

    search: Callable[[View], JSON]
    read: Callable[[View, JSON], JSON]


def counting(view: View, aggregations: Aggregations) -> JSON:
    """Give the search for aggregations over the lines of a view, with their number."""
    return {"size": 0, "track_total_hits": True, "query": view.query(), "aggs": aggregations}


def total(answer: JSON) -> int:
    """Give how many lines there are."""
    return int(answer["hits"]["total"]["value"])


def over_time(view: View, aggregations: Aggregations | None = None) -> Aggregations:
    """Give the aggregation by slots of time."""
    interval = f"{view.window.interval_ms}ms"
    slots = {"date_histogram": {"field": "@timestamp", "fixed_interval": interval, "min_doc_count": 1}}
    return {SLOTS: {**slots, "aggs": aggregations} if aggregations else slots}


def times(view: View) -> list[int]:
    """Give the starts of the slots where the page has them."""
    return list(view.window.times)


def column(view: View, answer: Mapping[str, Any], value: Callable[[JSON], Any], empty: object = None) -> Column:
    """Give a value of each slot; ``empty`` where there is no line."""
    found = {bucket["key"]: value(bucket) for bucket in answer[SLOTS]["buckets"]}
    return [found.get(time, empty) for time in view.asked.times]


def count_of(bucket: JSON) -> int:
    """Give how many lines a bucket has."""
    return int(bucket["doc_count"])


def whole(value: float | None) -> int | None:
    """Give a number that is whole by its nature as such."""
    return None if value is None else int(value)


def failed() -> Clause:
    """Give the clause of what failed: status 5xx, or ended by a server, its timeout, or HAProxy's lack of resources.

    A client that left and a request that was denied are none of it.
    """
    return {
        "bool": {
            "should": [
                {"range": {"http.response.status_code": {"gte": _SERVER_ERROR}}},
                {"terms": {"haproxy.termination.by": _FAILED_BY}},
            ],
            "minimum_should_match": 1,
        }
    }
