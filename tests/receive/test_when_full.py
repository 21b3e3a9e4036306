"""What `journal.when_full = "drop_newest"` changes; what waits by default is tested with each transport."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.journal import ReceiveTally
from tests.receive.running import Running, running, wait_until

if TYPE_CHECKING:
    from pathlib import Path

TCP = Listener(url="tcp://127.0.0.1:0")
LINES = 60_000


def dropped(receiver: Running) -> int:
    return receiver.journal.tally.dropped_full


def test_a_stream_is_read_on_dropped_and_counted_so_its_sender_never_waits() -> None:
    with capture_logs() as events, running(TCP) as receiver:
        receiver.when_full = "drop_newest"
        receiver.journal.full = True
        receiver.start()
        with socket.create_connection(("127.0.0.1", receiver.port()), timeout=5) as connection:
            connection.sendall((b"x" * 300 + b"\n") * LINES)
            wait_until(lambda: dropped(receiver) == LINES)
            receiver.journal.full = False
            connection.sendall(b"taken\n")
            receiver.wait_for(1)
        receiver.stop()
    assert receiver.journal.lines == [b"taken"]
    assert receiver.journal.tally == ReceiveTally(received=LINES + 1, dropped_full=LINES)
    said = [event["event"] for event in events if event["event"] in {"lines_dropped", "journal_took_lines_again"}]
    assert said == ["lines_dropped", "journal_took_lines_again"]


def test_a_line_that_was_begun_at_the_stop_is_journaled_or_counted() -> None:
    for full in (False, True):
        with running(TCP) as receiver:
            receiver.when_full = "drop_newest"
            receiver.journal.full = full
            receiver.start()
            with socket.create_connection(("127.0.0.1", receiver.port()), timeout=5) as connection:
                connection.sendall(b"whole\nbegun")
                wait_until(lambda receiver=receiver: receiver.journal.tally.received == 1)  # type: ignore[misc]
                receiver.stop()
        assert receiver.journal.lines == ([] if full else [b"whole", b"begun"])
        assert receiver.journal.tally == ReceiveTally(received=2, dropped_full=2 if full else 0)


def test_a_followed_file_waits_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo\n")
    with running(Listener(url=f"file://{tmp_path}/log")) as receiver:
        receiver.when_full = "drop_newest"
        receiver.journal.full = True
        receiver.start()
        wait_until(lambda: False, 0.5)
        receiver.journal.full = False
        receiver.wait_for(2)
        receiver.stop()
    assert receiver.journal.tally == ReceiveTally(received=2)
