"""How soon documents can be found, measured."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import ConnectionFailed
from shipper.limits import PROBES_IN_FLIGHT_MAX
from shipper.query import Documents, Latencies, Latency, SearchProbe, by_content, by_id
from tests.query.lines import captured, index_direct, index_live, line, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shipper.config import Config
    from shipper.elastic import Client


@dataclass
class Cluster:
    """Finds the ids in ``there``. Answers, or refuses or is away."""

    there: set[str] = field(default_factory=set)
    status: int = 200
    away: bool = False

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        assert (method, path.partition("?")[0]) == ("POST", "/i-*/_search")
        assert body is not None
        if self.away:
            raise ConnectionFailed("away")
        filters = body["aggs"]["each"]["filters"]["filters"]
        buckets = [{"doc_count": int(each["ids"]["values"][0] in self.there)} for each in filters]
        return self.status, {"aggregations": {"each": {"buckets": buckets}}} if buckets else {}


class Bench:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.cluster = Cluster()
        self.probe = SearchProbe(Documents(self.cluster, self.sleep), "i-*", clock_s=lambda: self.now_s)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=200))
def test_the_percentiles_are_within_a_hundredth(latencies: list[float]) -> None:
    counted = Latencies()
    for latency_s in latencies:
        counted.add(latency_s)
    found = counted.summary()
    exact = sorted(latencies)
    assert found.count == len(exact)
    assert found.max_s == exact[-1]
    assert found.p50_s == pytest.approx(exact[(len(exact) + 1) // 2 - 1], rel=0.0101)
    assert (found.p50_s or 0) <= (found.p99_s or 0) <= exact[-1]


def test_nothing_measured_is_nothing_said() -> None:
    assert Latencies().summary() == Latency(0, None, None, None)


def test_a_document_is_looked_for_until_it_is_found() -> None:
    bench = Bench()
    bench.probe.sent(by_id("a"))
    bench.probe.sent(by_id("b"))
    for wait_s, there in ((1.0, set[str]()), (1.0, {"a"}), (2.0, {"a", "b"})):
        bench.now_s += wait_s
        bench.cluster.there = there
        bench.probe.look()
    assert bench.probe.in_flight == 0
    found = bench.probe.summary()
    assert (found.count, found.max_s) == (2, 4.0)
    assert found.p50_s == pytest.approx(2.0, rel=0.01)


def test_few_documents_a_second_are_taken() -> None:
    bench = Bench()
    for _ in range(1000):
        if bench.probe.wants():
            bench.probe.sent(by_id("a"))
        bench.now_s += 0.001
    assert bench.probe.in_flight == 10


def test_no_more_are_taken_while_too_many_are_not_found() -> None:
    bench = Bench()
    while bench.probe.wants():
        bench.probe.sent(by_id("a"))
        bench.now_s += 1
    assert bench.probe.in_flight == PROBES_IN_FLIGHT_MAX
    bench.cluster.there = {"a"}
    bench.probe.look()
    assert bench.probe.wants()


def test_a_search_that_fails_finds_nothing_and_the_next_one_does() -> None:
    bench = Bench()
    bench.probe.sent(by_id("a"))
    bench.cluster.there, bench.cluster.away = {"a"}, True
    bench.probe.look()
    assert bench.probe.in_flight == 1
    bench.cluster.away = False
    bench.probe.look()
    assert bench.probe.in_flight == 0


def test_looking_ends_when_searching_is_refused_and_says_why() -> None:
    bench = Bench()
    bench.cluster.status = 403
    bench.probe.sent(by_id("a"))
    bench.probe.run(lambda: False, bench.sleep)
    assert bench.probe.failure == "POST /i-*/_search was answered with status 403"


def test_the_last_look_comes_after_the_end() -> None:
    bench = Bench()
    bench.probe.sent(by_id("a"))
    bench.cluster.there = {"a"}
    bench.probe.run(lambda: True, bench.sleep)
    assert bench.probe.in_flight == 0


def test_only_a_line_with_a_client_can_be_told_by_its_content() -> None:
    assert by_content({"@timestamp": "x", "message": "Proxy shop started."}) is None


def test_real_documents_are_found_after_a_refresh_by_id_and_by_content(
    client: Client, config: Config, tmp_path: Path
) -> None:
    (expected,) = captured(config, write(tmp_path / "a", [line(1)]))
    client.request("PUT", f"/{expected.index}", {"settings": {"refresh_interval": "1s"}})
    probe = SearchProbe(Documents(client, time.sleep), config.index.pattern, clock_s=time.monotonic)
    since = by_content(json.loads(expected.document), "2026-11-21T05:00:00.000000Z")
    never = by_content(json.loads(expected.document), "2026-11-22T05:00:00.000000Z")
    assert since is not None
    assert never is not None
    for query in (by_id(expected.id), since, never):
        probe.sent(query)
    index_direct(client, [expected])
    index_live(client, config, [line(1)])
    thread = threading.Thread(target=probe.run, args=(lambda: probe.in_flight == 1, time.sleep))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    found = probe.summary()
    assert found.count == 2
    assert 0 < (found.max_s or 0) < 20
