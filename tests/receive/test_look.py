from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from shipper.config import Listener
from shipper.receive import Look, _look, look

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def long_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_look, "datagram_queue", lambda: 512)


def looks(url: str) -> list[Look]:
    return list(look(Listener(url=url, receive_buffer_bytes=4096)))


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_a_port_is_free_or_taken(scheme: str) -> None:
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
        (found,) = looks(url)
        assert (found.good, found.taken) == (False, True)
        assert "Address already in use" in found.text
    (found,) = looks(url)
    assert found.good
    assert found.text.startswith(f"{url} is free")


@pytest.mark.parametrize("scheme", ["unix", "unix-dgram"])
def test_a_path_is_free_stale_taken_or_no_socket_and_is_never_changed(tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "log"
    kind = socket.SOCK_DGRAM if scheme == "unix-dgram" else socket.SOCK_STREAM
    (free,) = looks(f"{scheme}://{path}")
    assert free.good
    assert not path.exists()
    with socket.socket(socket.AF_UNIX, kind) as listening:
        listening.bind(str(path))
        if kind == socket.SOCK_STREAM:
            listening.listen()
        (taken,) = looks(f"{scheme}://{path}")
        assert (taken.good, taken.taken) == (False, True)
    (stale,) = looks(f"{scheme}://{path}")
    assert stale.good
    assert "will be replaced" in stale.text
    assert path.exists()
    path.unlink()
    path.write_text("precious")
    (other,) = looks(f"{scheme}://{path}")
    assert (other.good, other.taken) == (False, False)
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    for scheme in ("unix", "unix-dgram", "file"):
        (found,) = looks(f"{scheme}://{tmp_path}/missing/log")
        assert not found.good


def test_a_short_queue_of_the_kernel_comes_with_the_sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_look, "datagram_queue", lambda: 10)
    (_free, queue) = looks(f"unix-dgram://{tmp_path / 'log'}")
    assert (queue.good, queue.doubtful) == (True, True)
    assert "sysctl -w net.unix.max_dgram_qlen=512" in queue.text


@pytest.mark.parametrize("name", ["haproxy.log", "haproxy.log*"])
def test_a_file_that_is_not_there_yet_may_be_mistyped(tmp_path: Path, name: str) -> None:
    (none,) = looks(f"file://{tmp_path}/{name}")
    assert (none.good, none.doubtful) == (True, True)
    assert "it is read once it appears, so see whether the name is right" in none.text
    (tmp_path / "haproxy.log").touch()
    (found,) = looks(f"file://{tmp_path}/{name}")
    assert (found.good, found.doubtful) == (True, False)


def test_files_are_counted_and_rotation_is_explained(tmp_path: Path) -> None:
    for name in ("haproxy.log", "haproxy.log.1", "haproxy.log.2.gz"):
        (tmp_path / name).touch()
    (found, compressed) = looks(f"file://{tmp_path}/haproxy.log*")
    assert "matching now: 2" in found.text
    assert "with copytruncate, what is written between copy and truncation is lost" in found.text
    assert "haproxy.log.2.gz" in compressed.text


def test_standard_input_is_always_well() -> None:
    (found,) = looks("stdin:")
    assert found.good
