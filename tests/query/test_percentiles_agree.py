"""One capture, counted in five ways: naively, by `shipper percentiles` from the file and from Elasticsearch, by the
page's query, and by HAProxy's own `halog -pct`.

The capture has what a real HAProxy wrote, phases that were never reached (-1), lower bounds (+), TCP and HAProxy's own
messages. What an approximate way gives is within 1% or 1 ms of an exact value at most one rank away.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from shipper.query import USUAL, Dimension, Phase, counts
from shipper.query._compare import value_at
from shipper.query.panels import Panels
from shipper.replay.generating import Scenario, generate
from tests.cli.commands import shipper
from tests.conftest import cannot_run
from tests.query.lines import SAMPLES, captured, index_direct, settings, write
from tests.query.nearest_rank import agrees, nearest_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from shipper.config import Config
    from shipper.elastic import Client

START_US: Final = 1_795_220_000_000_000
BY: Final = (Dimension.BACKEND, Dimension.SERVER)
HALOG: Final = (Phase.REQUEST, Phase.CONNECT, Phase.RESPONSE)
"""The phases in the columns of `halog -pct`; behind them is the rest of the total, which it cannot tell for `+`."""
REAL: Final = ("httplog-local", "tcplog-local", "events-local")
ODD: Final = (
    'www shop/<NOSRV> -1/-1/-1/-1/{0} 400 187 - - PR-- 5/5/0/0/0 0/0 {{}} "<BADREQ>"',
    'www shop/shop-1 {0}/-1/-1/-1/8000 503 194 - - sQ-- 9/9/3/0/0 0/9 "GET /queue HTTP/1.1"',
    'www shop/shop-1 1/7/-1/-1/3010 503 194 - - SC-- 9/9/3/0/3 0/0 "GET /down HTTP/1.1"',
    'www shop/shop-2 1/0/2/-1/50001 504 194 - - sH-- 7/5/3/1/1 0/0 "GET /slow HTTP/1.1"',
    'www shop/shop-2 1/0/2/{0}/+{0} 200 +300 - - ---- 7/5/3/1/0 0/0 "GET /logasap HTTP/1.1"',
)


@dataclass(frozen=True, slots=True)
class Capture:
    """The file and its documents."""

    file: Path
    documents: tuple[Mapping[str, Any], ...]

    @property
    def lower_bounds(self) -> int:
        """The lines that were logged before their end."""
        return sum(value_at(document, "haproxy.partial") is True for document in self.documents)

    def values(self, phase: Phase, *, wanted: Callable[[Mapping[str, Any]], bool] = counts) -> list[int]:
        """Give a phase's milliseconds, of all lines that have it."""
        found = (value_at(document, phase.field) for document in self.documents if wanted(document))
        return [ms for ms in found if ms is not None]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    odd = (
        f"<134>Nov 21 05:10:{n % 60:02} haproxy[7]: 192.0.2.4:{1024 + n} [21/Nov/2026:05:10:{n % 60:02}.{n:03}] "
        f"{ODD[n % len(ODD)].format(n)}"
        for n in range(500)
    )
    lines = [
        *(raw for file in SAMPLES if file.stem in REAL for raw in file.read_bytes().splitlines() if raw),
        *generate(Scenario(START_US, seed=7, rate=1.0, lines=4_000)),
        *(raw.encode() for raw in odd),
    ]
    file = write(tmp_path_factory.mktemp("capture") / "haproxy.log", lines)
    made = captured(settings("http://127.0.0.1:9", "test"), file)
    assert len(made) == len(lines)
    return Capture(file, tuple(json.loads(each.document) for each in made))


@pytest.fixture
def indexed(capture: Capture, config: Config, client: Client) -> Capture:
    index_direct(client, captured(config, capture.file))
    client.request("POST", f"/{config.index.pattern}/_refresh")
    return capture


def percentiles(*arguments: str | Path) -> dict[str, Any]:
    done = shipper("percentiles", "--json", "--timezone", "UTC", "--phase", "all", *arguments)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def of_groups(capture: Capture, phase: Phase) -> dict[tuple[str | None, ...], list[int]]:
    values: dict[tuple[str | None, ...], list[int]] = defaultdict(list)
    for document in filter(counts, capture.documents):
        ms = value_at(document, phase.field)
        values[tuple(value_at(document, by.field) for by in BY)] += [] if ms is None else [ms]
    return values


