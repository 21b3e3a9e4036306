"""What encoding costs, with both engines: CPU time and instructions on one core, from journal entries to bulk bodies.

1. The core is the native engine without Python (``native/core/examples/encode.rs``): what is left when everything
   around it costs nothing.
2. Instructions are counted by callgrind, where it is, and while lines are encoded alone: of the core as the difference
   of two runs of which one encodes more often, of the others by switching the counter. They hold still on a machine
   that does not.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.endpoints import build
from bench.lines import HEADERS, START, lines
from bench.report import show
from shipper.config import Interpretation
from shipper.encode import choose_engine, make_encoder
from shipper.encode._portable import portable_plan
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Origin, Position
from shipper.limits import BATCH_LINES_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.encode import Engine

LINES: Final = 20_000
ROUNDS: Final = 5
COUNTED_LINES: Final = 2_000
COUNTED: Final = "local"
"""The header of which instructions are counted: it takes long."""
GOALS: Final = {"native": 700_000, "python": 50_000}
"""httplog lines a second on one core."""
_CALLGRIND: Final = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


@dataclass(frozen=True, slots=True)
class Measured:
    """What an engine costs."""

    engine: str
    header: str
    cost_us: float
    """Of a line."""
    instructions: float
    """Of a line; 0 where they were not counted."""


def batches(raws: list[bytes]) -> list[Batch]:
    """Put lines into batches, as the journal gives them."""
    segment, offset, made = bytes(12), 0, []
    received_us = int(START.timestamp()) * 1_000_000
    for first in range(0, len(raws), BATCH_LINES_MAX):
        part = raws[first : first + BATCH_LINES_MAX]
        table = b"".join(LINE_HEADER.pack(len(raw), 100 * number, 0, 0) for number, raw in enumerate(part))
        data = b"".join(part)
        entry = Entry(segment, offset, received_us, (Origin(0, "192.0.2.1"),), table, data, offset)
        made.append(Batch((entry,), b"{}", Position(segment, offset)))
        offset += len(data)
    return made


def main() -> bool:
    """Print the median of the rounds for each engine and header; tell whether the goals are reached."""
    build("shipper-core", "--example", "encode")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        engines = ("core", "native", "python")
        measured = [_measure(engine, header, Path(folder)) for header in HEADERS for engine in engines]
    columns = ["engine", "header", "lines/s", "us a line", "instructions a line"]
    show("From journal entries to bulk bodies, one core", columns, [_cells(each) for each in measured], 2)
    return all(1e6 / each.cost_us >= GOALS.get(each.engine, 0) for each in measured)


def _cells(each: Measured) -> list[str]:
    instructions = f"{each.instructions:,.0f}" if each.instructions else ""
    return [each.engine, each.header, f"{1e6 / each.cost_us:,.0f}", f"{each.cost_us:.2f}", instructions]


def _measure(engine: str, header: str, folder: Path) -> Measured:
    counted = header == COUNTED and shutil.which("callgrind_control") is not None
    if engine == "core":
        command = _core(header, folder)
        cost_us = _cpu_s([*command, str(10 * ROUNDS)]) / (10 * ROUNDS * LINES) * 1e6
        return Measured(engine, header, cost_us, _difference(command) / LINES if counted else 0)
    encoder, work, spent_s = make_encoder(Interpretation(), _chosen(engine)), batches(lines(LINES, header)), []
    for _ in range(ROUNDS):
        start = time.process_time()
        for batch in work:
            encoder.encode(batch)
        spent_s.append(time.process_time() - start)
    cost_us = statistics.median(spent_s) / LINES * 1e6
    return Measured(engine, header, cost_us, _switched(engine, header) / COUNTED_LINES if counted else 0)


def _core(header: str, folder: Path) -> list[str]:
    """Give a command that encodes as many times as it is told to."""
    program = build("shipper-core", "--example", "encode") / "examples" / "encode"
    plan, file = folder / "plan.json", folder / "lines"
    plan.write_bytes(portable_plan(Interpretation()))
    file.write_bytes(b"\n".join(lines(LINES, header)))
    return [str(program), str(plan), str(file)]


def _cpu_s(command: Sequence[str]) -> float:
    """Give the CPU time of a command that leaves no line to Python."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if " 0 declined" not in done:
        raise RuntimeError(f"the core left lines to Python: {done}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _difference(command: Sequence[str]) -> int:
    """Count the instructions of encoding once: what a run that does it twice has more than one that does it once."""
    runs = [[*_CALLGRIND, *command, rounds] for rounds in ("2", "3")]
    first, second = (subprocess.run(run, capture_output=True, text=True, check=True).stderr for run in runs)
    return _collected(second) - _collected(first)


def _switched(engine: str, header: str) -> int:
    """Count the instructions of encoding once, in a process that has done it before."""
    command = [*_CALLGRIND, "--instr-atstart=no", sys.executable, "-m", "bench.encode", engine, header]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdin is not None  # noqa: S101 -- it was started with pipes
        assert process.stdout is not None  # noqa: S101 -- likewise
        assert process.stderr is not None  # noqa: S101 -- likewise
        for switch in ("on", "off"):
            process.stdout.readline()
            subprocess.run(["callgrind_control", "-i", switch, str(process.pid)], capture_output=True, check=True)
            process.stdin.write("\n")
            process.stdin.flush()
        return _collected(process.stderr.read())


def _collected(told: str) -> int:
    return int(re.findall(r"Collected : (\d+)", told)[-1])


def _chosen(engine: str) -> Engine:
    return choose_engine("native" if engine == "native" else "python")


def _encode(engine: str, header: str) -> None:
    """Encode twice, and wait for a word before and after the second time: what is run under callgrind."""
    encoder, work = make_encoder(Interpretation(), _chosen(engine)), batches(lines(COUNTED_LINES, header))
    for _ in range(2):
        for batch in work:
            encoder.encode(batch)
        print(flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    _encode(sys.argv[1], sys.argv[2])
