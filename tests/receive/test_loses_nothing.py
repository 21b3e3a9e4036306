"""The receiving process beside a busy one, over real sockets, with a real journal."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from shipper.config import Listener
from shipper.journal import Bounds, Reader, StateFolder, Writer
from shipper.processes import Child, Role
from shipper.receive import open_sources, receive
from shipper.receive._datagrams import UdpSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.processes import Stop
    from shipper.receive import Source

LINES_PER_S = 7000
SECONDS = 3


def clock_us() -> int:
    return time.time_ns() // 1000


def busy(stop: Stop) -> int:
    """Keep a core and its interpreter busy, as encoding does."""
    while not stop.is_set():
        sum(number * number for number in range(10_000))
    return 0


class Receiving:
    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder)
        (self.source,) = open_sources([Listener(url="udp://127.0.0.1:0")])
        self.role = Role("receive", self._receive, lambda: 10.0)

    def _receive(self, stop: Stop) -> int:
        journal = Writer(self.state.journal, b"{}", Bounds(), clock_us=clock_us)
        receive([self.source], journal, clock_us=clock_us, stop=stop)
        return 0

    def journaled(self) -> tuple[list[bytes], int]:
        """Give all lines of the journal, and the datagrams that the kernel dropped."""
        reader = Reader(self.state.journal, None, quarantine=self.state.quarantine)
        lines, drops = [], 0
        while (batch := reader.read(5000, 1 << 21)) is not None:
            assert batch.lost == 0
            lines += [line.raw for line in batch.lines()]
            drops += batch.tally.kernel_drops
        reader.close()
        return lines, drops


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Receiving]:
    receiving = Receiving(tmp_path)
    yield receiving
    receiving.source.remove()


def end(child: Child) -> None:
    child.stop()
    deadline = time.monotonic() + 10
    while child.status() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.kill()
    while child.status() is None:
        time.sleep(0.01)
    child.close()


def send(source: Source, first: int, count: int, lines_per_s: int) -> None:
    """Send numbered lines of 300 bytes evenly, in groups of ten milliseconds."""
    assert isinstance(source, UdpSource)
    group = lines_per_s // 100
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", source.port))
        for number in range(first, first + count):
            sender.send(b"%08d" % number + b"x" * 292)
            if number % group == 0:
                time.sleep(max(0.0, begin + (number - first) / lines_per_s - time.monotonic()))


def numbers(lines: list[bytes]) -> list[int]:
    return [int(line[:8]) for line in lines]


def test_a_busy_process_beside_it_costs_no_line(receiving: Receiving) -> None:
    child = Child(receiving.role)
    other = Child(Role("busy", busy, lambda: 1.0), [child])
    try:
        send(receiving.source, 0, LINES_PER_S * SECONDS, LINES_PER_S)
    finally:
        end(other)
        end(child)
    lines, drops = receiving.journaled()
    assert numbers(lines) == list(range(LINES_PER_S * SECONDS))
    assert drops == 0


@pytest.mark.chaos
def test_what_the_kernel_holds_survives_a_killed_receiver(receiving: Receiving) -> None:
    child = Child(receiving.role)
    send(receiving.source, 0, 1000, 5000)
    os.kill(child.pid, signal.SIGSTOP)  # what is sent from here on is the kernel's
    send(receiving.source, 1000, 2000, 20_000)
    child.kill()
    end(child)
    child = Child(receiving.role)
    send(receiving.source, 3000, 1000, 5000)
    end(child)
    lines, drops = receiving.journaled()
    assert drops == 0
    assert len(set(lines)) == len(lines)
    assert set(range(1000, 4000)) <= set(numbers(lines))
