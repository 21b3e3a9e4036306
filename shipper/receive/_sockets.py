"""UDP sockets: opened by the supervising parent, inherited by the receiving child.

1. The parent keeps the sockets open, so the kernel goes on collecting while a killed receiver is started again.
2. Each socket asks for its buffer, with SO_RCVBUFFORCE where that is allowed, and reads back what it got.
3. Drops are the socket's own counter (SO_MEMINFO, since Linux 4.12: the number that SO_RXQ_OVFL and /proc/net/udp show
   as well). What of it has been reported stands in memory that outlives a receiver, so that the next one counts what
   was dropped while none ran.
4. An IPv6 socket takes IPv6 only: whether IPv4 is taken as well never depends on the machine's settings.
"""

from __future__ import annotations

import errno
import mmap
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from shipper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper import config

_log = structlog.get_logger()

BIND_S: Final = 0.5
"""How long a port that is in use may stay so, before that is an error."""
_LOOK_S: Final = 0.05
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
_MEMINFO_DROPS: Final = 8
_COUNT: Final = struct.Struct("=I")


class DropCount:
    """Datagrams that the kernel dropped at one socket and that are not reported yet; shared with forked children."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self._reported = mmap.mmap(-1, _COUNT.size)

    def take(self) -> int:
        """Give the drops since the last call in whichever process, and take them as reported."""
        meminfo = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        dropped = _MEMINFO.unpack(meminfo)[_MEMINFO_DROPS]
        (reported,) = _COUNT.unpack_from(self._reported)
        _COUNT.pack_into(self._reported, 0, dropped)
        return int(dropped - reported) % (1 << 32)  # the kernel's counter has 32 bits


@dataclass(frozen=True, slots=True)
class BoundListener:
    """A socket that is bound; ``number`` is the listener's place in the configuration."""

    number: int
    socket: socket.socket
    drops: DropCount

    @property
    def port(self) -> int:
        """The port, also where the kernel chose it."""
        return int(self.socket.getsockname()[1])

    @property
    def granted_bytes(self) -> int:
        """The receive buffer that the kernel gave; it doubles the number for its bookkeeping."""
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    def close(self) -> None:
        """Close this process's copy of the socket."""
        self.socket.close()


def open_listeners(listeners: Sequence[config.Listener]) -> list[BoundListener]:
    """Bind every listener, or none: ConfigError names the one that cannot be bound."""
    bound: list[BoundListener] = []
    try:
        for number, listener in enumerate(listeners):
            bound.append(_open(number, listener))
    except OSError as error:
        for each in bound:
            each.close()
        url = listeners[len(bound)].url
        raise ConfigError(f"listener {url}: {error.strerror}; choose another address or port, or free it") from error
    return bound


def _open(number: int, listener: config.Listener) -> BoundListener:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        granted = _ask_for_buffer(bound, listener.receive_buffer_bytes)
        _bind(bound, (listener.host, listener.port))
        bound.setblocking(False)  # noqa: FBT003 -- the standard library's signature
    except OSError:
        bound.close()
        raise
    opened = BoundListener(number, bound, DropCount(bound))
    _log.info("listener_opened", url=listener.url, port=opened.port, receive_buffer_bytes=granted)
    if granted < listener.receive_buffer_bytes:
        _log.warning(
            "receive_buffer_is_small",
            url=listener.url,
            asked_bytes=listener.receive_buffer_bytes,
            granted_bytes=granted,
            run=f"sysctl -w net.core.rmem_max={listener.receive_buffer_bytes}",
        )
    return opened


def _bind(bound: socket.socket, address: tuple[str, int]) -> None:
    """Bind, trying for BIND_S: the children of a killed shipper hold its ports until the kernel has ended them."""
    deadline_s = time.monotonic() + BIND_S
    while True:
        try:
            return bound.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline_s:
                raise
        time.sleep(_LOOK_S)


def _ask_for_buffer(bound: socket.socket, size: int) -> int:
    """Ask for ``size`` bytes and give what was granted; the kernel doubles the number for its bookkeeping."""
    try:
        bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except PermissionError:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    return bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
