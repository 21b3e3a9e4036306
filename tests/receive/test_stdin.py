from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.errors import ConfigError
from shipper.journal import ReceiveTally
from shipper.receive import open_sources
from shipper.receive._gathering import Gathering
from shipper.receive._stdin import StdinSource
from tests.receive.running import Running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def reading(fd: int) -> Iterator[Running]:
    receiver = Running([StdinSource(0, fd)])
    try:
        yield receiver
    finally:
        receiver.close()


def test_a_pipe_is_read_to_its_end_and_that_ends_the_receiving() -> None:
    read, write = os.pipe()
    with reading(read) as receiver:
        receiver.start()
        os.write(write, b"one\ntw")
        receiver.wait_for(1)
        os.write(write, b"o\n200 three")
        os.close(write)
        receiver.join()
        os.close(read)
    assert receiver.ended
    assert receiver.journal.lines == [b"one", b"two", b"200 three"]
    assert receiver.journal.senders == [(0, "")] * 3
    assert receiver.journal.cut == []
    receiver.journal.assert_adds_up()


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"".join(b"%d\n" % number for number in range(100_000)))
    with file.open("rb") as opened, reading(opened.fileno()) as receiver:
        receiver.start()
        receiver.join()
    assert receiver.ended
    assert receiver.journal.lines == file.read_bytes().splitlines()


def test_a_full_journal_keeps_everything_waiting_even_at_the_end() -> None:
    read, write = os.pipe()
    with reading(read) as receiver:
        receiver.journal.full = True
        receiver.start()
        os.write(write, b"one\n")
        os.close(write)
        time.sleep(0.3)
        receiver.journal.full = False
        receiver.join()
        os.close(read)
    assert receiver.ended
    assert receiver.journal.lines == [b"one"]


def test_a_stop_takes_what_was_begun_as_cut() -> None:
    read, write = os.pipe()
    with reading(read) as receiver:
        receiver.start()
        os.write(write, b"one\nhalf")
        receiver.wait_for(1)
        receiver.stop()
        os.close(write)
        os.close(read)
    assert not receiver.ended
    assert receiver.journal.lines == [b"one", b"half"]
    assert receiver.journal.cut == [b"half"]


def test_waiting_for_input_costs_nothing() -> None:
    read, write = os.pipe()
    with reading(read) as receiver:
        receiver.start()
        before = time.process_time()
        wait_until(lambda: False, 0.5)
        assert time.process_time() - before < 0.2
        os.close(write)
        receiver.join()
        os.close(read)


def test_a_standard_input_that_breaks_has_ended_and_leaves_the_beginning_of_a_line_as_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sender:
        accepted, _ = server.accept()
        with accepted, capture_logs() as events, reading(accepted.fileno()) as receiver:
            receiver.start()
            sender.sendall(b"one\nhalf")
            receiver.wait_for(1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sender.close()
            receiver.join()
    assert receiver.ended
    assert receiver.journal.lines == [b"one", b"half"]
    assert receiver.journal.cut == [b"half"]
    assert [event["event"] for event in events] == ["stdin_not_read"]


def test_an_input_that_somebody_else_has_read_empty_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    source, gathering = StdinSource(0, read), Gathering(lambda: 1)
    with monkeypatch.context() as patched:
        patched.setattr(select, "select", lambda *_: ([read], [], []))
        assert source.read(gathering, lambda: True) == 0
    os.write(write, b"one\n")
    assert source.read(gathering, lambda: True) > 0
    assert gathering.take(ReceiveTally()).data == b"one"
    os.close(write)
    os.close(read)


def test_a_closed_standard_input_is_an_error_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConfigError, match="standard input is closed"):
        open_sources([Listener(url="stdin:")])
