"""Streams: syslog over TCP and unix sockets, in many connections.

1. The listening socket is the parent's; connections are the receiving child's, and are reset when it is killed: syslog
   has no acknowledgement, so nobody can know what of them was lost.
2. The connections have an epoll of their own, which is readable when one of them is. Each that is ready is read once,
   STREAM_READ_BYTES, before any is read again.
3. A connection may be quiet for ever: closing it would cost its sender's next lines. Keepalive finds dead peers. Only
   at CONNECTIONS_MAX the longest quiet one gives way, after CONNECTION_IDLE_S; until then new ones wait in the kernel.
4. A connection that ends gives what it had begun as a line.
"""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Final

import structlog

from shipper.limits import CONNECTION_IDLE_S, CONNECTIONS_MAX, STREAM_READ_BYTES
from shipper.receive._framing import Framed, SyslogFraming
from shipper.receive._source import Ordinary, WhenFull, gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.receive._allowed import Allowed
    from shipper.receive._gathering import Flush, Gathering
    from shipper.receive._source import Bookmarks
    from shipper.receive._unix_path import UnixPath

_log = structlog.get_logger()

_READY_MAX: Final = 64
_ACCEPT_AGAIN_S: Final = 1.0
_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))


class _Connection:
    def __init__(self, accepted: socket.socket, address: str) -> None:
        self.socket = accepted
        self.address = address
        self.framing = SyslogFraming()
        self.read_s = time.monotonic()


class StreamSource(Ordinary):
    """A listening socket and its connections; of a unix socket, the path stands for the sender.

    A connection from an address that may not send is closed unread: nobody knows how many lines it had.
    """

    when_full = WhenFull.WAIT

    def __init__(self, number: int, listening: socket.socket, allowed: Allowed, path: UnixPath | None = None) -> None:
        self.number = number
        self.socket = listening
        self._allowed = allowed
        self._path = path
        self._connections: dict[int, _Connection] = {}
        """The longest quiet first."""
        self._poll: select.epoll | None = None
        self._accept_s: float | None = None
        """When to accept again, while there is no room."""
        self._warned = False

    @property
    def port(self) -> int:
        """The port, also where the kernel chose it."""
        return int(self.socket.getsockname()[1])

    def begin(self, bookmarks: Bookmarks) -> int:  # noqa: ARG002 -- for files
        """Give an epoll of the listening socket and all connections."""
        self._poll = select.epoll()
        self._poll.register(self.socket.fileno(), select.EPOLLIN)
        return self._poll.fileno()

    def read(self, gathering: Gathering, flush: Flush) -> int:
        """Read each connection that is ready once, and accept new ones."""
        if self._poll is None:
            return 0
        if self._accept_s is not None and time.monotonic() >= self._accept_s:
            self._poll.register(self.socket.fileno(), select.EPOLLIN)
            self._accept_s = None
        before, done = gathering.received, 0
        for fd, _ in self._poll.poll(0, _READY_MAX):
            done += 1
            if fd == self.socket.fileno():
                self._accept(self._poll, gathering, flush)
            elif (ready := self._connections.get(fd)) and not self._read(ready, gathering, flush):
                break
        return done + gathering.received - before

    def finish(self, gathering: Gathering, flush: Flush) -> None:
        """Gather the lines that were begun; what was coming of them is lost."""
        for connection in list(self._connections.values()):
            self._end(connection, gathering, flush, cut=True)

    def allow(self, networks: Sequence[str]) -> None:
        """Let these be the ones that may connect; who is connected stays so."""
        self._allowed.change(networks)

    def close(self) -> None:
        """Close the sockets."""
        self.socket.close()
        if self._poll is not None:
            self._poll.close()

    def remove(self) -> None:
        """Close the sockets, and take the file away."""
        self.close()
        if self._path is not None:
            self._path.unlink()

    def _read(self, connection: _Connection, gathering: Gathering, flush: Flush) -> bool:
        """Read once; say whether the journal takes more."""
        try:
            data = connection.socket.recv(STREAM_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError as error:
            _log.info("connection_broken", address=connection.address, error=str(error))
            return self._end(connection, gathering, flush, cut=True)
        if not data:
            return self._end(connection, gathering, flush, cut=False)
        connection.read_s = time.monotonic()
        fd = connection.socket.fileno()
        self._connections[fd] = self._connections.pop(fd)
        return gather(connection.framing.feed(data), self.number, connection.address, gathering, flush)

    def _end(self, connection: _Connection, gathering: Gathering, flush: Flush, *, cut: bool) -> bool:
        """Gather what is left, and close."""
        rest = [Framed(text, cut or was_cut) for text, was_cut in connection.framing.end()]
        del self._connections[connection.socket.fileno()]
        connection.socket.close()  # epoll forgets it with that
        return gather(rest, self.number, connection.address, gathering, flush)

    def _accept(self, poll: select.epoll, gathering: Gathering, flush: Flush) -> None:
        if len(self._connections) >= CONNECTIONS_MAX:
            longest_quiet = next(iter(self._connections.values()))
            if time.monotonic() - longest_quiet.read_s < CONNECTION_IDLE_S:
                self._pause(poll, f"there are {CONNECTIONS_MAX}, and none is quiet")
                return
            self._end(longest_quiet, gathering, flush, cut=True)
        try:
            accepted, peer = self.socket.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            self._pause(poll, str(error))
            return
        if self._allowed and peer[0] not in self._allowed:
            accepted.close()
            return
        accepted.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        if self._path is None:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                accepted.setsockopt(socket.IPPROTO_TCP, option, value)
        address = peer[0] if self._path is None else self._path.name
        self._connections[accepted.fileno()] = _Connection(accepted, address)
        poll.register(accepted.fileno(), select.EPOLLIN)
        self._warned = False

    def _pause(self, poll: select.epoll, reason: str) -> None:
        """Let new connections wait in the kernel for a moment."""
        poll.unregister(self.socket.fileno())
        self._accept_s = time.monotonic() + _ACCEPT_AGAIN_S
        if not self._warned:
            _log.warning("connections_wait", listener=self.number, reason=reason)
        self._warned = True
