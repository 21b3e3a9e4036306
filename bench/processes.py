"""Processes that are measured: CPU time and memory, with their children."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import psutil

from shipper.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_S_MAX: Final = 20.0
STOP_S_MAX: Final = 30.0
SAMPLE_S: Final = 0.25


class Family:
    """A process and its children, also those that come later."""

    def __init__(self, pid: int) -> None:
        self._parent = psutil.Process(pid)

    def cpu_s(self) -> float:
        """Give the CPU time of those that live, in user mode and in the kernel."""
        return sum(sum(each.cpu_times()[:2]) for each in self._all())

    def pss_mib(self) -> float:
        """Give their memory; a page that several share counts once."""
        total = 0.0
        for each in self._all():
            with suppress(psutil.NoSuchProcess):
                total += each.memory_full_info().pss / MIB
        return total

    def _all(self) -> list[psutil.Process]:
        return [self._parent, *self._parent.children(recursive=True)]


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[Family]:
    """Run a program that listens on a UDP port; it is there once the port is bound."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=log.parent)
    try:
        deadline_s = time.monotonic() + START_S_MAX
        while not _is_bound(port):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"{command[0]} did not start:\n{log.read_text()}")
            time.sleep(SAMPLE_S)
        time.sleep(1)
        yield Family(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
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
