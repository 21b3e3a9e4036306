"""Sockets that a service manager holds: nothing that the kernel has taken is lost, whatever becomes of shipper."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.traffic import Sender, line
from tests.free_ports import free_udp_port
from tests.service_manager import passes
from tests.shipper_process import COMMAND, PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.conftest import World

BUFFER_BYTES = 4 * 1024**2


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """Yield a UDP socket that this process keeps, as systemd does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_datagrams_that_come_while_shipper_is_away_are_there_for_the_next(
    world: World, held: socket.socket, end: signal.Signals
) -> None:
    port = held.getsockname()[1]
    shipper = world.shipper(listeners=[{"url": f"udp://127.0.0.1:{port}"}])
    passes([held], shipper)
    shipper.start()
    sender = Sender(port)
    sender.number(500)
    until(lambda: shipper.journaled() == 500, "what came is in the journal")
    shipper.stop(end)
    sender.number(1000)
    shipper.start()
    sender.number(500)
    sender.close()
    world.settled(shipper, 2000)
    assert world.indexed.numbers() == Counter(range(2000))


def test_what_the_kernel_dropped_is_counted_once_over_several_lives(world: World, held: socket.socket) -> None:
    port = held.getsockname()[1]
    shipper = world.shipper(listeners=[{"url": f"udp://127.0.0.1:{port}", "receive_buffer_bytes": 4096}])
    passes([held], shipper)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sender = Sender(port)
    sender.send(line(number) for number in range(1000))
    shipper.start()
    until(lambda: shipper.commit().kernel_drops, "the drops are counted")
    drops, indexed = shipper.commit().kernel_drops, shipper.commit().journaled
    assert drops + indexed == 1000
    shipper.stop()
    shipper.start()
    sender.send([line(1000)])
    sender.close()
    until(lambda: shipper.commit().journaled == indexed + 1, "one more line")
    assert shipper.commit().kernel_drops == drops


def test_every_kind_of_socket_is_taken_and_its_file_stays(world: World, tmp_path: Path) -> None:
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        path = tmp_path / "log.sock"
        unix.bind(str(path))
        port = tcp.getsockname()[1]
        shipper = world.shipper(listeners=[{"url": f"unix-dgram://{path}"}, {"url": f"tcp://127.0.0.1:{port}"}])
        passes([tcp, unix], shipper)
        shipper.start()
        with (
            socket.create_connection(("127.0.0.1", port)) as stream,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
        ):
            stream.sendall(line(0) + b"\n")
            datagrams.sendto(line(1), str(path))
            world.settled(shipper, 2)
        assert shipper.stop() == 0
        assert path.exists()


def test_a_socket_that_no_listener_names_is_an_error(world: World, held: socket.socket) -> None:
    shipper = world.shipper()
    passes([held], shipper)
    shipper.launch()
    until(lambda: shipper.exit is not None, "it gave up")
    assert shipper.exit == 2
    assert f"the service manager opened udp://127.0.0.1:{held.getsockname()[1]}; put [[listeners]]" in shipper.said()


def test_a_socket_for_both_families_is_an_error(world: World) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        shipper = world.shipper(listeners=[{"url": f"udp://[::]:{both.getsockname()[1]}"}])
        passes([both], shipper)
        shipper.launch()
        until(lambda: shipper.exit is not None, "it gave up")
        assert "BindIPv6Only=ipv6-only" in shipper.said()


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="no systemd here")
def test_systemd_itself_passes_a_socket(world: World) -> None:
    port = free_udp_port()
    shipper = world.shipper(listeners=[{"url": f"udp://127.0.0.1:{port}"}])
    command = ["systemd-socket-activate", "--datagram", "-l", f"127.0.0.1:{port}", COMMAND]
    process = subprocess.Popen([*command, "run", "--config", str(shipper.file)], stderr=subprocess.DEVNULL)
    try:
        sender = Sender(port)

        def arrives() -> bool:
            sender.number(1)
            return shipper.commit().indexed > 0

        until(arrives, "lines are indexed")
        sender.close()
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert set(world.indexed.numbers().values()) == {1}
