"""Sources, opened by the supervising parent and inherited by the receiving child.

1. The parent keeps the sockets open, so the kernel goes on collecting while a killed receiver is started again.
2. Each UDP socket asks for its buffer, with SO_RCVBUFFORCE where that is allowed, and reads back what it got.
3. What a service manager has opened already is taken as it is.
4. Who shares a port with others (SO_REUSEPORT) says so; otherwise a second shipper is refused it.
5. An IPv6 socket takes IPv6 only: whether IPv4 is taken as well never depends on the machine's settings.
"""

from __future__ import annotations

import errno
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from shipper.errors import ConfigError
from shipper.limits import UNIX_DATAGRAMS_MIN
from shipper.receive._allowed import Allowed
from shipper.receive._datagrams import DROPS_BYTES, UdpSource, UnixDatagrams
from shipper.receive._files import FileSource
from shipper.receive._passed import Passed
from shipper.receive._stdin import StdinSource
from shipper.receive._streams import StreamSource
from shipper.receive._unix_path import UnixPath, bind_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipper import config
    from shipper.listen_url import Scheme
    from shipper.receive._source import Source

_log = structlog.get_logger()

BIND_S: Final = 0.5
"""How long a port that is in use may stay so, before that is an error."""
_LOOK_S: Final = 0.05
_SO_RCVBUFFORCE: Final = 33
_BACKLOG: Final = 128
_UNPRIVILEGED_PORT: Final = 1024
"""The first port that everybody may open, unless net.ipv4.ip_unprivileged_port_start says otherwise."""
_DATAGRAM_QUEUE: Final = Path("/proc/sys/net/unix/max_dgram_qlen")
LENGTHEN_QUEUE: Final = f"sysctl -w net.unix.max_dgram_qlen={UNIX_DATAGRAMS_MIN}"
"""What to run while the kernel's queue is short; it holds for sockets made after it."""


def open_sources(listeners: Sequence[config.Listener], passed: Passed | None = None) -> list[Source]:
    """Open every listener, or none: ConfigError names the one that cannot be opened, or what was passed in vain."""
    for twice in doubled(listeners):
        raise ConfigError(f"listener {twice}")
    passed = passed or Passed()
    sources: list[Source] = []
    try:
        for number, listener in enumerate(listeners):
            sources.append(open_source(number, listener, passed))
        passed.refuse_rest()
    except ConfigError:
        for source in sources:
            source.remove()
        raise
    return sources


def open_source(number: int, listener: config.Listener, passed: Passed) -> Source:
    """Open one listener. Raises ConfigError when that is impossible."""
    try:
        return _OPEN[listener.at.scheme](number, listener, passed)
    except OSError as error:
        raise ConfigError(f"listener {_refused(listener, error)}") from error


def doubled(listeners: Sequence[config.Listener]) -> Iterator[str]:
    """Name each listener that has the address of one before it, unless both share it.

    A file that two follow would be read, and indexed, twice.
    """
    for number, listener in enumerate(listeners):
        other = next((each for each in listeners[:number] if _have_one_address(each, listener)), None)
        if other is not None:
            its = "file" if listener.at.scheme == "file" else "port"
            there = "" if listener.at == other.at else f": {other.url} has its {its}"
            yield f"{listener.url} is listed twice in [[listeners]]{there}; remove one of the two"


def _have_one_address(one: config.Listener, other: config.Listener) -> bool:
    same = one.at.takes_in(other.at) or other.at.takes_in(one.at)
    return same and not (one.reuse_port and other.reuse_port)


def _refused(listener: config.Listener, error: OSError) -> str:
    what = "path, or end what listens there" if listener.at.path else "address or port, or free it"
    if error.errno == errno.EACCES and 0 < listener.port < _UNPRIVILEGED_PORT:
        what = f"port, or give shipper those below {_UNPRIVILEGED_PORT}: CAP_NET_BIND_SERVICE, or socket activation"
    return f"{listener.url}: {error.strerror or error}; choose another {what}"


