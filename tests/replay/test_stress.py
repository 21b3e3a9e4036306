"""The verdicts of a stress test, and one on a real shipper whose receive buffer is tiny."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper import config, pipeline
from shipper.elastic import Client
from shipper.errors import ConfigError
from shipper.jobs import local_receiver, stressing
from shipper.jobs.live_replay import LivePlan
from shipper.jobs.stressing import Judged, StressPlan, stress
from shipper.replay import cpu_time
from shipper.replay.feed import Selection
from shipper.replay.pace import Unpaced
from shipper.replay.progress import showing
from shipper.replay.senders import read_target
from shipper.replay.stopping import stoppable
from shipper.replay.stress import Step, read_rates, read_slo
from tests.replay.capture_files import capture, line
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLO = "loss=0,p99_index_latency<5s"
NOWHERE: Any = None


def step(**measured: Any) -> Step:  # noqa: ANN401 -- the fields of a step
    good = {"rate": 1_000.0, "reached": 1_000.0, "offered": 10_000, "arrived": 10_000, "p50_s": 1.0, "p99_s": 2.0}
    return Step(**{**good, "max_s": 3.0, **measured})


def gave_way(of: Step, slo: str = SLO) -> list[str]:
    return [cause.what for cause in read_slo(slo).verdict(of).gave_way]


# -- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no term"),
        ("losses=0", "expected are terms like loss=0"),
        ("p95_index_latency<5s", "p99_index_latency<5s"),
        ("loss>0", "is no term"),
        ("loss=0,loss<1%", "loss stands there twice"),
        ("loss<0", "can never hold"),
        ("loss=5", "a bound is expected, like loss=0, loss<=100"),
        ("loss<5s", "lines or a share are expected"),
        ("p99_index_latency<5", "a time above 0 is expected, like p99_index_latency<5s"),
        ("p99_index_latency<0s", "a time above 0 is expected"),
        ("max_index_latency=5s", "a bound is expected, like max_index_latency<5s"),
    ],
)
def test_an_slo_that_makes_no_sense_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_slo(text)


@pytest.mark.parametrize(
    ("slo", "measured", "holds"),
    [
        ("loss=0", {"arrived": 10_000}, True),
        ("loss=0", {"arrived": 9_999}, False),
        ("loss=0", {"arrived": None}, False),
        ("loss<=100", {"arrived": 9_900}, True),
        ("loss<100", {"arrived": 9_900}, False),
        ("loss<0.1%", {"arrived": 9_990}, False),
        ("loss <= 0.1%", {"arrived": 9_990}, True),
        ("p50_index_latency<=1s", {"p50_s": 1.0}, True),
        ("p99_index_latency<500ms", {"p99_s": 0.5}, False),
        ("max_index_latency<1m", {"max_s": 59.0}, True),
        ("max_index_latency<1m", {"max_s": None}, False),
    ],
)
def test_a_term_holds_within_its_bound_and_never_unmeasured(slo: str, measured: dict[str, Any], *, holds: bool) -> None:
    assert read_slo(slo).verdict(step(**measured)).held == holds


def test_rates_rise_evenly_and_none_is_above_the_last() -> None:
    assert read_rates(1_000, 3_500, 1_000) == [1_000, 2_000, 3_000]
    assert len(read_rates(0.1, 0.3, 0.1)) == 3


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ((0, 10, 1), "--from-rate 0"),
        ((10, 5, 1), "the rate is raised"),
        ((1, 10, -1), "--step -1"),
        ((1, 1e9, 1), "take a larger one"),
        ((1, float("inf"), 1), "--to-rate inf"),
    ],
)
def test_rates_that_make_no_sense_are_refused(rates: tuple[float, float, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_rates(*rates)


# -- what gave way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "causes"),
    [
        ({}, []),
        ({"counters": {"kernel_drops": 0}, "rejections": 7}, []),
        ({"reached": 900.0}, ["sender"]),
        ({"arrived": 9_000, "untaken": 1_000}, ["sender"]),
        ({"arrived": 0, "unreachable": 9_999}, ["sender"]),
        ({"arrived": 9_000, "counters": {"kernel_drops": 1_000}}, ["kernel_buffer"]),
        (
            {"arrived": 9_000, "counters": {"kernel_drops": 1_000}, "cores": {"receive": 0.97}},
            ["receive_cpu", "kernel_buffer"],
        ),
        (
            {"arrived": 9_000, "counters": {"kernel_drops": 1_000}, "cores": {"receive": 0.5, "machine": 0.99}},
            ["machine_cpu", "kernel_buffer"],
        ),
        ({"reached": 900.0, "cores": {"sender": 0.1, "machine": 1.0}}, ["machine_cpu", "sender"]),
        ({"arrived": 9_000, "counters": {"dead_lettered": 1_000}}, ["elasticsearch"]),
        ({"p99_s": 9.0}, ["elasticsearch"]),
        ({"p99_s": 5.1, "max_s": 5.3, "refresh_s": 5.0}, ["refresh"]),
        ({"p99_s": 9.0, "max_s": 9.3, "refresh_s": 5.0}, ["elasticsearch"]),
        ({"p99_s": 9.0, "cores": {"ship": 0.99}}, ["ship_cpu"]),
        ({"p99_s": 9.0, "rejections": 3, "cores": {"ship": 0.99}}, ["elasticsearch"]),
        ({"arrived": 9_000, "counters": {"dropped_full": 1_000}, "rejections": 3}, ["elasticsearch", "journal"]),
        ({"arrived": 9_000}, ["unknown"]),
        ({"arrived": 9_000, "unsettled": 1_000}, ["elasticsearch"]),
        ({"reached": 900.0, "patient": True, "cores": {"sender": 0.3, "receive": 0.95}}, ["receive_cpu"]),
        ({"reached": 900.0, "patient": True, "cores": {"sender": 0.95}}, ["sender"]),
    ],
)
def test_what_gave_way_first_stands_before_what_it_brought_about(measured: dict[str, Any], causes: list[str]) -> None:
    assert gave_way(step(**measured)) == causes


@given(
    reached=st.floats(0, 1_000),
    arrived=st.none() | st.integers(0, 10_000),
    p99_s=st.none() | st.floats(0, 100),
    drops=st.integers(0, 100),
    full=st.integers(0, 100),
)
def test_a_step_has_causes_exactly_when_it_broke(
    reached: float, arrived: int | None, p99_s: float | None, drops: int, full: int
) -> None:
    counters = {"kernel_drops": drops, "dropped_full": full}
    verdict = read_slo(SLO).verdict(step(reached=reached, arrived=arrived, p99_s=p99_s, counters=counters))
    assert bool(verdict.gave_way) == bool(verdict.broken) == (not verdict.held)


def test_a_busy_process_is_seen_to_use_its_core() -> None:
    first = cpu_time.look({"me": os.getpid(), "nobody": 2**30}, time.monotonic())
    end_s = time.process_time() + 0.3
    while time.process_time() < end_s:
        pass
    shares = cpu_time.between(first, cpu_time.look({"me": os.getpid()}, time.monotonic()))
    assert shares["me"] > 0.2
    assert 0 < shares["machine"] <= 1
    assert "nobody" not in shares


# -- a real one ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shipper_process(
    elasticsearch_url: str, index_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ShipperProcess]:
    settings = config.Config(
        elasticsearch=config.Elasticsearch(urls=(elasticsearch_url,)), index=config.Index(prefix=index_prefix)
    )
    pipeline.setup(settings)
    monkeypatch.setattr(stressing, "WARM_UP_S", 1.0)
    process = ShipperProcess(tmp_path, elasticsearch_url, index_prefix)
    process.configure(listeners=[{"url": f"udp://127.0.0.1:{process.port}", "receive_buffer_bytes": 2_048}])
    with process:
        yield process


def test_a_tiny_receive_buffer_gives_way_first(
    shipper_process: ShipperProcess, index_prefix: str, tmp_path: Path
) -> None:
    file = capture(tmp_path / "capture", [line(number, number / 500) for number in range(500)])
    settings = config.load(shipper_process.file)
    receiver = local_receiver.watch(settings.state_dir)
    assert receiver is not None
    until(lambda: len(receiver.processes()) == 2, "both have their names")
    assert receiver.processes() == {
        "receive": shipper_process.child("receive"),
        "ship": shipper_process.child("ship"),
    }
    live = LivePlan(Selection((file,)), read_target(f"udp://127.0.0.1:{shipper_process.port}"), Unpaced())
    # At 2 lines/s a busy machine may hold up the sender or the receiver for half a second, and the rate is kept.
    # No line may be lost: how many are depends on how fast receiver and sender are beside each other.
    plan = StressPlan(live, read_slo("loss=0"), first=2, last=30_000, step=9_999, seconds=2)
    told: list[Judged] = []
    with stoppable() as stopping, showing(NOWHERE, time.monotonic, quiet=True) as progress:
        judged = stress(settings, plan, stopping=stopping, progress=progress, tell=told.append)
    assert judged == told
    held, broke = judged[0], judged[-1]
    assert held.verdict.held
    assert held.step.arrived == held.step.offered == 4
    assert held.step.p99_s is not None
    assert {"sender", "receive", "ship", "machine"} <= set(held.step.cores)
    assert (held.step.rejections, held.step.refresh_s) == (0, 5.0)
    assert not broke.verdict.held
    causes = [cause.what for cause in broke.verdict.gave_way]
    assert "kernel_buffer" in causes
    late = {"sender"} if broke.step.behind else set()  # for want of a processor: it stands before what came of it
    assert set(causes) - {"receive_cpu", "machine_cpu"} == {"kernel_buffer"} | late
    assert broke.step.loss == broke.step.counters["kernel_drops"] > 0
    with closing(Client(settings.elasticsearch)) as client:
        client.request("POST", f"/{index_prefix}-*/_refresh")
        count = client.request("GET", f"/{index_prefix}-*/_count")[1]["count"]
    assert count == 2 + sum(each.step.arrived or 0 for each in judged)  # 2 of the first second, which is not judged


def test_a_step_sends_the_capture_as_often_as_its_lines_take(tmp_path: Path) -> None:
    files = [capture(tmp_path / name, [line(number) for number in range(3)]) for name in ("one", "two")]
    assert stressing._rounds(files, 6) == 1
    assert stressing._rounds(files, 7) == 2
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match="no line"):
        stressing._rounds([tmp_path / "empty"], 6)
