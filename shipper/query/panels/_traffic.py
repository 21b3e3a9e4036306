"""How much came, how it ended, and what was under pressure, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.termination import BY, PHASE, read_cookies, read_state
from shipper.limits import PANEL_STATES_MAX
from shipper.query.panels._search import (
    BLAME,
    Panel,
    column,
    count_of,
    counting,
    over_time,
    times,
    total,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import View

_CLASSES: Final = tuple(f"{first}xx" for first in range(1, 6))
_QUEUES: Final = ("backend", "server")
_CONNECTIONS: Final = ("active", "frontend", "backend", "server")


# -- rate ------------------------------------------------------------------------------------------------------------


def _rate(view: View) -> JSON:
    ranges = [{"key": name, "from": int(name[0]) * 100, "to": int(name[0]) * 100 + 100} for name in _CLASSES]
    classes: JSON = {"range": {"field": "http.response.status_code", "keyed": True, "ranges": ranges}}
    return counting(view, {**over_time(view), "classes": {**classes, "aggs": over_time(view)}})


def _read_rate(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]
    classes = {name: column(view, found["classes"]["buckets"][name], count_of, 0) for name in _CLASSES}
    counts = column(view, found, count_of, 0)
    classes["none"] = [count - sum(known) for count, *known in zip(counts, *classes.values(), strict=True)]
    return {"lines": total(answer), "times": times(view), "classes": classes}


# -- terminations ----------------------------------------------------------------------------------------------------


def _terminations(view: View) -> JSON:
    states = {"terms": {"field": "haproxy.termination_state", "size": PANEL_STATES_MAX}}
    blamed = {who: {"terms": {"haproxy.termination.by": list(by)}} for who, by in BLAME.items()}
    return counting(view, {"states": states, "blame": {"filters": {"filters": blamed}, "aggs": over_time(view)}})


def _read_terminations(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]
    blame = {who: column(view, found["blame"]["buckets"][who], count_of, 0) for who in BLAME}
    return {
        "lines": total(answer),
        "rows": [_state(bucket) for bucket in found["states"]["buckets"]],
        "more": found["states"]["sum_other_doc_count"],
        "blame": {"times": times(view), **blame},
    }


def _state(bucket: JSON) -> JSON:
    state = str(bucket["key"])
    return {
        "state": state,
        "count": count_of(bucket),
        "words": state_in_words(state),
        "by": BY.get(state[:1]),
        "phase": PHASE.get(state[1:2]),
        "normal": state.startswith("--"),
    }


def state_in_words(state: str) -> str:
    """Say what a termination state means, and what became of the persistence cookie."""
    said = [meaning.text for meaning in (read_state(state), read_cookies(state)) if meaning is not None]
    return " ".join(said) or "This state is none of HAProxy's."


# -- pressure --------------------------------------------------------------------------------------------------------


def _pressure(view: View) -> JSON:
    wanted: dict[str, Any] = {
        "retries": {"sum": {"field": "haproxy.connections.retries"}},
        "redispatched": {"filter": {"term": {"haproxy.redispatched": True}}},
    }
    wanted |= {f"{side}_queue": {"max": {"field": f"haproxy.{side}_queue"}} for side in _QUEUES}
    wanted |= {f"{side}_connections": {"max": {"field": f"haproxy.connections.{side}"}} for side in _CONNECTIONS}
    return counting(view, over_time(view, wanted))


def _read_pressure(view: View, answer: JSON) -> JSON:
    found = answer["aggregations"]
    return {
        "lines": total(answer),
        "times": times(view),
        "retries": column(view, found, lambda bucket: whole(bucket["retries"]["value"]), 0),
        "redispatched": column(view, found, lambda bucket: count_of(bucket["redispatched"]), 0),
        "queue_max": {side: column(view, found, _value(f"{side}_queue")) for side in _QUEUES},
        "connections_max": {side: column(view, found, _value(f"{side}_connections")) for side in _CONNECTIONS},
    }


def _value(name: str) -> Callable[[JSON], int | None]:
    return lambda bucket: whole(bucket[name]["value"])


PANELS: Final = {
    "rate": Panel(_rate, _read_rate),
    "terminations": Panel(_terminations, _read_terminations),
    "pressure": Panel(_pressure, _read_pressure),
}
