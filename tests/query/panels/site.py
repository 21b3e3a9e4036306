"""A site's traffic of two hours in an Elasticsearch, and the same documents in hand, to count by."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.formats import Format
from shipper.haproxy.timestamps import read_iso
from shipper.query import Filters, Percents, Phase, counts, exactly
from shipper.query._compare import value_at
from shipper.query.panels import Panels
from shipper.replay.generating import Scenario, generate
from tests.query.lines import captured, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from shipper.config import Config
    from shipper.elastic import Client
    from shipper.query import Expected

START_MS: Final = 1_795_168_800_000
"""20 November 2026, 10:00, in UTC."""
HOUR_MS: Final = 3_600_000
END_MS: Final = START_MS + 2 * HOUR_MS
RANGE: Final = {"from": [str(START_MS)], "to": [str(END_MS)]}
INTERVAL_MS: Final = 60_000
DAY_MS: Final = 24 * HOUR_MS
MARKUP: Final = "<script>alert(1)</script><img/src=x/onerror=alert(1)>"

TRAFFIC: Final = (
    # a phase that was never reached, a lower bound, a retry elsewhere, a queue, markup where a visitor can put it
    'www shop/<NOSRV> -1/-1/-1/-1/7 400 187 - - PR-- 5/5/0/0/0 0/0 "<BADREQ>"',
    'www shop/shop-1 1/0/0/9/+12 200 +300 - - ---- 6/5/1/1/0 0/0 "GET /asap HTTP/1.1"',
    'www shop/shop-2 1/900/1/9/911 200 300 - - ---- 70/50/30/9/+2 3/17 "GET /moved HTTP/1.1"',
    'www shop/shop-2 1/0/1/-1/50001 504 194 - - sH-- 7/5/3/1/1 0/0 "GET /slow HTTP/1.1"',
    f'www shop/shop-2 0/0/0/1/1 200 300 - - ---- 7/5/3/1/0 0/0 "GET /{MARKUP} HTTP/1.1"',
)
DOWN: Final = (
    "Server shop/shop-3 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 4 active and 0 backup servers left. "
    "0 sessions active, 0 requeued, 0 remaining in queue."
)
UP: Final = (
    "Server api/api-1 is UP, reason: Layer4 check passed, check duration: 0ms. 4 active and 0 backup servers online. "
    "0 sessions requeued, 0 total in queue."
)
EVENTS: Final = ((5, DOWN), (6, UP), (7, "Proxy www started."), (7, "Proxy api started."), (8, "not HAProxy's words"))
"""With the second at which each is said."""


@dataclass(frozen=True, slots=True)
class Site:
    """The documents, and who asks for panels of them."""

    config: Config
    client: Client
    documents: tuple[Mapping[str, Any], ...]

    def panel(self, name: str, **parameters: str | Sequence[str]) -> Any:  # noqa: ANN401 -- JSON
        """Ask for a panel of the two hours."""
        given = {key: [value] if isinstance(value, str) else list(value) for key, value in parameters.items()}
        asked = self.panels().ask(name, {**RANGE, **given})
        assert asked is not None
        return asked.answer()

    def panels(self) -> Panels:
        return Panels(self.client, self.config.index, lambda: END_MS, {})

    def traffic(self, **filters: Sequence[str]) -> list[Mapping[str, Any]]:
        """Give the documents of the lines that count."""
        wanted = Filters.of(filters)
        return [document for document in self.documents if counts(document) and wanted.fit(document)]


def made(config: Config, folder: Path) -> list[Expected]:
    """Make the traffic up."""
    https = Format(name="httpslog", log_format="httpslog")
    tcp = Format(name="tcplog", log_format="tcplog")
    lines = [
        *generate(Scenario(START_MS * 1_000, seed=3, rate=0.3, seconds=7_199, log_format=https)),
        *generate(Scenario(START_MS * 1_000, seed=4, rate=0.1, seconds=7_199, log_format=tcp)),
        *(
            f"<134>Nov 20 10:30:0{n} haproxy[7]: 198.51.100.1:400{n} [20/Nov/2026:10:30:0{n}.123] {text}".encode()
            for n, text in enumerate(TRAFFIC)
        ),
        *(f"<134>Nov 20 10:30:{second:02} haproxy[7]: {text}".encode() for second, text in EVENTS),
    ]
    return captured(config, write(folder / "site.log", lines))


def loaded(documents: Sequence[Expected]) -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(each.document) for each in documents)


# -- counting by hand ------------------------------------------------------------------------------------------------


def time_of(document: Mapping[str, Any]) -> int:
    found = read_iso(document["@timestamp"].encode())
    assert found is not None
    return found[0] // 1_000


def slot_of(document: Mapping[str, Any]) -> int:
    return (time_of(document) - START_MS) // INTERVAL_MS


def per_slot(documents: Sequence[Mapping[str, Any]]) -> list[int]:
    """Count by slots of the two hours."""
    counted = Counter(slot_of(document) for document in documents)
    return [counted[slot] for slot in range((END_MS - START_MS) // INTERVAL_MS)]


def of_slots(
    documents: Sequence[Mapping[str, Any]], value: Callable[[Sequence[Mapping[str, Any]]], object]
) -> list[object]:
    """Give what ``value`` makes of the documents of each slot."""
    slots: list[list[Mapping[str, Any]]] = [[] for _ in per_slot(())]
    for document in documents:
        slots[slot_of(document)].append(document)
    return [value(slot) for slot in slots]


def values(documents: Sequence[Mapping[str, Any]], field: str) -> list[Any]:
    """Give a field's values where it has one."""
    return [value for document in documents if (value := value_at(document, field)) is not None]


def largest(field: str) -> Callable[[Sequence[Mapping[str, Any]]], object]:
    return lambda documents: max(values(documents, field), default=None)


def is_near(found: float | None, documents: Sequence[Mapping[str, Any]], phase: Phase, percent: str) -> bool:
    """Tell whether a percentile is within 1% or 1 ms of an exact value at most one rank away."""
    ordered = sorted(values(documents, phase.field))
    if not ordered or found is None:
        return not ordered and found is None
    exact = exactly(Counter(ordered), Percents.parse(percent)).values[0]
    at = ordered.index(int(exact or 0)), len(ordered) - ordered[::-1].index(int(exact or 0)) - 1
    near = ordered[max(at[0] - 1, 0) : at[1] + 2]
    return any(abs(found - value) <= max(1, value / 100) for value in {*near[:2], *near[-2:], exact or 0})


def failures(documents: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    by = {"server", "server_timeout", "server_down", "resource", "internal"}
    for document in documents:
        status = value_at(document, "http.response.status_code") or 0
        if status >= 500 or value_at(document, "haproxy.termination.by") in by:
            yield document