def test_the_capture_has_every_kind_of_line(capture: Capture) -> None:
    populations = {phase: len(capture.values(phase)) for phase in Phase}
    assert populations[Phase.TOTAL] > populations[Phase.QUEUE] > populations[Phase.CONNECT]
    assert populations[Phase.CONNECT] > populations[Phase.RESPONSE] > populations[Phase.DATA] > 0
    kinds = {value_at(document, "haproxy.line") for document in capture.documents}
    assert kinds >= {"traffic", "event"}
    assert capture.lower_bounds >= 100


def test_from_a_file_each_percentile_of_each_group_is_exact(capture: Capture) -> None:
    answer = percentiles("--by", ",".join(BY), capture.file)
    rows = {tuple(row["group"].values()): row["phases"] for row in answer["rows"]}
    for phase in Phase:
        groups = of_groups(capture, phase)
        assert set(rows) == set(groups)
        for found, values in [
            (answer["whole"]["phases"][phase], capture.values(phase)),
            *((rows[group][phase], values) for group, values in groups.items()),
        ]:
            exact = {name: nearest_rank(values, Decimal(name)) for name in USUAL.names}
            assert found == {"population": len(values), **exact, "max": max(values, default=None)}


def test_from_elasticsearch_each_agrees_and_populations_are_exact(indexed: Capture, config: Config) -> None:
    flags = ("--elasticsearch", config.elasticsearch.urls[0], "--index-prefix", config.index.prefix)
    answer = percentiles(*flags, "--by", ",".join(BY), "--from", "2026-01-01")
    rows = {tuple(row["group"].values()): row["phases"] for row in answer["rows"]}
    for phase in Phase:
        groups = of_groups(indexed, phase)
        assert set(rows) == set(groups)
        for group, values in groups.items():
            found = rows[group][phase]
            assert (found["population"], found["max"]) == (len(values), max(values, default=None))
            assert all(agrees(found[name], values, Decimal(name)) for name in USUAL.names), (group, phase, found)
    assert answer["lower_bounds"] == sum(
        value_at(document, "haproxy.partial") is True for document in indexed.documents
    )


def test_the_page_shows_what_the_terminal_shows(indexed: Capture, config: Config, client: Client) -> None:
    flags = ("--elasticsearch", config.elasticsearch.urls[0], "--index-prefix", config.index.prefix)
    whole = percentiles(*flags, "--from", "2026-11-21", "--until", "2026-11-22")["whole"]
    panels = Panels(client, config.index, lambda: START_US // 1_000, {})
    for phase in Phase:
        asked = panels.ask(
            "percentiles", {"from": ["2026-11-21T00:00:00Z"], "to": ["2026-11-22T00:00:00Z"], "phase": [phase]}
        )
        assert asked is not None
        page = asked.answer()
        assert (page["lines"], page["population"]) == (whole["lines"], whole["phases"][phase]["population"])
        assert {"population": page["population"], **page["whole"]} == whole["phases"][phase]
        assert all(agrees(page["whole"][name], indexed.values(phase), Decimal(name)) for name in USUAL.names)


def test_halog_agrees_of_the_lines_that_it_counts(capture: Capture) -> None:
    table, told = halog(capture.file)
    reached = (Phase.REQUEST, Phase.QUEUE, Phase.CONNECT, Phase.RESPONSE)

    def whole(document: Mapping[str, Any]) -> bool:
        return counts(document) and all(value_at(document, phase.field) is not None for phase in reached)

    assert f" {len(capture.values(Phase.RESPONSE, wanted=whole))} lines out" in told
    for place, phase in enumerate(HALOG):
        values = capture.values(phase, wanted=whole)
        for name in USUAL.names:
            assert agrees(table[Decimal(name)][place], values, Decimal(name)), (phase, name)
    assert capture.values(Phase.RESPONSE, wanted=whole) == capture.values(Phase.RESPONSE)


def halog(file: Path) -> tuple[dict[Decimal, list[int]], str]:
    """Give each percent's milliseconds in the order of HALOG, and what halog says of the lines."""
    binary = shutil.which("halog", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if binary is None:
        cannot_run("there is no halog; it comes with haproxy")
    with file.open("rb") as lines:
        done = subprocess.run([binary, "-s", "0", "-pct"], stdin=lines, capture_output=True, check=True)
    rows = [row.split() for row in done.stdout.decode().splitlines()]
    return {Decimal(row[0]): [int(ms) for ms in row[2:5]] for row in rows}, done.stderr.decode()
