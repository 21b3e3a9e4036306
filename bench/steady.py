"""A steady load on the whole of shipper, with Elasticsearch and the sender on the same cores.

1. `shipper run` is started as its user starts it, with its defaults; the sender is a process of its own.
2. Memory is the sum over shipper's processes: PSS, in which a shared page counts once; RSS stands beside it.
3. Latency is what a line waits until its commit: lines sent and not yet settled, over the rate, twice a second. The
   commit record's own interval is part of it.
4. It fails when a line is missing, the kernel dropped one, or memory passes its bound.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
from rich.console import Console
from rich.table import Table

from deploy.local_elasticsearch import LocalElasticsearch
from shipper import config, pipeline
from shipper.elastic import Client
from shipper.journal import Commit, StateFolder, load
from shipper.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

PSS_MIB_MAX: Final = 150
SAMPLE_S: Final = 0.5
SETTLE_S_MAX: Final = 120
STOP_S_MAX: Final = 60
INDEX: Final = config.Index(prefix="steady")


@dataclass(frozen=True, slots=True)
class Sample:
    """How things stood ``second`` after the beginning."""

    second: float
    pss_mib: float
    rss_mib: float
    waiting: int
    """Lines sent and not yet settled."""


class Run:
    """One measurement of the shipper in ``folder``, whose parent has the id ``pid``."""

    def __init__(self, folder: Path, pid: int, elasticsearch_pid: int, rate: int, seconds: int) -> None:
        self.rate, self.total = rate, rate * seconds
        self.samples: list[Sample] = []
        self._commit = StateFolder(folder / "state").commit
        parent = psutil.Process(pid)
        self._shipper = dict(zip(("parent", "receive", "ship"), [parent, *parent.children()], strict=True))
        self._watched = {**self._shipper, "elasticsearch": psutil.Process(elasticsearch_pid)}
        self._cpu_before_s = self._cpu_s()
        self.commit = Commit()
        self.cpu_us: dict[str, float] = {}

    def watch(self, sender: subprocess.Popen[str]) -> None:
        """Take samples until everything is settled, or does not come."""
        assert sender.stdout is not None  # noqa: S101 -- it was started with a pipe
        sender.stdout.readline()
        begin = time.monotonic()
        ended = None
        while self.commit.journaled < self.total and (ended is None or time.monotonic() - ended < SETTLE_S_MAX):
            time.sleep(SAMPLE_S)
            self._look(time.monotonic() - begin)
            if ended is None and sender.poll() is not None:
                ended = time.monotonic()
        self.cpu_us = {
            name: (spent_s - self._cpu_before_s[name]) / self.total * 1e6 for name, spent_s in self._cpu_s().items()
        }

    def _look(self, second: float) -> None:
        self.commit = load(self._commit)
        sent = min(self.total, int(second * self.rate))
        memory = [process.memory_full_info() for process in self._shipper.values()]
        self.samples.append(
            Sample(
                second,
                sum(each.pss for each in memory) / MIB,
                sum(each.rss for each in memory) / MIB,
                max(0, sent - self.commit.journaled),
            )
        )

    def _cpu_s(self) -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in self._watched.items()}


def main(rate: int = 7_000, seconds: int = 60) -> bool:
    """Measure, print, and tell whether all was well."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steady-")))
        node = stack.enter_context(LocalElasticsearch())
        pipeline.setup(config.Config(elasticsearch=config.Elasticsearch(urls=(node.url,)), index=INDEX))
        pid, port = stack.enter_context(shipper_running(folder, node.url))
        run = Run(folder, pid, node.pid(), rate, seconds)
        command = [sys.executable, "-m", "bench.sender", str(port), str(rate), str(seconds)]
        sender = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(sender.terminate)
        run.watch(sender)
        return _report(run, count(node.url))


@contextmanager
def shipper_running(folder: Path, elasticsearch: str) -> Iterator[tuple[int, int]]:
    """Run shipper with its defaults; give its process id, and the port that it listens on."""
    options = ["--listen", "udp://127.0.0.1:0", "--elasticsearch", elasticsearch, "--index-prefix", INDEX.prefix]
    command = [str(Path(sys.executable).with_name("shipper")), "run", *options, "--timezone", "UTC"]
    log = folder / "log"
    with log.open("wb") as file, subprocess.Popen([*command, "--state-dir", str(folder / "state")], stderr=file) as run:
        try:
            events: list[dict[str, object]] = []
            while sum(event["event"] == "child_started" for event in events) < len(("receive", "ship")):
                if run.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(SAMPLE_S)
                events = [json.loads(line) for line in log.read_text().splitlines()]
            yield run.pid, next(int(str(event["port"])) for event in events if event["event"] == "listener_opened")
        finally:
            run.terminate()
            run.wait(STOP_S_MAX)


def count(url: str) -> int:
    """Count the documents."""
    client = Client(config.Elasticsearch(urls=(url,)))
    client.request("POST", f"/{INDEX.pattern}/_refresh")
    _, answer = client.request("GET", f"/{INDEX.pattern}/_count")
    client.close()
    return int(answer.get("count", 0))


def _report(run: Run, indexed: int) -> bool:
    loaded = [sample for sample in run.samples if sample.second * run.rate <= run.total] or run.samples
    begin, middle, end = (loaded[round(share * (len(loaded) - 1))] for share in (0.1, 0.5, 1.0))
    table = Table("what", "figure", title=f"{run.rate:,} lines/s for {run.total // run.rate} s")
    table.add_row("lines sent", f"{run.total:,}")
    table.add_row("documents", f"{indexed:,}")
    table.add_row("kernel drops", f"{run.commit.kernel_drops:,}")
    for name, sample in {"begin": begin, "middle": middle, "end": end}.items():
        table.add_row(f"memory, {name}", f"{sample.pss_mib:.1f} MiB PSS, {sample.rss_mib:.1f} MiB RSS")
    most = max(sample.pss_mib for sample in run.samples)
    table.add_row("memory, most", f"{most:.1f} MiB PSS")
    for name, cost_us in run.cpu_us.items():
        table.add_row(f"CPU, {name}", f"{cost_us:.1f} us a document")
    waits_s = sorted(sample.waiting / run.rate for sample in loaded)
    table.add_row("latency to the commit", f"{statistics.median(waits_s):.2f} s median, {waits_s[-1]:.2f} s most")
    Console().print(table)
    return indexed == run.total and not run.commit.kernel_drops and most < PSS_MIB_MAX
