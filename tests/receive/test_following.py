"""Followed files with the loop, the journal and the processes around them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.journal import Bounds, Reader, ReceiveTally, StateFolder, Writer
from shipper.limits import MIB
from shipper.processes import Child, Role
from shipper.receive import open_sources, receive
from tests.receive.running import Memory, running, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.processes import Stop

KILLS = 12


def test_files_are_followed_beside_other_listeners(tmp_path: Path) -> None:
    log = tmp_path / "haproxy.log"
    with running(Listener(url="udp://127.0.0.1:0"), Listener(url=f"file://{log}")) as receiver:
        receiver.start()
        receiver.send(b"datagram")
        log.write_bytes(b"line\n")
        receiver.wait_for(2)
    assert sorted(receiver.journal.senders) == [(0, "127.0.0.1"), (1, f"file://{log}")]


def test_a_full_journal_leaves_the_lines_in_the_file_for_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "haproxy.log"
    log.write_bytes(b"one\n" * 5000)
    journal = Memory()
    with capture_logs() as events, running(Listener(url=f"file://{log}"), journal=journal) as receiver:
        journal.full = True
        receiver.start()
        wait_until(lambda: any(event["event"] == "reading_paused" for event in events))
        receiver.stop()
    assert journal.tally == ReceiveTally()
    journal.full = False
    with running(Listener(url=f"file://{log}"), journal=journal) as receiver:
        receiver.start()
        receiver.wait_for(5000)
    assert journal.tally == ReceiveTally(received=5000)


def test_a_journal_that_was_full_for_a_while_holds_each_line_once(tmp_path: Path) -> None:
    log = tmp_path / "haproxy.log"
    lines = [b"%d" % number for number in range(20_000)]
    log.write_bytes(b"\n".join(lines) + b"\n")
    with running(Listener(url=f"file://{log}")) as receiver:
        receiver.journal.full = True
        receiver.start()
        time.sleep(0.3)
        receiver.journal.full = False
        assert receiver.wait_for(len(lines)) == lines


def test_following_a_quiet_file_costs_little(tmp_path: Path) -> None:
    (tmp_path / "haproxy.log").write_bytes(b"one\n")
    with running(Listener(url=f"file://{tmp_path}/*")) as receiver:
        receiver.start()
        receiver.wait_for(1)
        before = time.process_time()
        time.sleep(1.0)
        assert time.process_time() - before < 0.1


class LogWriter:
    """Writes numbered lines as a syslog daemon does, a piece at a time, and rotates by renaming now and then."""

    def __init__(self, log: Path, rotate_s: float) -> None:
        self.lines = 0
        self._log = log
        self._rotate_s = rotate_s
        self._rotations = 0
        self._going = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._going.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going.clear()
        self._thread.join()

    def _write(self) -> None:
        dice = random.Random(7)
        file = self._log.open("ab", buffering=0)
        due_s = time.monotonic() + self._rotate_s
        while self._going.is_set():
            for _ in range(dice.randrange(1, 40)):
                line = b"%08d " % self.lines + b"x" * dice.randrange(250) + b"\n"
                middle = dice.randrange(len(line))
                file.write(line[:middle])
                file.write(line[middle:])
                self.lines += 1
            if time.monotonic() >= due_s:
                due_s += self._rotate_s
                self._rotations += 1
                self._log.rename(self._log.with_name(f"haproxy.log.{self._rotations}"))
                for _ in range(5):  # the daemon has not been told yet
                    file.write(b"%08d late\n" % self.lines)
                    self.lines += 1
                file.close()
                file = self._log.open("ab", buffering=0)
            time.sleep(0.002)
        file.close()


@pytest.mark.chaos
@pytest.mark.parametrize(("pattern", "rotate_s"), [("haproxy.log", 1.2), ("haproxy.log*", 0.1)])
def test_a_receiver_that_is_killed_again_and_again_reads_each_line_exactly_once_across_rotation(
    tmp_path: Path, pattern: str, rotate_s: float
) -> None:
    state, log = StateFolder(tmp_path / "state"), tmp_path / "logs" / "haproxy.log"
    log.parent.mkdir()
    sources = open_sources([Listener(url=f"file://{log.with_name(pattern)}")])

    def target(stop: Stop) -> int:
        bounds = Bounds(segment_bytes=MIB, sync_interval_s=None)
        journal = Writer(state.journal, b"{}", bounds, clock_us=lambda: time.time_ns() // 1000)
        receive(sources, journal, clock_us=lambda: time.time_ns() // 1000, stop=stop)
        return 0

    dice, deleted = random.Random(3), list[int]()
    with LogWriter(log, rotate_s) as writer:
        for _ in range(KILLS):
            child = Child(Role("receive", target, lambda: 10.0))
            time.sleep(dice.uniform(0.05, 0.6))
            end(child, kill=True)
            if dice.random() < 0.5:
                deleted += delete_old_segments(state)
    child = Child(Role("receive", target, lambda: 10.0))
    wait_until(lambda: len(deleted) + len(numbers(state)) == writer.lines, 10)
    end(child, kill=False)
    assert Counter([*deleted, *numbers(state)]) == Counter(range(writer.lines))


def delete_old_segments(state: StateFolder) -> list[int]:
    """Delete all segments but the newest, as the commit does when everything is settled; give what was in them."""
    newest = max(state.journal.iterdir())
    before = numbers(state)
    for path in state.journal.iterdir():
        if path != newest:
            path.unlink()
    return before[: len(before) - len(numbers(state))]


def numbers(state: StateFolder) -> list[int]:
    """Read the numbers of all lines that the journal holds, in its order."""
    found = []
    reader = Reader(state.journal, None, quarantine=state.root / "looked-at")
    while (batch := reader.read(5000, 1 << 21)) is not None:
        found += [int(line.raw[:8]) for line in batch.lines()]
    reader.close()
    return found


def end(child: Child, *, kill: bool) -> None:
    if kill:
        child.kill()
    else:
        child.stop()
    wait_until(lambda: child.status() is not None)
    child.kill()
    child.close()
