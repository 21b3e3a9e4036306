from __future__ import annotations

import socket
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.journal import ReceiveTally
from shipper.limits import LINE_BYTES_MAX
from shipper.receive import _streams
from tests.receive.running import Running, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TCP = Listener(url="tcp://127.0.0.1:0")


@contextmanager
def connected(receiver: Running, count: int = 1) -> Iterator[list[socket.socket]]:
    connections = [socket.create_connection(("127.0.0.1", receiver.port())) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def sent_until_it_waits(connection: socket.socket, data: bytes) -> int:
    sent = 0
    while sent < len(data):
        try:
            sent += connection.send(data[sent : sent + 65_536])
        except TimeoutError:
            break
    return sent


def test_both_framings_come_over_one_listener_with_the_senders_address() -> None:
    with running(TCP) as receiver:
        receiver.start()
        with connected(receiver, 2) as (first, second):
            first.sendall(b"<134>one\r\n<134>two\n")
            receiver.wait_for(2)
            second.sendall(b"10 <134>three\n")
            receiver.wait_for(3)
    assert receiver.journal.lines == [b"<134>one", b"<134>two", b"<134>three"]
    assert set(receiver.journal.senders) == {(0, "127.0.0.1")}


def test_ipv6_has_streams_too() -> None:
    with running(Listener(url="tcp://[::1]:0")) as receiver:
        receiver.start()
        with socket.create_connection(("::1", receiver.port())) as connection:
            connection.sendall(b"six\n")
            receiver.wait_for(1)
    assert receiver.journal.senders == [(0, "::1")]


def test_a_line_is_whole_however_slowly_it_comes() -> None:
    with running(TCP) as receiver:
        receiver.start()
        with connected(receiver) as (connection,):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in b"8 <134>one<134>two\n":
                connection.send(bytes([octet]))
                time.sleep(0.002)
            receiver.wait_for(2)
    assert receiver.journal.lines == [b"<134>one", b"<134>two"]


@pytest.mark.parametrize(
    ("sent", "line", "is_cut"),
    [(b"half", b"half", False), (b"9 half", b"half", True), (b"x" * 70_000, b"x" * LINE_BYTES_MAX, True)],
)
def test_what_is_left_when_a_connection_ends_is_a_line(sent: bytes, line: bytes, *, is_cut: bool) -> None:
    with running(TCP) as receiver:
        receiver.start()
        with connected(receiver) as (connection,):
            connection.sendall(sent)
        assert receiver.wait_for(1) == [line]
    assert receiver.journal.cut == [line] * is_cut


def test_a_connection_that_is_reset_gives_what_it_had_begun_as_cut() -> None:
    with running(TCP) as receiver:
        receiver.start()
        with connected(receiver) as (connection,):
            connection.sendall(b"one\nhalf")
            receiver.wait_for(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        receiver.wait_for(2)
    assert receiver.journal.cut == [b"half"]


def test_a_stop_reads_what_the_kernel_holds_and_what_was_begun() -> None:
    with running(TCP) as receiver, connected(receiver, 20) as connections:
        for number, connection in enumerate(connections):
            connection.sendall(b"%d\n" % number * 1000 + b"half")
        receiver.ask_to_stop()
        receiver.start()
        receiver.join()
    assert len(receiver.journal.lines) == 20 * 1001
    assert receiver.journal.cut == [b"half"] * 20
    receiver.journal.assert_adds_up()


def test_one_that_floods_does_not_keep_the_others_waiting() -> None:
    flood = b"x" * 300 + b"\n"
    with running(TCP) as receiver, connected(receiver, 2) as (loud, quiet):
        loud.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        receiver.start()
        lines = flood * 1000
        begin = time.monotonic()
        while b"heard" not in receiver.journal.lines[-5000:] and time.monotonic() - begin < 5:
            try:
                lines = lines[loud.send(lines) :] or flood * 1000
            except BlockingIOError:
                time.sleep(0.001)
            if time.monotonic() - begin > 0.3:
                quiet.sendall(b"heard\n")
        assert time.monotonic() - begin < 2


def test_an_entry_stays_within_its_bound_however_short_the_lines_are() -> None:
    with running(TCP) as receiver:
        receiver.start()
        with connected(receiver) as (connection,):
            connection.sendall(b"a\n" * 100_000)
        receiver.wait_for(100_000)
    assert max(len(draft.lines) for draft in receiver.journal.drafts) < 2048


def test_a_full_journal_makes_the_sender_wait_and_loses_nothing() -> None:
    lines = [b"%08d" % number + b"x" * 292 for number in range(60_000)]
    with capture_logs() as events, running(TCP) as receiver, connected(receiver) as (connection,):
        receiver.journal.full = True
        receiver.start()
        connection.settimeout(1)
        data = b"\n".join(lines) + b"\n"
        sent = sent_until_it_waits(connection, data)
        assert sent < len(data)
        receiver.journal.full = False
        connection.settimeout(10)
        connection.sendall(data[sent:])
        wait_until(lambda: len(receiver.journal.lines) == len(lines))
        receiver.stop()
    assert receiver.journal.lines == lines
    assert receiver.journal.tally == ReceiveTally(received=len(lines))
    assert [event["event"] for event in events if event["event"].startswith("reading")] == [
        "reading_paused",
        "reading_resumed",
    ]


def test_what_is_in_hand_at_a_stop_with_a_full_journal_is_dropped_and_counted() -> None:
    with running(TCP) as receiver, connected(receiver) as (connection,):
        receiver.journal.full = True
        receiver.start()
        connection.sendall(b"one\ntwo\n")
        time.sleep(0.3)
        receiver.stop()
    assert receiver.journal.tally == ReceiveTally(received=2, dropped_full=2)


def test_blank_lines_are_counted_as_in_datagrams() -> None:
    with running(TCP) as receiver:
        receiver.start()
        with connected(receiver) as (connection,):
            connection.sendall(b"\n\r\n\0\none\n")
        receiver.wait_for(1)
        receiver.stop()
    assert receiver.journal.tally == ReceiveTally(received=4, empty=3)


def test_too_many_connections_wait_until_one_ends_or_was_quiet_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_streams, "CONNECTIONS_MAX", 2)
    monkeypatch.setattr(_streams, "_ACCEPT_AGAIN_S", 0.05)
    with capture_logs() as events, running(TCP) as receiver:
        receiver.start()
        with connected(receiver, 3) as (first, second, third):
            for connection in (first, second, third):
                connection.sendall(b"line\n")
            receiver.wait_for(2)
            time.sleep(0.2)
            receiver.wait_for(2)
            first.close()
            wait_until(lambda: len(receiver.journal.lines) == 3)
            monkeypatch.setattr(_streams, "CONNECTION_IDLE_S", 0.0)
            with connected(receiver) as (fourth,):
                fourth.sendall(b"line\n")
                wait_until(lambda: len(receiver.journal.lines) == 4)
            assert second.recv(1) == b""
    assert len(receiver.journal.lines) == 4
    assert [event["event"] for event in events].count("connections_wait") >= 1


def test_a_unix_stream_is_received_with_its_path_as_the_sender(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    with running(Listener(url=f"unix://{path}")) as receiver:
        receiver.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sender:
            sender.connect(str(path))
            sender.sendall(b"<134>one\n8 <134>two")
            receiver.wait_for(2)
        receiver.stop()
        assert path.exists()
    assert receiver.journal.senders == [(0, str(path))] * 2
    assert not path.exists()
