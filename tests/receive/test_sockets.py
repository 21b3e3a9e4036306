from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.errors import ConfigError
from shipper.limits import RECEIVE_BUFFER_BYTES, RECEIVE_LINGER_S_MAX, RECEIVE_LINGER_S_MIN
from shipper.receive import _sockets, doubled, open_sources
from shipper.receive._datagrams import UdpSource
from tests.free_ports import free_udp_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def bind() -> Iterator[Callable[..., list[UdpSource]]]:
    opened: list[UdpSource] = []

    def listen(*urls: str, size: int = 1 << 20) -> list[UdpSource]:
        new = open_sources([Listener(url=url, receive_buffer_bytes=size) for url in urls])
        opened.extend(source for source in new if isinstance(source, UdpSource))
        return opened[-len(new) :]

    yield listen
    for listener in opened:
        listener.close()


def overflow(listener: UdpSource, datagrams: int = 200) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(datagrams):
            sender.sendto(bytes(1000), ("127.0.0.1", listener.port))


def test_ipv4_and_ipv6_share_a_port(bind: Callable[..., list[UdpSource]]) -> None:
    (first,) = bind("udp://0.0.0.0:0")
    (second,) = bind(f"udp://[::]:{first.port}")
    assert second.socket.family == socket.AF_INET6
    assert first.port == second.port


def test_the_buffer_is_what_was_asked_for_or_a_warning_names_the_sysctl(
    bind: Callable[..., list[UdpSource]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sockets, "_SO_RCVBUFFORCE", socket.SO_RCVBUF)
    with capture_logs() as events:
        bind("udp://127.0.0.1:0", size=1 << 30)
    opened, warning = events
    assert opened["event"] == "listener_opened"
    assert 0 < opened["receive_buffer_bytes"] < 1 << 30
    assert warning["event"] == "receive_buffer_is_small"
    assert warning["run"] == f"sysctl -w net.core.rmem_max={1 << 30}"


def test_lines_wait_in_the_kernel_as_long_as_its_buffer_allows(
    bind: Callable[..., list[UdpSource]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (listener,) = bind("udp://127.0.0.1:0", size=4096)
    assert listener.linger_s == RECEIVE_LINGER_S_MIN
    monkeypatch.setattr(UdpSource, "granted_bytes", RECEIVE_BUFFER_BYTES // 2)
    assert listener.linger_s == RECEIVE_LINGER_S_MAX / 2
    monkeypatch.setattr(UdpSource, "granted_bytes", 2 * RECEIVE_BUFFER_BYTES)
    assert listener.linger_s == RECEIVE_LINGER_S_MAX


def test_an_address_in_use_is_said_and_nothing_stays_open(bind: Callable[..., list[UdpSource]]) -> None:
    (taken,) = bind("udp://127.0.0.1:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConfigError, match=f"listener udp://127.0.0.1:{taken.port}: Address already in use"):
        bind(f"udp://127.0.0.1:{port}", f"udp://127.0.0.1:{taken.port}")
    bind(f"udp://127.0.0.1:{port}")


def test_drops_are_counted_once_and_as_the_kernel_shows_them(bind: Callable[..., list[UdpSource]]) -> None:
    (listener,) = bind("udp://127.0.0.1:0", size=4096)
    assert listener.kernel_drops() == 0
    overflow(listener)
    inode = str(Path(f"/proc/self/fd/{listener.socket.fileno()}").stat().st_ino)
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    shown = next(int(row[-1]) for row in rows if row[9] == inode)
    assert listener.kernel_drops() == shown > 0
    assert listener.kernel_drops() == 0
    overflow(listener)
    assert listener.kernel_drops() > 0


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
@pytest.mark.parametrize("first", ["127.0.0.1", "0.0.0.0"])
def test_who_is_listed_twice_is_told_so_and_not_to_free_its_own_port(scheme: str, first: str) -> None:
    port = free_udp_port()
    twice = [Listener(url=f"{scheme}://{host}:{port}") for host in (first, "127.0.0.1")]
    with pytest.raises(ConfigError, match=f"listener {twice[1].url} is listed twice .*; remove one"):
        open_sources(twice)


@pytest.mark.parametrize("urls", [("stdin:", "stdin:"), ("file:///l/*.log", "file:///l/a.log"), ("file:///l/a",) * 2])
def test_what_nothing_else_would_refuse_is_read_once(urls: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"is listed twice in \[\[listeners\]\].*; remove one of the two"):
        open_sources([Listener(url=url) for url in urls])


def test_files_of_one_folder_with_names_of_their_own_are_not_listed_twice(tmp_path: Path) -> None:
    urls = [f"file://{tmp_path}/{name}" for name in ("a*.log", "b.log")] + [f"file://{tmp_path}/sub/a.log"]
    assert list(doubled([Listener(url=url) for url in urls])) == []


@pytest.mark.parametrize(("port", "told"), [(514, 1), (1024, 0)])
def test_a_port_below_1024_that_may_not_be_opened_comes_with_what_allows_it(
    port: int, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(_sockets, "_bind", forbidden)
    with pytest.raises(ConfigError, match="Permission denied; choose another") as error:
        open_sources([Listener(url=f"udp://0.0.0.0:{port}")])
    assert str(error.value).count("CAP_NET_BIND_SERVICE, or socket activation") == told
