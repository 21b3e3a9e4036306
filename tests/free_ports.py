"""Ports for what a test starts: free ones, that nobody else takes in the moment before they are bound.

1. They lie below the ports that the kernel gives by itself, to connections for example.
2. No port is given twice by a process, and processes that test side by side have ranges of their own.
"""

from __future__ import annotations

import os
import random
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANGE: Final = range(12_000, 32_000)
_SHARES: Final = 10
_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _candidates() -> Iterator[int]:
    mine = _RANGE[_WORKER % _SHARES :: _SHARES]
    while True:
        yield from random.SystemRandom().sample(mine, len(mine))


_ports: Final = _candidates()


def free_ports(count: int) -> list[int]:
    """Give TCP ports of 127.0.0.1, all different."""
    return [_free(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]


def free_udp_port(family: socket.AddressFamily = socket.AF_INET) -> int:
    """Give a UDP port of the loopback address."""
    return _free(family, socket.SOCK_DGRAM)


def _free(family: socket.AddressFamily, kind: socket.SocketKind) -> int:
    for port in _ports:
        with socket.socket(family, kind) as probe:
            try:
                probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: there is always a next candidate")
