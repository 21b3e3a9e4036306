"""Wires a stress test: one replay over the network after the other, each at a higher rate, until the SLO breaks.

1. A step begins when what the one before sent has arrived, or nothing more comes: none answers for another.
2. CPU time is that of the sending, not of the wait after it.
3. A first step is not judged: it makes indices, connections and a compiler warm.
4. What a step does not measure by itself is asked of who knows: /proc, the receiver's commit record, Elasticsearch.
"""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shipper.elastic import Client
from shipper.errors import ConfigError, ShipperError
from shipper.jobs import local_receiver
from shipper.jobs.live_replay import CLOCKS_DIFFER_US_MAX, LivePlan, replay_live
from shipper.jobs.local_receiver import accounted
from shipper.replay.captures import open_capture
from shipper.replay.cpu_time import between, look
from shipper.replay.pace import SECOND_US, Evenly, Steady, read_duration_s
from shipper.replay.stress import Slo, Step, Verdict, read_rates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shipper.config import Config
    from shipper.jobs.live_replay import LiveOutcome
    from shipper.query import Finding
    from shipper.replay.cpu_time import Look
    from shipper.replay.progress import Progress
    from shipper.replay.stopping import Stopping

LOOK_S: Final = 0.5
"""Between two looks at /proc."""
PAUSE_S: Final = 2.5 * CLOCKS_DIFFER_US_MAX / SECOND_US
"""Between two steps: so that what the one received is told from what the next does by the time alone."""
WARM_UP_S: Final = 3.0
"""How long the step sends that is not judged."""
_REJECTIONS: Final = (
    "/_nodes/stats/indexing_pressure,thread_pool?filter_path="
    "nodes.*.thread_pool.write.rejected,nodes.*.indexing_pressure.memory.total.*_rejections"
)
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class StressPlan:
    """What is sent, at which rates and for how long each, and what is asked for."""

    live: LivePlan
    """The replay; its pace and limit are the steps'."""
    slo: Slo
    first: float
    last: float
    step: float
    seconds: float

    @property
    def rates(self) -> list[float]:
        """Lines a second of each step. Raises ConfigError."""
        return read_rates(self.first, self.last, self.step)


@dataclass(frozen=True, slots=True)
class Judged:
    """A step and what is to be said of it."""

    step: Step
    verdict: Verdict


def stress(
    config: Config, plan: StressPlan, *, stopping: Stopping, progress: Progress, tell: Callable[[Judged], None]
) -> list[Judged]:
    """Raise the rate until the SLO breaks or there is no higher one; the last of what is given may be what broke.

    A stop leaves the step out that it ends. Raises ConfigError, Permanent or Retryable when a step cannot begin.
    """
    judged: list[Judged] = []
    progress.say("warming up")
    _measured(config, replace(plan, seconds=WARM_UP_S), plan.first, stopping, progress)
    for rate in plan.rates:
        if stopping.wait(PAUSE_S):
            break
        step = _measured(config, plan, rate, stopping, progress)
        if stopping.is_set():
            break
        judged.append(Judged(step, plan.slo.verdict(step)))
        tell(judged[-1])
        if not judged[-1].verdict.held:
            break
    return judged


def _measured(config: Config, plan: StressPlan, rate: float, stopping: Stopping, progress: Progress) -> Step:
    """Send at one rate."""
    limit = max(1, round(rate * plan.seconds))
    selection = replace(plan.live.selection, limit=limit, rounds=_rounds(plan.live.selection.files, limit))
    live = replace(plan.live, selection=selection, pace=Evenly(Steady(rate)), measure=True)
    receiver = local_receiver.watch(config.state_dir)
    processes = {"sender": os.getpid(), **(receiver.processes() if receiver else {})}
    with closing(Client(config.elasticsearch)) as client:
        rejected = _rejections(client)
        with _looking(processes) as looks:
            outcome = replay_live(config, live, stopping=stopping, progress=progress, tell=_nothing)
        rejected_now = _rejections(client)
        refresh_s = _refresh_s(client, config.index.pattern)
    rejections = None if rejected is None or rejected_now is None else max(rejected_now - rejected, 0)
    return replace(
        _step(rate, outcome),
        patient=not live.target.by_datagram,
        unsettled=max(outcome.handed.lines - accounted(outcome.receiver), 0) if receiver and outcome.receiver else 0,
        rejections=rejections,
        refresh_s=refresh_s,
        cores=_cores(looks, outcome),
    )


def _step(rate: float, outcome: LiveOutcome) -> Step:
    course, handed, found = outcome.course, outcome.handed, outcome.searchable
    return Step(
        rate,
        reached=handed.lines / course.took_s if course.took_s else 0.0,
        offered=course.offered,
        arrived=outcome.arrived,
        p50_s=found.p50_s if found else None,
        p99_s=found.p99_s if found else None,
        max_s=found.max_s if found else None,
        untaken=handed.lost.total(),
        unreachable=handed.unreachable,
        counters=outcome.receiver or {},
    )


def _rounds(files: Sequence[Path], limit: int) -> int:
    """Count how often the files have to be sent for ``limit`` lines. Raises ConfigError where there is none."""
    lines = 0
    for file in files:
        with open_capture(file) as capture:
            lines += sum(1 for _ in islice(capture.lines(), limit))
    if not lines:
        raise ConfigError(f"{', '.join(map(str, files))}: there is no line in it")
    return math.ceil(limit / lines)


@contextmanager
def _looking(processes: dict[str, int]) -> Iterator[list[Look]]:
    """Look at the processes meanwhile."""
    looks: list[Look] = [look(processes, time.monotonic())]
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(LOOK_S):
            looks.append(look(processes, time.monotonic()))

    thread = threading.Thread(target=run, name="cpu", daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()
        looks.append(look(processes, time.monotonic()))


def _cores(looks: Sequence[Look], outcome: LiveOutcome) -> dict[str, float]:
    end_s = looks[0].at_s + outcome.course.took_s + LOOK_S
    during = [each for each in looks if each.at_s <= end_s]
    return between(looks[0], during[-1])


def _rejections(client: Client) -> int | None:
    """Count what Elasticsearch turned away since it started, on all nodes; None where it does not tell us."""
    try:
        status, answer = client.request("GET", _REJECTIONS)
    except ShipperError:
        return None
    return _sum(answer) if status == _OK and isinstance(answer, dict) else None


def _refresh_s(client: Client, pattern: str) -> float | None:
    """Give the longest refresh interval; None where none is set, or it is not told."""
    path = f"/{quote(pattern, safe='*')}/_settings/index.refresh_interval?flat_settings=true"
    try:
        status, answer = client.request("GET", path)
    except ShipperError:
        return None
    found = []
    for index in answer.values() if status == _OK and isinstance(answer, dict) else ():
        with suppress(ValueError):  # -1: never by itself
            found.append(read_duration_s(index["settings"].get("index.refresh_interval", "")))
    return max(found, default=None)


def _sum(values: Any) -> int:  # noqa: ANN401 -- JSON
    return sum(map(_sum, values.values())) if isinstance(values, dict) else int(values)


def _nothing(_: Finding) -> None:
    """Hear of no finding: nothing is proved here."""
