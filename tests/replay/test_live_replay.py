"""A replay over the network into a real shipper and a real Elasticsearch, and what it says of what is missing."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from shipper import config, pipeline
from shipper.cli._replay_report import of_live, show
from shipper.elastic import Client
from shipper.jobs import live_replay
from shipper.jobs.live_replay import LiveOutcome, LivePlan, replay_live
from shipper.query import Documents, Finding, Missing
from shipper.replay.feed import Selection
from shipper.replay.pace import Evenly, Pace, Steady, Unpaced
from shipper.replay.progress import showing
from shipper.replay.senders import Handed, read_target
from shipper.replay.stopping import stoppable
from tests.free_ports import free_udp_port
from tests.replay.capture_files import capture, line
from tests.scripted_elasticsearch import scripted
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Bench:
    """A running shipper, and replays into it."""

    def __init__(self, process: ShipperProcess, url: str, prefix: str) -> None:
        self.process = process
        self.found: list[Finding] = []
        self.timezone = "UTC"
        self.index = f"{prefix}-*"
        self.client = Client(config.Elasticsearch(urls=(url,)))

    def replay(self, file: Path, pace: Pace, **selection: Any) -> LiveOutcome:  # noqa: ANN401 -- the fields of it
        plan = LivePlan(
            Selection((file,), **selection), read_target(f"udp://127.0.0.1:{self.process.port}"), pace, verify=True
        )
        settings = config.load(self.process.file).model_copy(update={"timezone": self.timezone})
        return replayed(settings, plan, self.found)

    def count(self) -> int:
        self.client.request("POST", f"/{self.index}/_refresh")
        return int(self.client.request("GET", f"/{self.index}/_count")[1]["count"])


NOWHERE: Any = None


def replayed(settings: config.Config, plan: LivePlan, found: list[Finding] | None = None) -> LiveOutcome:
    tell = (found if found is not None else []).append
    with stoppable() as stopping, showing(NOWHERE, time.monotonic, quiet=True) as progress:
        return replay_live(settings, plan, stopping=stopping, progress=progress, tell=tell)


@pytest.fixture(autouse=True)
def soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_replay, "FOUND_S_MAX", 6.0)


@pytest.fixture
def shipper_process(elasticsearch_url: str, index_prefix: str, tmp_path: Path) -> Iterator[ShipperProcess]:
    settings = config.Config(
        elasticsearch=config.Elasticsearch(urls=(elasticsearch_url,)), index=config.Index(prefix=index_prefix)
    )
    pipeline.setup(settings)
    process = ShipperProcess(tmp_path, elasticsearch_url, index_prefix)
    try:
        yield process
    finally:
        process.kill()


def test_everything_that_was_sent_is_there_and_how_soon_it_was_found(
    shipper_process: ShipperProcess, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    file = capture(tmp_path / "capture", [line(number, number / 500) for number in range(2_000)])
    with shipper_process:
        bench = Bench(shipper_process, elasticsearch_url, index_prefix)
        outcome = bench.replay(file, Evenly(Steady(1_000)))
        assert outcome.good
        assert outcome.verification is not None
        assert (outcome.verification.lines, outcome.verification.found, outcome.verification.surplus) == (
            2_000,
            2_000,
            0,
        )
        assert outcome.receiver is not None
        assert outcome.receiver["received"] == outcome.receiver["indexed"] == bench.count() == 2_000
        assert outcome.searchable is not None
        assert outcome.searchable.count > 5
        assert outcome.searchable.max_s is not None
        assert outcome.searchable.max_s < 20


def test_lines_that_a_second_replay_sends_again_in_another_time_are_told_apart(
    shipper_process: ShipperProcess, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    file = capture(tmp_path / "capture", [line(number, number / 500) for number in range(300)])
    now_us = time.time_ns() // 1_000
    with shipper_process:
        bench = Bench(shipper_process, elasticsearch_url, index_prefix)
        first = bench.replay(file, Unpaced())
        second = bench.replay(file, Unpaced(), to_us=now_us, rounds=2, limit=500, header="local")
        assert first.good
        assert second.good
        assert second.verification is not None
        assert (second.verification.lines, second.verification.surplus) == (500, 0)
        assert bench.count() == 800


def test_what_the_kernel_dropped_is_what_is_missing(
    shipper_process: ShipperProcess, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    shipper_process.configure(
        listeners=[{"url": f"udp://127.0.0.1:{shipper_process.port}", "receive_buffer_bytes": 2_048}]
    )
    file = capture(tmp_path / "capture", [line(number, number / 500) for number in range(20_000)])
    with shipper_process:
        bench = Bench(shipper_process, elasticsearch_url, index_prefix)
        outcome = bench.replay(file, Unpaced())
        assert not outcome.good
        assert outcome.verification is not None
        assert outcome.receiver is not None
        dropped = outcome.receiver["kernel_drops"]
        assert dropped > 0
        assert outcome.verification.missing == dropped == 20_000 - bench.count()
        missing = [each for each in bench.found if isinstance(each, Missing)]
        assert len({each.offset for each in missing}) == dropped


def test_what_the_mapping_refused_is_told_with_the_reason(
    shipper_process: ShipperProcess, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    bench = Bench(shipper_process, elasticsearch_url, index_prefix)
    status, _ = bench.client.request(
        "PUT",
        f"/_component_template/{index_prefix}@custom",
        {"template": {"mappings": {"properties": {"url": {"properties": {"path": {"type": "long"}}}}}}},
    )
    assert status == 200
    file = capture(tmp_path / "capture", [line(number, number / 500) for number in range(100)])
    shipper_process.configure(delivery={"fuse_share_max": 1.0}, require_template=False)
    with shipper_process:
        outcome = bench.replay(file, Evenly(Steady(1_000)))
    assert outcome.verification is not None
    assert outcome.verification.missing == 100
    [(kind, refused)] = outcome.refused.items()
    assert kind == "document_parsing_exception: url.path"
    assert refused.lines == 100
    assert "GET /" in refused.places[0]


def test_a_proof_in_another_zone_than_the_receivers_says_so(
    shipper_process: ShipperProcess, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    file = capture(tmp_path / "capture", [line(number, number / 500) for number in range(50)])
    with shipper_process:
        bench = Bench(shipper_process, elasticsearch_url, index_prefix)
        bench.timezone = "Europe/Berlin"
        outcome = bench.replay(file, Unpaced())
    assert outcome.verification is not None
    assert (outcome.verification.found, outcome.verification.surplus) == (0, 50)
    said = io.StringIO()
    show(of_live(outcome, "r", "udp://127.0.0.1:5140", "--max"), Console(file=said, width=200))
    assert "all their times differ by +1 h: another --timezone?" in said.getvalue()
    assert "off by s" not in said.getvalue()


def test_lines_that_wait_for_elasticsearch_are_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_replay, "SETTLE_QUIET_S", 4.0)
    file = capture(tmp_path / "capture", [line(number) for number in range(51)])
    with ShipperProcess(tmp_path, "http://127.0.0.1:9", "x") as process:
        until(lambda: process.state.root.joinpath("status.sock").exists(), "it can be asked")
        plan = LivePlan(Selection((file,)), read_target(f"udp://127.0.0.1:{process.port}"), Unpaced())
        outcome = replayed(config.load(process.file), plan)
    assert outcome.receiver is not None
    assert [outcome.receiver[name] for name in ("received", "pending", "indexed")] == [51, 51, 0]
    (fault,) = outcome.faults
    assert fault.startswith("51 lines were received and wait: Elasticsearch does not answer")
    assert "Connection refused" in fault
    assert not outcome.good


def test_who_sends_to_nobody_is_told_at_once_and_waits_for_nothing(tmp_path: Path) -> None:
    target = read_target(f"udp://127.0.0.1:{free_udp_port()}")
    plan = LivePlan(Selection((capture(tmp_path / "capture", [line(1), line(2)]),)), target, Unpaced(), verify=True)
    settings = config.Config(state_dir=tmp_path, elasticsearch=config.Elasticsearch(urls=("http://127.0.0.1:9",)))
    begun_s = time.monotonic()
    outcome = replayed(settings, plan)
    assert time.monotonic() - begun_s < 5
    assert outcome.faults == [
        f"nobody listens at {target.url}: start the receiver, or name another with --to",
    ]
    assert outcome.verification is None
    assert not outcome.good


@pytest.mark.parametrize(
    ("arrived", "words"),
    [(0, "nobody listens at {url}, it seems"), (1, "{times} times nobody listened at {url}")],
)
def test_where_some_lines_are_unreachable_it_is_told_what_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: int, words: str
) -> None:
    monkeypatch.setattr(live_replay, "SETTLE_QUIET_S", 0.5)
    monkeypatch.setattr(Handed, "nobody", False)  # as where only some lines are answered, by a network
    monkeypatch.setattr(Documents, "count_each", lambda *_: [arrived])
    said = io.StringIO()
    target = read_target(f"udp://127.0.0.1:{free_udp_port()}")
    plan = LivePlan(Selection((capture(tmp_path / "capture", [line(1), line(2)]),)), target, Unpaced(), measure=True)
    with scripted({"/": (200, {})}) as elasticsearch:
        settings = config.Config(state_dir=tmp_path, elasticsearch=config.Elasticsearch(urls=(elasticsearch.url,)))
        with stoppable() as stopping, showing(said, time.monotonic) as progress:
            outcome = replay_live(settings, plan, stopping=stopping, progress=progress, tell=lambda _: None)
    assert outcome.handed.unreachable
    nobody, sent, waits = said.getvalue().split("; ")
    assert (nobody, sent) == (words.format(url=target.url, times=outcome.handed.unreachable), "all is sent")
    assert waits == "waiting until Elasticsearch finds 2 lines, or nothing more comes for 0.5 s\n"
