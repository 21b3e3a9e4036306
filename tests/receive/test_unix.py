from __future__ import annotations

import socket
import stat
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.errors import ConfigError
from shipper.limits import LINE_BYTES_MAX
from shipper.receive import _sockets, open_sources
from tests.receive.running import running

if TYPE_CHECKING:
    from pathlib import Path

KINDS = pytest.mark.parametrize(("scheme", "kind"), [("unix", socket.SOCK_STREAM), ("unix-dgram", socket.SOCK_DGRAM)])


def test_datagrams_come_with_the_path_as_their_sender(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with running(Listener(url=f"unix-dgram://{path}")) as receiver:
        receiver.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for number in range(500):
                sender.sendto(b"<134>%d\n" % number, str(path))
        receiver.wait_for(500)
        receiver.stop()
    assert receiver.journal.lines[-1] == b"<134>499"
    assert set(receiver.journal.senders) == {(0, str(path))}


def test_a_datagram_beyond_the_bound_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with running(Listener(url=f"unix-dgram://{path}")) as receiver:
        receiver.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x" * LINE_BYTES_MAX, str(path))
            sender.sendto(b"y" * (LINE_BYTES_MAX + 10), str(path))
        receiver.wait_for(2)
    assert receiver.journal.cut == [b"y" * LINE_BYTES_MAX]


@KINDS
def test_a_file_that_nobody_listens_at_is_taken_over(tmp_path: Path, scheme: str, kind: socket.SocketKind) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, kind) as killed:
        killed.bind(str(path))
    for source in open_sources([Listener(url=f"{scheme}://{path}")]):
        source.remove()
    assert not path.exists()


@KINDS
def test_a_path_at_which_somebody_listens_is_refused_and_stays(
    tmp_path: Path, scheme: str, kind: socket.SocketKind
) -> None:
    path = tmp_path / "log"
    other = socket.SOCK_STREAM if kind == socket.SOCK_DGRAM else socket.SOCK_DGRAM
    for taken_by in (kind, other):
        with socket.socket(socket.AF_UNIX, taken_by) as taken:
            taken.bind(str(path))
            if taken_by == socket.SOCK_STREAM:
                taken.listen()
            with pytest.raises(ConfigError, match="Address already in use; choose another path"):
                open_sources([Listener(url=f"{scheme}://{path}")])
            assert path.exists()
        path.unlink()


@KINDS
def test_what_is_no_socket_is_left_alone(tmp_path: Path, scheme: str, kind: socket.SocketKind) -> None:
    del kind
    path = tmp_path / "log"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="it is no socket"):
        open_sources([Listener(url=f"{scheme}://{path}")])
    assert path.read_text() == "precious"


@KINDS
def test_a_file_that_another_put_there_stays_at_the_stop(tmp_path: Path, scheme: str, kind: socket.SocketKind) -> None:
    path = tmp_path / "log"
    (source,) = open_sources([Listener(url=f"{scheme}://{path}")])
    path.unlink()
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(path))
        source.remove()
        assert path.exists()


@pytest.mark.parametrize(("mode", "bits"), [("0666", 0o666), ("600", 0o600)])
def test_the_permissions_are_those_of_the_setting(tmp_path: Path, mode: str, bits: int) -> None:
    path = tmp_path / "log"
    (source,) = open_sources([Listener(url=f"unix-dgram://{path}", socket_mode=mode)])
    assert stat.S_IMODE(path.stat().st_mode) == bits
    source.remove()


def test_a_path_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most 107 bytes"):
        open_sources([Listener(url=f"unix://{tmp_path}/{'x' * 108}")])


def test_a_short_queue_of_the_kernel_is_said_with_the_sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qlen").write_text("10\n")
    monkeypatch.setattr(_sockets, "_DATAGRAM_QUEUE", tmp_path / "qlen")
    with capture_logs() as events:
        (source,) = open_sources([Listener(url=f"unix-dgram://{tmp_path / 'log'}")])
    source.remove()
    assert [event["run"] for event in events if event["event"] == "datagram_queue_is_short"] == [
        "sysctl -w net.unix.max_dgram_qlen=512"
    ]
