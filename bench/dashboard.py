"""What every search of the dashboard costs over 24 hours and 10 million documents, and how exact its percentiles are.

1. A search is asked as the page asks it, by ``shipper.query.panels``; a time is from the question to the page's data.
2. Cold: Elasticsearch's caches (requests, filters, ordinals) are cleared first. Renewed: only the request cache is, as
   each new document does to a day that still grows. Warm: asked again within the interval. What the operating system
   holds of the files is left alone.
3. CPU is Elasticsearch's for a renewed search: what a machine that does other work as well has to give.
4. It fails when a search takes longer than the bounds, at the median of its rounds.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from bench import day, digests
from deploy.local_elasticsearch import LocalElasticsearch, Unavailable
from shipper.limits import DASHBOARD_QUERIES_MAX, GIB
from shipper.query import Dimension, Phase, Window
from shipper.query.panels import Panels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shipper.elastic import Client
    from shipper.query.panels import Asked

COLD_S_MAX: Final = 5.0
WARM_S_MAX: Final = 2.0
ROUNDS: Final = 3
_CPU_LOOK_S: Final = 1.1
NEEDED: Final = f"{day.DISK_BYTES / GIB:.0f} GiB"

SEARCHES: Final[Sequence[tuple[str, Mapping[str, str]]]] = (
    *(("percentiles", {"phase": phase}) for phase in Phase),
    ("phases", {}),
    *(("heatmap", {"phase": phase}) for phase in (Phase.TOTAL, Phase.RESPONSE)),
    ("backends", {}),
    *(("paths", {"order": order}) for order in ("p99", "requests")),
    ("rate", {}),
    ("terminations", {}),
    ("pressure", {}),
    ("tls", {}),
    ("clients", {}),
    ("events", {}),
    *(("lines", {"order": order}) for order in ("latest", "slowest")),
    *(("values", {"field": by}) for by in Dimension),
    ("percentiles", {"backend": "shop", "status": "2xx"}),
    ("backends", {"status": "5xx"}),
)
"""Every panel, and every field by which it can be a search of its own; with filters there are fewer lines to count."""


def main(url: str | None) -> bool:
    """Measure; tell whether every search kept within the bounds. ``url`` is of a node that has the day, or gets it."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    from_ms = int(day.START.timestamp() * 1_000)
    window = Window.around(from_ms, from_ms + day.HOURS * 3_600_000)
    try:
        with _node(url, console) as at:
            started_s = time.monotonic()
            count = day.load(at)
            console.print(f"{count:,} documents are ready after {time.monotonic() - started_s:,.0f} s.")
            client = day.client_of(at)
            table, kept = _measure(client, window)
            console.print(table)
            digests.compare(console, client, window)
            client.close()
    except Unavailable as error:
        sys.exit(f"{error}")
    return kept


@contextmanager
def _node(url: str | None, console: Console) -> Iterator[str]:
    """Give the URL of a node with the folder that keeps the day."""
    if url is not None:
        yield url
        return
    folder = day.folder()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if not any(folder.iterdir()):
        if free < day.DISK_BYTES:
            raise Unavailable(f"{folder} has {free / GIB:.1f} GiB free, and 10 million documents need {NEEDED}.")
        console.print(f"10 million documents are made once, and kept in {folder} ({NEEDED} of disk, half an hour).")
    with LocalElasticsearch(heap="2g", data=folder) as elasticsearch:
        yield elasticsearch.url


def _measure(client: Client, window: Window) -> tuple[Table, bool]:
    """Give the table of all searches, and whether they kept within the bounds."""
    table = Table(*("search", "cold", "at most", "renewed", "CPU", "warm", "at most", "kB", ""), title="median seconds")
    counted = _Counted(client)
    panels = Panels(counted, day.INDEX, lambda: window.to_ms, {})
    all_kept = True
    for name, options in SEARCHES:
        cost = _cost(counted, [_asked(panels, window, name, options)])
        kept = median(cost.cold_s) <= COLD_S_MAX and median(cost.warm_s) <= WARM_S_MAX
        title = " ".join((name, *(f"{key}={value}" for key, value in options.items())))
        table.add_row(title, *cost.columns(), "" if kept else "too slow")
        all_kept &= kept
    page = {name: _asked(panels, window, name, options) for name, options in reversed(SEARCHES) if name != "values"}
    table.add_row(f"the page, {DASHBOARD_QUERIES_MAX} at a time", *_cost(counted, [*page.values()]).columns())
    return table, all_kept


def _asked(panels: Panels, window: Window, name: str, options: Mapping[str, str]) -> Asked:
    chosen = {"from": f"{window.from_ms}", "to": f"{window.to_ms}", **options}
    asked = panels.ask(name, {key: [value] for key, value in chosen.items()})
    assert asked is not None  # noqa: S101 -- it names a panel
    return asked


def _cost(client: _Counted, searches: Sequence[Asked]) -> Cost:
    cold_s = [_timed(client, searches, "/_cache/clear") for _ in range(ROUNDS)]
    before_s, client.bytes = client.cpu_s(), 0
    renewed_s = [_timed(client, searches, "/_cache/clear?request=true") for _ in range(ROUNDS)]
    cpu_s, size = client.cpu_s() - before_s, client.bytes
    warm_s = [_timed(client, searches) for _ in range(ROUNDS)]
    return Cost(cold_s, renewed_s, warm_s, cpu_s / ROUNDS, size // ROUNDS)


def _timed(client: _Counted, searches: Sequence[Asked], clear: str = "") -> float:
    """Give the seconds until all are answered; those of the page wait for each other as its server lets them."""
    if clear:
        day.ask(client.client, "POST", f"/{day.INDEX.pattern}{clear}")
    with ThreadPoolExecutor(DASHBOARD_QUERIES_MAX) as pool:
        started_s = time.perf_counter()
        for answer in [pool.submit(asked.answer) for asked in searches]:
            answer.result()
        return time.perf_counter() - started_s


@dataclass(frozen=True, slots=True)
class Cost:
    """What a search, or several at once, cost in each round; ``cpu_s`` is Elasticsearch's, for a renewed one."""

    cold_s: Sequence[float]
    renewed_s: Sequence[float]
    warm_s: Sequence[float]
    cpu_s: float
    bytes: int

    def columns(self) -> Iterator[str]:
        """Give what the table shows of it."""
        times = (median(self.cold_s), max(self.cold_s), median(self.renewed_s), self.cpu_s)
        yield from (f"{each:.2f}" for each in (*times, median(self.warm_s), max(self.warm_s)))
        yield f"{self.bytes / 1_000:.0f}"


class _Counted:
    """A client that counts the bytes of its answers."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.bytes = 0

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        """Send one request."""
        status, answer = self.client.request(method, path, body)
        self.bytes += len(json.dumps(answer, separators=(",", ":")))
        return status, answer

    def cpu_s(self) -> float:
        """Give the CPU time that the nodes have taken since they were started; they look once a second."""
        time.sleep(_CPU_LOOK_S)
        nodes = day.ask(self.client, "GET", "/_nodes/stats/process")["nodes"].values()
        return sum(float(node["process"]["cpu"]["total_in_millis"]) for node in nodes) / 1_000
