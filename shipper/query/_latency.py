"""How soon what is sent can be found: a few documents a second are looked for until a search finds them.

1. That a bulk request was answered and that its documents can be found are two moments, with a refresh between them;
   this measures the second. Nothing is refreshed for it.
2. A latency is an upper bound: the document was not there at the look before. Looks are ``LOOK_INTERVAL_S`` apart.
3. Few are in flight: while too many are not found, no further one is taken.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import Permanent, Retryable
from shipper.limits import PROBES_IN_FLIGHT_MAX
from shipper.query._compare import value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipper.query._findings import Document
    from shipper.query._reading import Documents

LOOK_INTERVAL_S: Final = 0.25
"""Between two looks: little against a refresh interval of seconds."""
_STEP: Final = 1.01
"""A latency is kept to within so much."""
_LEAST_S: Final = 1e-6
_TELLING: Final = (
    "@timestamp",
    "source.address",
    "source.port",
    "haproxy.frontend_name",
    "haproxy.server_name",
    "haproxy.bytes_read",
    "haproxy.time.total_ms",
)
"""What together no other request has."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Of ``count`` measurements: the median, the 99th percentile and the largest; None without any."""

    count: int
    p50_s: float | None
    p99_s: float | None
    max_s: float | None

    def as_json(self) -> dict[str, float | None]:
        """Give the values by their names."""
        return asdict(self)


class Latencies:
    """Counts latencies in classes that grow by 1%: any number of them takes the same memory."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._max_s = 0.0

    def add(self, latency_s: float, count: int = 1) -> None:
        """Take ``count`` equal ones."""
        self._classes[math.ceil(math.log(max(latency_s, _LEAST_S) / _LEAST_S, _STEP))] += count
        self._max_s = max(self._max_s, latency_s)

    def summary(self) -> Latency:
        """Give what is known so far."""
        total = self._classes.total()
        if not total:
            return Latency(0, None, None, None)
        return Latency(total, self._quantile(0.5 * total), self._quantile(0.99 * total), self._max_s)

    def _quantile(self, rank: float) -> float:
        """Give the upper bound of the class in which the one of this rank lies."""
        below = 0
        for number, count in sorted(self._classes.items()):
            below += count
            if below >= rank:
                return min(_LEAST_S * _STEP**number, self._max_s)
        return self._max_s


def by_id(id_: str) -> Mapping[str, object]:
    """Give the query that finds one document by its `_id`."""
    return {"ids": {"values": [id_]}}


def by_content(document: Document, received_since: str | None = None) -> Mapping[str, object] | None:
    """Give the query that finds a line's document, received since a moment (a timestamp); None where it has no client.

    The receipt tells it from what the same line became at an earlier time.
    """
    values = {field: value_at(document, field) for field in _TELLING}
    if values["source.port"] is None:
        return None
    filters: list[Any] = [{"term": {field: value}} for field, value in values.items() if value is not None]
    if received_since is not None:
        filters.append({"range": {"event.created": {"gte": received_since}}})
    return {"bool": {"filter": filters}}


class SearchProbe:
    """Measures from sending to being found. ``clock_s`` is monotonic; one thread sends, another looks.

    The sender asks ``wants``, cheaply and for each line if need be, and says ``sent``.
    """

    def __init__(
        self, documents: Documents, pattern: str, *, clock_s: Callable[[], float], probes_per_s: float = 10.0
    ) -> None:
        self.failure: str | None = None
        """Why no more is looked for."""
        self._documents = documents
        self._pattern = pattern
        self._clock_s = clock_s
        self._interval_s = 1 / probes_per_s
        self._next_s = -math.inf
        self._sent: deque[tuple[float, Mapping[str, object]]] = deque()
        self._open: list[tuple[float, Mapping[str, object]]] = []
        self._found = Latencies()

    @property
    def in_flight(self) -> int:
        """How many are sent and not found."""
        return len(self._sent) + len(self._open)

    def wants(self) -> bool:
        """Tell whether the next document should be one that is looked for."""
        return self._clock_s() >= self._next_s and self.in_flight < PROBES_IN_FLIGHT_MAX

    def sent(self, query: Mapping[str, object], sent_s: float | None = None) -> None:
        """Take note that what ``query`` finds, and nothing else that is there already, is sent now, or was before."""
        now_s = self._clock_s()
        self._next_s = now_s + self._interval_s
        self._sent.append((now_s if sent_s is None else sent_s, query))

    def look(self) -> None:
        """Look once for all that is sent and not found. Raises Permanent when searching is refused."""
        while self._sent:
            self._open.append(self._sent.popleft())
        if not self._open:
            return
        try:
            counts = self._documents.count_each(self._pattern, [query for _, query in self._open])
        except Retryable:
            return
        now_s = self._clock_s()
        for (sent_s, _), count in zip(self._open, counts, strict=True):
            if count:
                self._found.add(now_s - sent_s)
        self._open = [probe for probe, count in zip(self._open, counts, strict=True) if not count]

    def run(self, ended: Callable[[], bool], sleep: Callable[[float], object]) -> None:
        """Look again and again until ``ended``; the look after that is the last."""
        try:
            while not ended():
                self.look()
                sleep(LOOK_INTERVAL_S)
            self.look()
        except Permanent as error:
            self.failure = str(error)

    def summary(self) -> Latency:
        """Give what was measured so far; what is in flight is not in it."""
        return self._found.summary()