def open_udp(number: int, listener: config.Listener, passed: Passed) -> UdpSource:
    """Open a UDP socket, with its buffer. Raises OSError."""
    taken = passed.take(listener.at)
    bound = taken or _bind(socket.SOCK_DGRAM, listener)
    reported = passed.remembered(bound, DROPS_BYTES) if taken else None
    opened = UdpSource(number, bound, Allowed(listener.allow, listener.url), reported)
    granted = _ask_for_buffer(opened.socket, listener.receive_buffer_bytes)
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


def _open_tcp(number: int, listener: config.Listener, passed: Passed) -> Source:
    bound = passed.take(listener.at) or _bind(socket.SOCK_STREAM, listener)
    opened = StreamSource(number, bound, Allowed(listener.allow, listener.url))
    opened.socket.listen(_BACKLOG)
    _log.info("listener_opened", url=listener.url, port=opened.port)
    return opened


def _open_unix_datagrams(number: int, listener: config.Listener, passed: Passed) -> Source:
    taken = passed.take(listener.at)
    bound = taken or _bind(socket.SOCK_DGRAM, listener)
    _log.info("listener_opened", url=listener.url)
    queue = datagram_queue()
    if queue < UNIX_DATAGRAMS_MIN:
        _log.warning("datagram_queue_is_short", url=listener.url, datagrams=queue, run=LENGTHEN_QUEUE)
    return UnixDatagrams(number, bound, UnixPath(listener.at.path, ours=taken is None))


def _open_unix_streams(number: int, listener: config.Listener, passed: Passed) -> Source:
    taken = passed.take(listener.at)
    bound = taken or _bind(socket.SOCK_STREAM, listener)
    bound.listen(_BACKLOG)
    _log.info("listener_opened", url=listener.url)
    return StreamSource(number, bound, Allowed((), listener.url), UnixPath(listener.at.path, ours=taken is None))


def _open_files(number: int, listener: config.Listener, _: Passed) -> Source:
    _log.info("listener_opened", url=listener.url)
    return FileSource(number, listener.at.path, listener.read_from, time.monotonic)


def _open_stdin(number: int, listener: config.Listener, _: Passed) -> Source:
    if sys.stdin is None:  # so descriptor 0 is whatever was opened first
        raise ConfigError(f"listener {listener.url}: standard input is closed; give it something to read")
    _log.info("listener_opened", url=listener.url)
    return StdinSource(number)


_OPEN: Final[Mapping[Scheme, Callable[[int, config.Listener, Passed], Source]]] = {
    "udp": open_udp,
    "tcp": _open_tcp,
    "unix-dgram": _open_unix_datagrams,
    "unix": _open_unix_streams,
    "file": _open_files,
    "stdin": _open_stdin,
}


def _bind(kind: socket.SocketKind, listener: config.Listener) -> socket.socket:
    """Give a socket that is bound and never blocks."""
    at = listener.at
    family = socket.AF_UNIX if at.path else socket.AF_INET6 if ":" in at.host else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if family != socket.AF_UNIX and kind == socket.SOCK_STREAM:  # connections of the one before may linger
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind_in_time(bound, listener)
        bound.setblocking(False)  # noqa: FBT003 -- the standard library's signature
    except OSError:
        bound.close()
        raise
    return bound


def _bind_in_time(bound: socket.socket, listener: config.Listener) -> None:
    """Bind, trying for BIND_S: the children of a killed shipper hold its ports until the kernel has ended them."""
    at = listener.at
    deadline_s = time.monotonic() + BIND_S
    while True:
        try:
            if at.path:
                return bind_path(bound, at.path, int(listener.socket_mode, 8))
            return bound.bind((at.host, at.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline_s:
                raise
        time.sleep(_LOOK_S)


def _ask_for_buffer(bound: socket.socket, size: int) -> int:
    """Ask for ``size`` bytes and give what was granted; the kernel doubles the number for its bookkeeping."""
    granted = bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if granted >= size:  # a service manager may grant what we may not ask for
        return granted
    try:
        bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except PermissionError:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    return bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def datagram_queue() -> int:
    """Give how many datagrams the kernel holds for a unix socket."""
    try:
        return int(_DATAGRAM_QUEUE.read_text())
    except (OSError, ValueError):
        return UNIX_DATAGRAMS_MIN  # nothing is known of it
