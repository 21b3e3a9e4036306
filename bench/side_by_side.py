"""shipper with both engines and its peers, side by side: the same lines over UDP, to a sink that stores nothing.

1. A run offers lines at one rate for some seconds, and waits until the sink has them all or gets no more. CPU time is
   that of the contestant's processes alone, until the last document came; memory is their PSS at its most.
2. Each contestant is offered growing rates until it loses a line or is far behind; what it did at each is a row.
3. The goals are held against the rows at the end, and the measurement fails when one is missed.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.contestants import NATIVE, Contestant, contestants, free_port
from bench.endpoints import Figures, Generator, Sink, build, write_capture
from bench.processes import running
from bench.report import show

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES: Final = (7_000, 20_000, 50_000, 100_000, 150_000, 200_000, 250_000)
SECONDS: Final = 10
LONG_RATE: Final = 200_000
LONG_SECONDS: Final = 20
AWAY_S: Final = 10
QUIET_S: Final = 3.0
"""The sink has what it gets when nothing came for so long."""

BEHIND_MS: Final = 10_000
"""With such a median latency, more does not show more."""
LATE_MS: Final = 250
"""A generator that was further behind is worth a word."""
COLUMNS: Final = [
    "",
    "offered",
    "lost",
    "CPU a document",
    "memory, most",
    "bytes a document",
    "documents a request",
    "latency: median, most",
]

GOAL_RATE: Final = 150_000
CPU_US_MAX: Final = 4.0
CPU_SHARE_MAX: Final = 1 / 7
PSS_MIB_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Load:
    """What a contestant is offered."""

    rate: int
    seconds: int
    away_s: int = 0
    """For how long the sink is away, from a quarter of the time on."""

    def __str__(self) -> str:
        away = f", sink away for {self.away_s} s" if self.away_s else ""
        return f"{self.rate:,}/s for {self.seconds} s{away}"


@dataclass(frozen=True, slots=True)
class Row:
    """How one run went."""

    name: str
    load: Load
    sent: int
    seen: Figures
    cpu_us: float
    """Of a document."""
    pss_mib: float
    late_ms: float
    """How far the generator was behind."""

    @property
    def lost(self) -> int:
        """Lines that never came."""
        return max(0, self.sent - self.seen.documents)


def main(rates: Sequence[int] = RATES, seconds: int = SECONDS, only: str = "") -> bool:
    """Measure, print, and tell whether shipper's native engine reached its goals."""
    build()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        capture = Path(folder) / "lines"
        write_capture(capture)
        for contestant in contestants():
            if only in contestant.name:
                rows += _growing(contestant, capture, [Load(rate, seconds) for rate in rates])
        long = [Load(LONG_RATE, LONG_SECONDS), Load(LONG_RATE, LONG_SECONDS, AWAY_S)]
        native = [each for each in contestants() if each.name == NATIVE and only in NATIVE]
        rows += [run(each, capture, load) for each in native for load in long]
    show("UDP to a bulk endpoint that stores nothing, all on the same cores", COLUMNS, [_cells(row) for row in rows], 2)
    missed = _missed(rows)
    print(*(f"missed: {each}" for each in missed), sep="\n")
    return not missed


def _growing(contestant: Contestant, capture: Path, loads: Sequence[Load]) -> list[Row]:
    """Offer growing loads until lines are lost, or wait for long."""
    rows = []
    for load in loads:
        rows.append(run(contestant, capture, load))
        if rows[-1].lost or rows[-1].seen.latency_ms > BEHIND_MS:
            break
    return rows


def run(contestant: Contestant, capture: Path, load: Load) -> Row:
    """Offer a load."""
    print(f"{contestant.name}: {load}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-run-")))
        sink, port = stack.enter_context(Sink()), free_port()
        family = stack.enter_context(running(contestant.set_up(folder, port, sink.port), port, folder / "log"))
        row = Row(contestant.name, load, 0, Figures(), 0, 0, 0)
        begin_s, idle_s = time.monotonic(), family.cpu_s()
        away = (begin_s + load.seconds / 4, begin_s + load.seconds / 4 + load.away_s)
        generator = stack.enter_context(Generator(capture, port, load.rate, load.seconds))
        is_away, moved_s, spent_s = False, begin_s, 0.0
        while True:
            if is_away != (away[0] <= (now_s := time.monotonic()) < away[1]):
                is_away = not is_away
                sink.be_away(away=is_away)
            seen = sink.look()
            row = replace(row, pss_mib=max(row.pss_mib, family.pss_mib()))
            if seen.documents != row.seen.documents:
                moved_s, spent_s = now_s, family.cpu_s() - idle_s
            row = replace(row, seen=seen)
            came_all = seen.documents >= generator.total
            if generator.is_over and not is_away and (came_all or now_s - moved_s > QUIET_S):
                break
        sent, late_ms = generator.report()
        return replace(row, sent=sent, late_ms=late_ms, cpu_us=spent_s / max(row.seen.documents, 1) * 1e6)


def _missed(rows: list[Row]) -> list[str]:
    """Say which goals the native engine missed, of those that were measured."""
    native = [row for row in rows if row.name == NATIVE]
    at_goal = {row.name: row.cpu_us for row in rows if row.load.rate == GOAL_RATE and not row.load.away_s}
    peer_us = [row.cpu_us for row in rows if row.name == "rsyslog" and not row.lost][-1:]
    missed = [f"{row.load}: {row.lost:,} lines lost" for row in native if row.lost and row.load.rate <= LONG_RATE]
    missed += [f"{row.load}: {row.pss_mib:.0f} MiB" for row in native if row.pss_mib > PSS_MIB_MAX]
    missed += [f"{us:.1f} us a document" for name, us in at_goal.items() if name == NATIVE and us > CPU_US_MAX]
    for us in peer_us if NATIVE in at_goal else []:
        if at_goal[NATIVE] > us * CPU_SHARE_MAX:
            missed.append(f"{at_goal[NATIVE]:.1f} us a document, beside {us:.1f} us of rsyslog")
    return missed


def _cells(row: Row) -> list[str]:
    seen = row.seen
    late = f" ({row.late_ms:.0f} ms late)" if row.late_ms > LATE_MS else ""
    return [
        row.name,
        f"{row.load}{late}",
        f"{row.lost / max(row.sent, 1):.1%}" if row.lost else "none",
        f"{row.cpu_us:.1f} us",
        f"{row.pss_mib:.0f} MiB",
        f"{seen.bytes / max(seen.documents, 1):,.0f}",
        f"{seen.documents / max(seen.requests, 1):,.0f}",
        f"{seen.latency_ms:,} ms, {seen.latency_ms_max:,} ms",
    ]
