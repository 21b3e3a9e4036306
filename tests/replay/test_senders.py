from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shipper.encode import native_version
from shipper.errors import ConfigError, Retryable
from shipper.replay import senders
from shipper.replay.senders import Sender, Target, open_sender, read_target
from tests.free_ports import free_udp_port
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("engine")
LINES = [b"line %d" % number for number in range(200)]


@pytest.fixture(params=["native", "python"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(senders, "send_many", lambda _fd, _lines, _end: 0)
    elif native_version() is None:
        pytest.skip("the native engine is not installed")


def opened(
    url: str, *, framing: senders.Framing = "newline", patient: bool = False, stop: threading.Event | None = None
) -> Sender:
    stopped = stop.is_set if stop else lambda: False
    return open_sender(read_target(url), framing=framing, patient=patient, stopped=stopped, wait=time.sleep)


class Receiver:
    """A stream's other side: keeps what comes, over as many connections as come."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.received: list[bytes] = []
        self.connection: socket.socket | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while True:
            try:
                self.connection, _ = self.listener.accept()
            except OSError:
                return
            with self.connection:
                self.received.append(b"")
                while data := self.recv():
                    self.received[-1] += data

    def recv(self) -> bytes:
        assert self.connection is not None
        try:
            return self.connection.recv(65_536)
        except OSError:
            return b""


@contextmanager
def receiver(address: str | tuple[str, int]) -> Iterator[Receiver]:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen()
        each = Receiver(listener)
        yield each
        listener.shutdown(socket.SHUT_RDWR)
        each.thread.join(5)


# -- datagrams -------------------------------------------------------------------------------------------------------


def test_each_line_is_a_udp_datagram_of_its_own_with_a_line_end_as_haproxy_sends_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        sender = opened(f"udp://localhost:{listener.getsockname()[1]}")
        sender.send([b"one", b"two"])
        assert [listener.recv(100), listener.recv(100)] == [b"one\n", b"two\n"]
        assert (sender.handed.lines, sender.handed.bytes) == (2, 8)
        sender.close()


def test_answers_that_nobody_listens_are_counted_and_lose_no_line_that_comes_after() -> None:
    port = free_udp_port()
    sender = opened(f"udp://127.0.0.1:{port}")
    sender.send([b"into the void"])
    time.sleep(0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", port))
        sender.send([b"heard"])
        assert listener.recv(100) == b"heard\n"
    assert (sender.handed.lines, sender.handed.unreachable) == (2, 1)
    sender.close()


def test_the_answer_to_the_last_datagram_is_counted_as_well() -> None:
    sender = opened(f"udp://127.0.0.1:{free_udp_port()}")
    sender.send([b"into the void"])
    time.sleep(0.05)
    sender.close()
    assert (sender.handed.lines, sender.handed.unreachable) == (1, 1)


@pytest.mark.parametrize("count", [1, 2, 51])
def test_nobody_is_told_from_one_who_came_late_or_went(count: int) -> None:
    port = free_udp_port()
    alone, late, left = (opened(f"udp://127.0.0.1:{port}") for _ in range(3))
    for sender in (alone, late):
        sender.send(LINES[:count])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", port))
        for sender in (late, left):
            sender.send(LINES)
    left.send(LINES[:1])
    for sender in (alone, late, left):
        sender.close()
    assert [sender.handed.nobody for sender in (alone, late, left)] == [True, False, False]


def test_a_line_that_no_datagram_can_hold_is_lost_with_the_kernels_reason() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        sender = opened(f"udp://127.0.0.1:{listener.getsockname()[1]}")
        sender.send([b"x" * 65_536, b"short"])
        assert listener.recv(100) == b"short\n"
    assert sender.handed.lost == {"EMSGSIZE": 1}
    assert sender.handed.lines == 1
    sender.close()


def test_what_a_full_unix_socket_does_not_take_is_lost_and_counted(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        sender = opened(f"unix-dgram://{tmp_path}/log")
        sender.send(LINES * 10)
        listener.settimeout(0)
        received = 0
        try:
            while listener.recv(100):
                received += 1
        except BlockingIOError:
            pass
    assert sender.handed.lines == received
    assert sender.handed.lost == {"EAGAIN": 2_000 - received}
    sender.close()


def test_a_patient_sender_waits_for_room_and_loses_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        sender = opened(f"unix-dgram://{tmp_path}/log", patient=True)
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: [received.append(listener.recv(100)) for _ in range(2_000)])  # type: ignore[func-returns-value]
        reader.start()
        sender.send(LINES * 10)
        reader.join(10)
        assert received == [line + b"\n" for line in LINES * 10]
    assert (sender.handed.lines, sender.handed.lost) == (2_000, {})
    sender.close()


def test_a_stop_ends_the_patience(tmp_path: Path) -> None:
    stop = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        sender = opened(f"unix-dgram://{tmp_path}/log", patient=True, stop=stop)
        threading.Timer(0.3, stop.set).start()
        sender.send(LINES * 10)
    assert sender.handed.lines + sender.handed.lost["EAGAIN"] == 2_000
    sender.close()


def test_a_unix_socket_that_was_made_anew_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as first:
        first.bind(str(path))
        sender = opened(f"unix-dgram://{path}")
    path.unlink()
    sender.send([b"lost"])
    assert (sender.handed.lines, sender.handed.lost) == (0, {"ECONNREFUSED": 1})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second:
        second.bind(str(path))
        sender.send([b"heard"])
        assert second.recv(100) == b"heard\n"
    sender.close()


# -- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
def test_a_stream_carries_lines_with_their_ends(scheme: str, tmp_path: Path) -> None:
    address: str | tuple[str, int] = ("127.0.0.1", 0) if scheme == "tcp" else str(tmp_path / "log")
    with receiver(address) as other:
        name = other.listener.getsockname()
        sender = opened(f"tcp://127.0.0.1:{name[1]}" if scheme == "tcp" else f"unix://{name}")
        sender.send(LINES)
        sender.close()
        assert other.received[0] == b"".join(line + b"\n" for line in LINES)
    assert sender.handed.lines == len(LINES)


def test_octet_counting_puts_the_length_in_front() -> None:
    with receiver(("127.0.0.1", 0)) as other:
        sender = opened(f"tcp://127.0.0.1:{other.listener.getsockname()[1]}", framing="octet")
        sender.send([b"one", b"three"])
        sender.close()
        assert other.received[0] == b"3 one5 three"


def test_a_stream_that_was_closed_is_opened_again_and_loses_no_line() -> None:
    with receiver(("127.0.0.1", 0)) as other:
        sender = opened(f"tcp://127.0.0.1:{other.listener.getsockname()[1]}")
        sender.send([b"one"])
        until(lambda: other.received == [b"one\n"], "the first line arrived")
        assert other.connection is not None
        other.connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)
        sender.send([b"two"])
        sender.close()
        assert other.received == [b"one\n", b"two\n"]
    assert (sender.handed.lines, sender.handed.reconnects) == (2, 1)


def test_a_stream_that_breaks_in_the_middle_goes_on_with_the_first_line_that_was_not_taken_whole() -> None:
    lines = [b"%06d" % number + b"x" * 1_000 for number in range(20_000)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = opened(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        sending = threading.Thread(target=lambda: [sender.send(lines), sender.close()])  # type: ignore[func-returns-value]
        sending.start()
        broken, _ = listener.accept()
        broken.recv(10_000)
        broken.close()
        data = b""
        with listener.accept()[0] as second:
            while part := second.recv(1 << 20):
                data += part
        sending.join(10)
    got = data.splitlines()
    assert got == lines[len(lines) - len(got) :]
    assert (sender.handed.lines, sender.handed.reconnects) == (20_000, 1)


def test_a_receiver_that_does_not_come_back_ends_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "REPLAY_RECONNECT_S_MAX", 0.2)
    with receiver(("127.0.0.1", 0)) as other:
        sender = opened(f"tcp://127.0.0.1:{other.listener.getsockname()[1]}")
        until(lambda: other.connection, "connected")
        assert other.connection is not None
        other.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Retryable, match=r"refused; is the receiver there\? It was tried for"):
        sender.send([b"one"])


def test_nobody_at_a_stream_is_said_at_the_start() -> None:
    with pytest.raises(Retryable, match="is the receiver there"):
        opened(f"tcp://127.0.0.1:{free_udp_port()}")


# -- targets ---------------------------------------------------------------------------------------------------------


def test_targets_are_read() -> None:
    assert read_target("udp://[::1]:514") == Target("udp://[::1]:514", "udp", "::1", 514)
    assert read_target("tcp://logs.example:601").host == "logs.example"
    assert read_target("unix-dgram:///dev/log").path == "/dev/log"


@pytest.mark.parametrize(
    "url",
    ["", "udp", "udp://host", "udp://:5", "udp://h:0", "http://h:1", "tcp://h:99999", "unix://dev/log", "file:///x"],
)
def test_a_target_that_is_none_says_what_is_expected(url: str) -> None:
    with pytest.raises(ConfigError, match="is expected"):
        read_target(url)


def test_a_name_that_nobody_knows_is_said() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.invalid"):
        opened("udp://nowhere.invalid:514")
