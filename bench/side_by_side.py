"""shipper with both engines and its peers, side by side: the same lines over UDP, to a sink that stores nothing.

1. Generator and sink (``native/bench``) share the machine's cores with what is measured, and cost little beside it.
2. A run offers lines at one rate for some seconds, and waits until the sink has them all or gets no more. CPU time is
   that of the contestant's processes alone, over the documents; memory is their PSS at its most.
3. Each contestant is offered growing rates until it loses a line; what it did at each is a row.
4. Latency is from the sending of a datagram to the arrival of the bulk request with its document: the first and the
   last of each request tell.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import psutil
from rich.console import Console
from rich.table import Table

from bench.lines import lines
from shipper.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NATIVE: Final = Path(__file__).parent.parent / "native"
PEERS: Final = Path(__file__).parent / "peers"
DISTINCT_LINES: Final = 50_000
RATES: Final = (7_000, 20_000, 50_000, 100_000, 150_000, 200_000)
SECONDS: Final = 10
QUIET_S: Final = 3.0
"""The sink has what it gets when nothing came for so long."""
START_S_MAX: Final = 20.0
SAMPLE_S: Final = 0.25

Contestant: TypeAlias = "Callable[[Path, int], Contestation]"


@dataclass(frozen=True, slots=True)
class Contestation:
    """A contestant that runs: its command, and the port that it listens on."""

    command: list[str]
    port: int


@dataclass(frozen=True, slots=True)
class Row:
    """How one run went."""

    name: str
    rate: int
    sent: int
    documents: int
    cpu_us: float
    pss_mib: float
    bytes_each: float
    latency_ms: tuple[int, int]
    """Median and most."""
    late_ms: float
    """How far the generator was behind."""

    @property
    def lost(self) -> int:
        """Lines that never came; a document that came twice hides none here, for the sink refuses nothing."""
        return max(0, self.sent - self.documents)


class Sink:
    """What takes the documents; ``figures`` are what it said last."""

    def __init__(self, port: int = 0) -> None:
        command = [str(NATIVE / "target/release/sink"), str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._line())
        self.figures = (0, 0, 0, 0, 0)

    def look(self) -> int:
        """Wait for the next figures; give the number of documents."""
        documents, size, requests, median, most = map(int, self._line().split())
        self.figures = documents, size, requests, median, most
        return documents

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 -- it was started with pipes
            pipe.close()

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 -- it was started with a pipe
        return self._process.stdout.readline()


def contestants() -> dict[str, Contestant]:
    """Give those that are installed, by name."""
    found: dict[str, Contestant] = {
        "shipper, native": lambda folder, sink: _shipper(folder, sink, "native"),
        "shipper, Python": lambda folder, sink: _shipper(folder, sink, "python"),
    }
    if _rsyslogd() is not None:
        found["rsyslog"] = _rsyslog
    return found


def main(rates: tuple[int, ...] = RATES, seconds: int = SECONDS, only: str = "") -> bool:
    """Measure, print, and tell whether shipper's native engine lost nothing."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        capture = Path(folder) / "lines"
        capture.write_bytes(b"\n".join(_timed(line) for line in lines(DISTINCT_LINES, "local", start=_now())))
        for name, contestant in contestants().items():
            for rate in rates if only in name else ():
                rows.append(_run(name, contestant, capture, rate, seconds))
                if rows[-1].lost:
                    break
    Console().print(_table(rows, seconds))
    return not any(row.lost for row in rows if row.name == "shipper, native")


def _now() -> datetime:
    return datetime.now(UTC)


def _timed(line: bytes) -> bytes:
    """Give a line with a place for the time of sending in its URL."""
    return line.replace(b"?page=", b"?t=0000000000000000&page=")


