"""What encoding costs, with both engines: CPU time and instructions on one core, from journal entries to bulk bodies.

1. The core is the native engine without Python (``native/core/examples/encode.rs``): what is left when everything
   around it costs nothing.
2. Instructions are counted by callgrind, where it is: the difference of two runs of which one encodes more often, so
   that starting is in neither. They hold still on a machine that does not.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from bench.endpoints import build
from bench.lines import HEADERS, START, lines
from bench.report import show
from shipper.config import Interpretation
from shipper.encode import choose_engine, make_encoder
from shipper.encode._portable import portable_plan
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Origin, Position
from shipper.limits import BATCH_LINES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.encode import Engine

LINES: Final = 50_000
ROUNDS: Final = 7
COUNTED_LINES: Final = 2_000
COUNTED: Final = "local"
"""The header of which instructions are counted: it takes long."""
GOALS: Final = {"core": 700_000, "python": 50_000}
"""httplog lines a second on one core."""
Command: TypeAlias = "Callable[[int], Sequence[str]]"


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
    cost_us, command, each = _core(header, folder) if engine == "core" else _engine(engine, header)
    counts = (0, 0)
    if header == COUNTED and shutil.which("valgrind"):
        counts = _collected(command(2)), _collected(command(4))
    return Measured(engine, header, cost_us, (counts[1] - counts[0]) / 2 / each)


def _engine(engine: str, header: str) -> tuple[float, Command, int]:
    """Give the microseconds of a line, and a command that encodes some lines so many times."""
    encoder, work, spent_s = make_encoder(Interpretation(), _chosen(engine)), batches(lines(LINES, header)), []
    for _ in range(ROUNDS):
        start = time.process_time()
        for batch in work:
            encoder.encode(batch)
        spent_s.append(time.process_time() - start)
    command = [sys.executable, "-m", "bench.encode", engine, header]
    return statistics.median(spent_s) / LINES * 1e6, lambda rounds: [*command, str(rounds)], COUNTED_LINES


def _core(header: str, folder: Path) -> tuple[float, Command, int]:
    program = build("shipper-core", "--example", "encode") / "examples" / "encode"
    plan, file = folder / "plan.json", folder / "lines"
    plan.write_bytes(portable_plan(Interpretation()))
    file.write_bytes(b"\n".join(lines(LINES, header)))
    command = [str(program), str(plan), str(file)]
    done = subprocess.run([*command, str(5 * ROUNDS)], capture_output=True, text=True, check=True).stdout
    cost = re.search(r" 0 declined, ([\d.]+) us", done)
    if cost is None:
        raise RuntimeError(f"the core left lines to Python: {done}")
    return float(cost[1]), lambda rounds: [*command, str(rounds)], LINES


def _collected(command: Sequence[str]) -> int:
    """Count the instructions of a run."""
    watched = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    still = os.environ | {"PYTHONHASHSEED": "0"}
    told = subprocess.run(watched, capture_output=True, text=True, check=True, env=still).stderr
    return int(re.findall(r"Collected : (\d+)", told)[-1])


def _chosen(engine: str) -> Engine:
    return choose_engine("native" if engine == "native" else "python")


def _encode(engine: str, header: str, rounds: int) -> None:
    """Encode so many times: what is run under callgrind."""
    encoder, work = make_encoder(Interpretation(), _chosen(engine)), batches(lines(COUNTED_LINES, header))
    for _ in range(rounds):
        for batch in work:
            encoder.encode(batch)


if __name__ == "__main__":
    _encode(sys.argv[1], sys.argv[2], int(sys.argv[3]))
