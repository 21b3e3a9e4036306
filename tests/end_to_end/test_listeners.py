"""Standard input, followed files and socket files, with the whole of shipper around them."""

from __future__ import annotations

import random
import socket
import subprocess
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.traffic import Sender, line
from tests.free_ports import free_udp_port
from tests.shipper_process import COMMAND, ShipperProcess, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import World

LINES = 20_000
NOBODY = "http://127.0.0.1:9"


def test_standard_input_is_shipped_to_its_end_and_that_is_the_end(world: World) -> None:
    shipper = world.shipper(shutdown_timeout_s=0.0)
    lines = b"\n".join(map(line, range(LINES)))
    command = [COMMAND, "run", "--config", str(shipper.file), "--listen", "stdin:"]
    done = subprocess.run(command, input=lines, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    world.settled(shipper, LINES)
    assert world.indexed.numbers() == Counter(range(LINES))


def test_what_standard_input_brought_is_not_given_up_while_elasticsearch_is_away(world: World) -> None:
    shipper = world.shipper(NOBODY, shutdown_timeout_s=0.0)
    command = [COMMAND, "run", "--config", str(shipper.file), "--listen", "stdin:"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(b"\n".join(map(line, range(100))))
        process.stdin.close()
        until(lambda: len(shipper.pending()) == 100, "the lines are journaled")
        time.sleep(1.0)
        assert process.poll() is None
        process.terminate()
        assert process.wait(15) == 0
    assert len(shipper.pending()) == 100


def test_several_shippers_share_a_port_and_every_line_is_there_once(world: World) -> None:
    port = free_udp_port()
    listeners = [{"url": f"udp://127.0.0.1:{port}", "reuse_port": True}]
    shippers = [world.started(listeners=listeners) for _ in range(2)]
    senders = [Sender(port) for _ in range(40)]
    for number in range(2_000):
        senders[number % len(senders)].send([line(number)])
    for sender in senders:
        sender.close()
    until(lambda: sum(shipper.commit().journaled for shipper in shippers) == 2_000, "every line is settled")
    assert world.indexed.numbers() == Counter(range(2_000))
    assert all(shipper.commit().journaled for shipper in shippers)
    doctored = subprocess.run(
        [COMMAND, "doctor", "--config", str(shippers[0].file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "came through to the counters" in doctored.stdout, doctored.stdout + doctored.stderr
    assert [shipper.stop() for shipper in shippers] == [0, 0]


def test_who_does_not_share_a_port_is_refused_it(world: World) -> None:
    first = world.started()
    second = world.shipper(listeners=[{"url": f"udp://127.0.0.1:{first.port}", "reuse_port": True}])
    done = subprocess.run(
        [COMMAND, "run", "--config", str(second.file)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert "Address already in use" in done.stderr
    assert first.stop() == 0


class LogFile:
    """Numbered lines written to a file that is rotated by renaming, from a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.written = 0
        self._path = path
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def end(self) -> int:
        """Stop writing; give how many lines there are."""
        self._ended.set()
        self._thread.join()
        return self.written

    def _write(self) -> None:
        rotations = 0
        while not self._ended.is_set():
            with self._path.open("ab", buffering=0) as file:
                until_s = time.monotonic() + 1.5
                while time.monotonic() < until_s and not self._ended.is_set():
                    file.write(b"".join(line(self.written + each) + b"\n" for each in range(50)))
                    self.written += 50
                    time.sleep(0.025)
                rotations += 1
                self._path.rename(self._path.with_name(f"{self._path.name}.{rotations}"))


@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_a_followed_file_is_indexed_exactly_once_across_rotation_and_kills(world: World, tmp_path: Path) -> None:
    path = tmp_path / "haproxy.log"
    shipper = world.started(listeners=[{"url": f"file://{path}*"}])
    log, dice = LogFile(path), random.Random(5)
    try:
        for _ in range(4):
            time.sleep(dice.uniform(0.5, 1.5))
            shipper.kill()
            shipper.start()
    finally:
        written = log.end()
    world.settled(shipper, written)
    assert world.indexed.numbers() == Counter(range(written))
    assert len(list(shipper.state.journal.iterdir())) < 4  # the segments that first held the cursors are gone


def test_a_socket_file_outlives_a_kill_is_taken_over_and_goes_with_a_stop(tmp_path: Path) -> None:
    path = tmp_path / "log"
    settings = {"listeners": [{"url": f"unix-dgram://{path}"}], "shutdown_timeout_s": 0.2}
    with ShipperProcess(tmp_path, NOBODY, "nobody", **settings) as shipper:
        shipper.kill()
        assert path.exists()
        shipper.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(line(1), str(path))
        until(lambda: len(shipper.pending()) == 1, "the line is journaled")
        assert shipper.stop() == 0
        assert not path.exists()
