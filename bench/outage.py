"""Elasticsearch is killed under a steady load and comes back: what waits, what it costs, how fast it is caught up.

1. Everything is as in ``steady``: `shipper run` with its defaults, a sender of its own, all on the same cores.
2. The load comes LEAD_S seconds before the outage, throughout it, and half as long after it; so what is caught up is
   caught up while new lines come.
3. Caught up is when no more waits than CAUGHT_UP_S seconds' worth of lines. The rate until then is counted from the
   first line that was settled after the return: until then, shipper waits in its back-off.
4. Memory is the sum over shipper's processes: PSS, in which a shared page counts once; RSS of each stands beside it.
5. It fails when a line is missing, the kernel dropped one, or memory passes its bound.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.steady import INDEX, PSS_MIB_MAX, SAMPLE_S, SETTLE_S_MAX, count, shipper_running
from deploy.local_elasticsearch import LocalElasticsearch
from shipper import config, pipeline
from shipper.journal import Commit, StateFolder, load
from shipper.limits import MIB

LEAD_S: Final = 20
CAUGHT_UP_S: Final = 2
_NAMES: Final = ("parent", "receive", "ship")


@dataclass(frozen=True, slots=True)
class Sample:
    """How things stood ``second`` after the first line."""

    second: float
    settled: int
    waiting: int
    pss_mib: float
    rss_mib: tuple[float, ...]
    """Of each process."""


class Run:
    """One measurement of the shipper in ``folder``, whose parent has the id ``pid``."""

    def __init__(self, folder: Path, pid: int, rate: int, seconds: int) -> None:
        self.rate, self.seconds = rate, seconds
        self.load_s = LEAD_S + seconds + seconds // 2
        self.total = rate * self.load_s
        self.back_s = 0.0
        """When Elasticsearch answered again."""
        self.samples: list[Sample] = []
        self.commit = Commit()
        self._record = StateFolder(folder / "state").commit
        parent = psutil.Process(pid)
        self._processes = [parent, *parent.children()]

    def watch(self, sender: subprocess.Popen[str], node: LocalElasticsearch) -> None:
        """Make the outage, and take samples until all is settled, or nothing moves any more."""
        assert sender.stdout is not None  # noqa: S101 -- it was started with a pipe
        sender.stdout.readline()
        begin = time.monotonic()
        outage = threading.Thread(target=self._be_away, args=(node, begin))
        outage.start()
        moved = float(self.load_s)
        while self.commit.journaled < self.total and time.monotonic() - begin < moved + SETTLE_S_MAX:
            time.sleep(SAMPLE_S)
            before = self.commit.journaled
            self._look(time.monotonic() - begin)
            if self.commit.journaled > before:
                moved = max(moved, time.monotonic() - begin)
        outage.join()

    def _be_away(self, node: LocalElasticsearch, begin: float) -> None:
        time.sleep(max(0.0, begin + LEAD_S - time.monotonic()))
        node.kill_node(0)
        time.sleep(self.seconds)
        node.start_node(0)
        self.back_s = time.monotonic() - begin

    def _look(self, second: float) -> None:
        self.commit = load(self._record)
        sent = min(self.total, int(second * self.rate))
        memory = [process.memory_full_info() for process in self._processes]
        pss_mib, rss_mib = sum(each.pss for each in memory) / MIB, tuple(each.rss / MIB for each in memory)
        waiting = max(0, sent - self.commit.journaled)
        self.samples.append(Sample(second, self.commit.journaled, waiting, pss_mib, rss_mib))

    def catch_up(self) -> tuple[Sample, Sample] | None:
        """Give the samples between which it was caught up; None when it was not."""
        away = [sample for sample in self.samples if self.back_s and sample.second >= self.back_s]
        moved = [sample for sample in away if sample.settled > away[0].settled]
        done = [sample for sample in moved if sample.waiting <= CAUGHT_UP_S * self.rate]
        return (moved[0], done[0]) if done else None


def main(rate: int = 7_000, seconds: int = 600) -> bool:
    """Measure, print, and tell whether all was well."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outage-")))
        node = stack.enter_context(LocalElasticsearch())
        pipeline.setup(config.Config(elasticsearch=config.Elasticsearch(urls=(node.url,)), index=INDEX), replicas=0)
        pid, port = stack.enter_context(shipper_running(folder, node.url))
        run = Run(folder, pid, rate, seconds)
        command = [sys.executable, "-m", "bench.sender", str(port), str(rate), str(run.load_s)]
        sender = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(sender.terminate)
        run.watch(sender, node)
        return _report(run, count(node.url))


def _report(run: Run, indexed: int) -> bool:
    table = Table("what", "figure", title=f"{run.rate:,} lines/s, Elasticsearch away for {run.seconds} s")
    table.add_row("lines sent", f"{run.total:,}")
    table.add_row("documents", f"{indexed:,}")
    table.add_row("lost", f"{run.total - indexed:,}")
    table.add_row("kernel drops, journal full", f"{run.commit.kernel_drops:,}, {run.commit.dropped_full:,}")
    table.add_row("waited most", f"{max(sample.waiting for sample in run.samples):,} lines")
    pss_mib = max(sample.pss_mib for sample in run.samples)
    table.add_row("memory, most of all", f"{pss_mib:.1f} MiB PSS")
    for number, name in enumerate(_NAMES):
        table.add_row(f"memory, most of {name}", f"{max(sample.rss_mib[number] for sample in run.samples):.1f} MiB RSS")
    caught = run.catch_up()
    if caught:
        begin, end = caught
        spent_s = end.second - begin.second
        table.add_row("found again after", f"{begin.second - run.back_s:.1f} s")
        table.add_row("caught up after", f"{spent_s:.1f} s")
        table.add_row("catch-up", f"{(end.settled - begin.settled) / max(spent_s, SAMPLE_S):,.0f} lines/s")
    else:
        table.add_row("caught up", "not in time")
    Console().print(table)
    lost = run.total - indexed
    return not lost and caught is not None and pss_mib < PSS_MIB_MAX
