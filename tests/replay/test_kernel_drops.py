from __future__ import annotations

import socket

from shipper.replay.kernel_drops import drops_at
from shipper.replay.senders import read_target
from tests.free_ports import free_udp_port


def test_what_a_full_socket_did_not_take_is_counted_whoever_it_belongs_to() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        listener.bind(("127.0.0.1", 0))
        target = read_target(f"udp://localhost:{listener.getsockname()[1]}")
        assert drops_at(target) == 0
        for _ in range(100):
            sender.sendto(bytes(500), listener.getsockname())
        listener.settimeout(0.1)
        received = 0
        try:
            while listener.recv(1_000):
                received += 1
        except TimeoutError:
            pass
        assert drops_at(target) == 100 - received > 0


def test_nobody_knows_it_of_other_machines_of_streams_and_where_nobody_listens() -> None:
    assert drops_at(read_target("udp://192.0.2.1:514")) is None
    assert drops_at(read_target("tcp://127.0.0.1:514")) is None
    assert drops_at(read_target(f"udp://127.0.0.1:{free_udp_port()}")) is None
