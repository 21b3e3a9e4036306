"""How exactly a pace holds: lines from a file as UDP datagrams to a receiver that is a process of its own.

1. Offered is what the pace says; reached is what was handed to the kernel in the time that it took. It fails when they
   differ by more than a hundredth, or when a line was lost on the way.
2. ``by time`` reads and understands each line to know when it is due; the others only count lines.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.lines import lines
from shipper.config import Interpretation
from shipper.replay.feed import Feed, Selection
from shipper.replay.pace import Evenly, Original, Steady, Unpaced
from shipper.replay.senders import open_sender, read_target
from shipper.replay.sending import Sending

if TYPE_CHECKING:
    from shipper.replay.pace import Pace

SECONDS: Final = 10
RATES: Final = (1_000, 7_000, 20_000)
DIFFERENCE_MAX: Final = 0.01
_RECEIVER: Final = """
import socket
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE, where allowed
udp.bind(("127.0.0.1", 0))
print(udp.getsockname()[1], flush=True)
udp.settimeout(2)
count = 0
try:
    while True:
        udp.recv(65536)
        count += 1
except TimeoutError:
    print(count)
"""


def main() -> bool:
    """Measure each pace; tell whether all held."""
    table = Table("pace", "offered", "reached", "off by", "late, at most", "CPU of the sender", "received")
    held = True
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        file = Path(folder) / "capture"
        file.write_bytes(b"\n".join(lines(7_000 * SECONDS, "local")) + b"\n")
        rates: dict[str, Pace] = {f"{rate:,} lines/s": Evenly(Steady(rate)) for rate in RATES}
        for name, pace in {
            **rates,
            "7,000 lines/s by time": Original(1),
            "20,000 lines/s by time": Original(20 / 7),
        }.items():
            held &= _measure(table, name, pace, file)
        _measure(table, "as fast as it goes", Unpaced(), file)
    Console().print(table)
    return held


def _measure(table: Table, name: str, pace: Pace, file: Path) -> bool:
    selection = Selection((file,), rounds=20, limit=_lines(pace), timed=isinstance(pace, Original))
    with subprocess.Popen([sys.executable, "-c", _RECEIVER], stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout is not None  # noqa: S101 -- it was started with a pipe
        target = read_target(f"udp://127.0.0.1:{receiver.stdout.readline().strip()}")
        stop = threading.Event()
        sender = open_sender(target, framing="newline", patient=False, stopped=stop.is_set, wait=stop.wait)
        cpu_s = time.process_time()
        sending = Sending(sender, pace, time.monotonic, stop.wait, lambda _: None)
        sending.run(Feed(selection, Interpretation()).lines())
        cpu_s = time.process_time() - cpu_s
        sender.close()
        received = int(receiver.stdout.readline())
    course = sending.course
    offered = course.offered / course.scheduled_s if course.scheduled_s else None
    reached = sender.handed.lines / course.took_s
    off = abs(reached / offered - 1) if offered else 0.0
    table.add_row(
        name,
        f"{offered:,.0f}/s" if offered else "-",
        f"{reached:,.0f}/s",
        f"{off:.2%}" if offered else "-",
        f"{course.late_s_max * 1000:.1f} ms",
        f"{cpu_s / course.offered * 1e6:.1f} us a line",
        f"{received:,} of {course.offered:,}",
    )
    return off <= DIFFERENCE_MAX


def _lines(pace: Pace) -> int:
    """Give how many lines last for SECONDS."""
    if isinstance(pace, Evenly):
        return next(rate for rate in RATES if pace.due_s(rate, 0) == 1) * SECONDS
    return RATES[-1] * SECONDS if isinstance(pace, Unpaced) else 7_000 * SECONDS
