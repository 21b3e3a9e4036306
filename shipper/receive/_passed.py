"""Sockets that a service manager has opened and holds: the protocol of sd_listen_fds(3).

1. A socket is told by its address: the listener with the same URL takes it. The configuration is the same without.
2. What is passed and not taken is an error: lines would gather in it unread.
3. Whoever opened a socket keeps it, so what the kernel holds outlives a kill, a restart and an upgrade of shipper. The
   kernel's count of drops outlives them too; what of it was reported stands in a file of the state folder, named by
   the machine's start and the socket's cookie, so that nothing is counted twice.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.listen_url import ListenUrl

_FIRST_FD: Final = 3
_SO_COOKIE: Final = 57
_COOKIE: Final = struct.Struct("=Q")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_KINDS: Final = {socket.SOCK_DGRAM: ("udp", "unix-dgram"), socket.SOCK_STREAM: ("tcp", "unix")}


class Passed:
    """The sockets that wait for their listeners; ``memory`` is a folder for what is remembered of them."""

    def __init__(self, sockets: Sequence[socket.socket] = (), memory: Path | None = None) -> None:
        self._waiting = {_url(each): each for each in sockets}
        self._memory = memory

    def take(self, at: ListenUrl) -> socket.socket | None:
        """Give the socket of a listener; None where none was passed."""
        found = self._waiting.pop(_written(at.scheme, at.host, at.port, at.path), None)
        if found is not None:
            found.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        return found

    def remembered(self, bound: socket.socket, size: int) -> mmap.mmap:
        """Give ``size`` bytes that belong to a socket as long as the kernel has it, and are 0 at first."""
        if self._memory is None:
            return mmap.mmap(-1, size)
        boot = _BOOT.read_text().strip()
        (cookie,) = _COOKIE.unpack(bound.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, _COOKIE.size))
        self._memory.mkdir(exist_ok=True)
        for old in self._memory.iterdir():
            if not old.name.startswith(boot):
                old.unlink()
        fd = os.open(self._memory / f"{boot}.{cookie:x}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.ftruncate(fd, size)
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)

    def refuse_rest(self) -> None:
        """Raise ConfigError where a socket was not taken."""
        if self._waiting:
            urls = ", ".join(self._waiting)
            raise ConfigError(f"the service manager opened {urls}; put [[listeners]] with this url, or change its unit")


def passed_sockets(environ: Mapping[str, str], memory: Path) -> Passed:
    """Give what was passed to this process. Raises ConfigError for what cannot be read from."""
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        return Passed()
    sockets = []
    for fd in range(_FIRST_FD, _FIRST_FD + int(count)):
        os.set_inheritable(fd, False)  # noqa: FBT003 -- the standard library's signature
        try:
            sockets.append(socket.socket(fileno=fd))
        except OSError as error:
            raise ConfigError(f"the service manager passed descriptor {fd}: {error.strerror}") from error
    return Passed(sockets, memory)


def _url(passed: socket.socket) -> str:
    """Give the URL that a listener of this socket has."""
    inet, unix = _KINDS.get(passed.type, ("", ""))
    name = passed.getsockname()
    if passed.family == socket.AF_UNIX:
        return _written(unix, path=os.fsdecode(name))
    if passed.family == socket.AF_INET6 and not passed.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        raise ConfigError(
            f"the service manager opened port {name[1]} for IPv6 and IPv4 in one socket, which shows IPv4 addresses as "
            "others; put BindIPv6Only=ipv6-only into its unit, or ListenDatagram=0.0.0.0:PORT"
        )
    return _written(inet, str(ip_address(name[0])), name[1])


def _written(scheme: str, host: str = "", port: int = 0, path: str = "") -> str:
    if path:
        return f"{scheme}://{path}"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
