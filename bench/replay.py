"""How exactly `shipper replay` keeps a pace, and what that costs.

1. The command runs as its user runs it. Offered is what the pace says, reached what was handed to the kernel in the
   time that it took, both by its own report. CPU time is that of its process, less what a replay of one line takes.
2. A socket in a process of its own counts what came.
3. It fails when offered and reached differ by more than a hundredth, or when a line was lost on the way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any, Final

from bench.contestants import command
from bench.lines import lines
from bench.report import show

SECONDS: Final = 5
DIFFERENCE_MAX: Final = 0.01
_DISTINCT_LINES: Final = 70_000
_ORIGINAL_RATE: Final = 7_000
_ROUNDS: Final = 20
_QUIET_S: Final = 1.0
"""What the kernel holds is read within this time."""
_RECEIVER: Final = """
import signal, socket
signal.signal(signal.SIGTERM, signal.default_int_handler)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
udp.bind(("127.0.0.1", 0))
print(udp.getsockname()[1], flush=True)
count, room = 0, bytearray(65536)
try:
    while True:
        udp.recv_into(room)
        count += 1
except KeyboardInterrupt:
    print(count)
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """What `shipper replay` is asked for, and how many lines a second that is."""

    flags: tuple[str, ...]
    rate: int


PACES: Final = (
    Pace(("--rate", "7000"), 7_000),
    Pace(("--rate", "20000"), 20_000),
    Pace(("--rate", "50000"), 50_000),
    Pace(("--rate", "150000"), 150_000),
    Pace(("--speed", "1"), _ORIGINAL_RATE),
    Pace(("--speed", "3"), 3 * _ORIGINAL_RATE),
)


@dataclass(frozen=True, slots=True)
class Row:
    """How a pace held."""

    pace: Pace
    offered: float
    reached: float
    """Lines a second."""
    late_s: float
    cpu_us: float
    """Of a line."""
    sent: int
    received: int

    @property
    def held(self) -> bool:
        """Whether it went as was asked."""
        return self.off <= DIFFERENCE_MAX and self.received == self.sent

    @property
    def off(self) -> float:
        """The share by which it went faster or slower."""
        return abs(self.reached / self.offered - 1)


def main() -> bool:
    """Measure each pace; tell whether all held."""
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        capture = Path(folder) / "capture"
        capture.write_bytes(b"\n".join(lines(_DISTINCT_LINES, "local")) + b"\n")
        rows = [run(pace, capture) for pace in PACES]
    columns = ["`shipper replay`", "offered", "reached", "off by", "late, at most", "CPU a line", "received"]
    show(f"Lines from a file as UDP datagrams, {SECONDS} s each", columns, [_cells(row) for row in rows])
    return all(row.held for row in rows)


def run(pace: Pace, capture: Path, seconds: int = SECONDS) -> Row:
    """Replay a capture at a pace, for so long."""
    with subprocess.Popen([sys.executable, "-c", _RECEIVER], stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout is not None  # noqa: S101 -- it was started with a pipe
        to = f"udp://127.0.0.1:{receiver.stdout.readline().strip()}"
        try:
            _, start_s = _replay(to, pace, capture, 1)
            report, cpu_s = _replay(to, pace, capture, pace.rate * seconds)
            time.sleep(_QUIET_S)
        finally:
            receiver.terminate()
        received = int(receiver.stdout.readline()) - 1
    went, sent = report["pace"], report["lines"]["sent"]
    return Row(
        pace,
        offered=went["offered_lines_per_s"],
        reached=went["reached_lines_per_s"],
        late_s=went["late_s_max"],
        cpu_us=(cpu_s - start_s) / sent * 1e6,
        sent=sent,
        received=received,
    )


def _replay(to: str, pace: Pace, capture: Path, count: int) -> tuple[dict[str, Any], float]:
    """Replay so many lines; give the report, and the CPU time."""
    file = capture.with_name("report.json")
    replay = [command(), "replay", "--to", to, *pace.flags]
    before_s = _cpu_s()
    subprocess.run(
        [*replay, "--limit", str(count), "--loop", str(_ROUNDS), "--report", str(file), str(capture)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return json.loads(file.read_text()), _cpu_s() - before_s


def _cpu_s() -> float:
    """Give the CPU time of the children that have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cells(row: Row) -> list[str]:
    return [
        f"`{' '.join(row.pace.flags)}`" + (" (7,000/s as captured)" if "--speed" in row.pace.flags else ""),
        f"{row.offered:,.0f}/s",
        f"{row.reached:,.0f}/s",
        f"{row.off:.2%}",
        f"{row.late_s * 1000:.1f} ms",
        f"{row.cpu_us:.1f} us",
        f"{row.received:,} of {row.sent:,}",
    ]