def _run(name: str, contestant: Contestant, capture: Path, rate: int, seconds: int) -> Row:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-run-")))
        sink = Sink()
        stack.callback(sink.close)
        contestation = contestant(folder, sink.port)
        process = stack.enter_context(_running(contestation, folder / "log"))
        before_s, most_mib = _cpu_s(process), 0.0
        command = [str(NATIVE / "target/release/generate"), str(capture)]
        command += [str(contestation.port), str(rate), str(seconds)]
        generator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        quiet_since, documents, cpu_s = time.monotonic(), 0, before_s
        while generator.poll() is None or time.monotonic() - quiet_since < QUIET_S:
            came = sink.look()
            most_mib = max(most_mib, _pss_mib(process))
            if came != documents:
                quiet_since, documents, cpu_s = time.monotonic(), came, _cpu_s(process)
            if generator.poll() is not None and documents >= rate * seconds:
                break
        assert generator.stdout is not None  # noqa: S101 -- it was started with a pipe
        sent, _, late_ms = generator.stdout.read().split()[1:]
        generator.stdout.close()
        _, size, _, *latencies = sink.figures
        return Row(
            name=name,
            rate=rate,
            sent=int(sent),
            documents=documents,
            cpu_us=(cpu_s - before_s) / max(documents, 1) * 1e6,
            pss_mib=most_mib,
            bytes_each=size / max(documents, 1),
            latency_ms=(latencies[0], latencies[1]),
            late_ms=float(late_ms),
        )


@contextmanager
def _running(contestation: Contestation, log: Path) -> Iterator[psutil.Process]:
    """Run a contestant; it is there once its port is bound."""
    with log.open("wb") as file:
        process = subprocess.Popen(contestation.command, stdout=file, stderr=file, cwd=log.parent)
        try:
            deadline_s = time.monotonic() + START_S_MAX
            while not _is_bound(contestation.port):
                if process.poll() is not None or time.monotonic() > deadline_s:
                    raise SystemExit(f"{contestation.command[0]} did not start:\n{log.read_text()}")
                time.sleep(SAMPLE_S)
            time.sleep(1)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in _family(process))


def _pss_mib(process: psutil.Process) -> float:
    return sum(each.memory_full_info().pss for each in _family(process)) / MIB


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _shipper(folder: Path, sink: int, engine: str) -> Contestation:
    port, configuration = _free_port(), folder / "shipper.toml"
    configuration.write_text(
        f'engine = "{engine}"\nstate_dir = "{folder / "state"}"\ntimezone = "UTC"\nrequire_template = false\n'
        f'[[listeners]]\nurl = "udp://127.0.0.1:{port}"\n[elasticsearch]\nurls = ["http://127.0.0.1:{sink}"]\n'
    )
    command = [str(Path(sys.executable).with_name("shipper")), "run", "--config", str(configuration)]
    return Contestation(command, port)


def _rsyslogd() -> str | None:
    return shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")


def _rsyslog(folder: Path, sink: int) -> Contestation:
    port, configuration = _free_port(), folder / "rsyslog.conf"
    text = (PEERS / "rsyslog.conf").read_text()
    for place, value in {"PORT": port, "SINK": sink, "RULES": PEERS / "rsyslog.rulebase"}.items():
        text = text.replace(f'"{place}"', f'"{value}"')
    configuration.write_text(text)
    command = [str(_rsyslogd()), "-n", "-C", "-f", str(configuration), "-i", str(folder / "pid")]
    return Contestation(command, port)


def _table(rows: list[Row], seconds: int) -> Table:
    table = Table(
        title=f"UDP to a bulk endpoint that stores nothing, {seconds} s at each rate; CPU and bytes a document"
    )
    for column in (
        "",
        "offered",
        "lost",
        "CPU a document",
        "memory, most",
        "bytes a document",
        "latency, median, most",
    ):
        table.add_column(column, justify="left" if not column else "right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.rate:,}/s",
            f"{row.lost / max(row.sent, 1):.1%}" if row.lost else "none",
            f"{row.cpu_us:.1f} us",
            f"{row.pss_mib:.0f} MiB",
            f"{row.bytes_each:,.0f}",
            f"{row.latency_ms[0]:,}, {row.latency_ms[1]:,} ms",
        )
    return table
