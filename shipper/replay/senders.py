r"""How captured lines leave: as datagrams or in a stream, to any syslog server.

1. A line is handed over when the kernel has taken all of it; that is what is counted as sent. What becomes of it then
   only the other side knows: syslog has no acknowledgement.
2. Datagrams go as HAProxy's do, one line each with `\n` behind it, never waiting: one that the kernel does not take is
   lost, and counted by the kernel's reason (``EAGAIN``, ``ENOBUFS``, ``EMSGSIZE``, …). A ``patient`` sender, which has
   no pace to hold, waits for room instead.
   Where the native engine is installed, many go in one system call; one that such a call ends at goes alone.
3. An answer that nobody listens (``ECONNREFUSED``) belongs to a datagram before: it is counted, and the line is sent.
4. A stream waits for room: its receiver sets the pace. When it breaks, it is opened again, and goes on with the first
   line that was not handed over whole; what the kernel held of the old one may be lost unsaid.
"""

from __future__ import annotations

import errno
import select
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from shipper.errors import ConfigError, Retryable
from shipper.limits import (
    REPLAY_CLOSE_S_MAX,
    REPLAY_RECONNECT_DELAY_S_MAX,
    REPLAY_RECONNECT_DELAY_S_MIN,
    REPLAY_RECONNECT_S_MAX,
)

try:
    from shipper_native import send as send_many
except ImportError:  # the wheel is not installed, or the system has no sendmmsg

    def send_many(fd: int, datagrams: Sequence[bytes], end: bytes, /) -> int:  # noqa: ARG001 -- the signature of the other
        """Take none: each goes alone."""
        return 0


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Framing: TypeAlias = Literal["newline", "octet"]

_POLL_S: Final = 0.1
"""How soon a stop is noticed while the other side takes nothing."""
_GONE: Final = {errno.ECONNREFUSED, errno.ENOTCONN, errno.ENOENT, errno.ECONNRESET}
_DATAGRAMS: Final = {"udp", "unix-dgram"}
_SCHEMES: Final = ("udp", "tcp", "unix-dgram", "unix")
_PORT_MAX: Final = 65_535


@dataclass(slots=True)
class Handed:
    """What a sender has done so far."""

    lines: int = 0
    """Taken by the kernel, whole."""
    bytes: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """Not taken, by the kernel's reason."""
    unreachable: int = 0
    """Answers that nobody listens there; which of the lines they concern is not known."""
    gone: bool = False
    """Such an answer came for the last line, too."""
    reconnects: int = 0
    """Streams that broke and were opened again."""

    @property
    def nobody(self) -> bool:
        """Whether every line had such an answer; one may be lost behind the first call that sent many."""
        return self.gone and self.unreachable >= self.lines - 1


@dataclass(frozen=True, slots=True)
class Target:
    """Where lines go: a host and a port, or the path of a socket."""

    url: str
    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def by_datagram(self) -> bool:
        """Tell whether each line goes for itself."""
        return self.scheme in _DATAGRAMS

    @property
    def address(self) -> tuple[socket.AddressFamily, Any]:
        """Find the address. Raises ConfigError for a name that nobody knows."""
        if self.path:
            return socket.AF_UNIX, self.path
        kind = socket.SOCK_DGRAM if self.by_datagram else socket.SOCK_STREAM
        try:
            found = socket.getaddrinfo(self.host, self.port, type=kind)
        except OSError as error:
            raise ConfigError(f"--to {self.url}: {error.strerror}") from error
        return found[0][0], found[0][4]


def read_target(url: str) -> Target:
    """Read `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix-dgram:///PATH` or `unix:///PATH`. Raises ConfigError."""
    expected = f"--to {url}: udp://HOST:PORT, tcp://HOST:PORT, unix-dgram:///PATH or unix:///PATH is expected"
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        raise ConfigError(expected)
    if scheme.startswith("unix"):
        if not rest.startswith("/") or rest.endswith("/"):
            raise ConfigError(expected)
        return Target(url, scheme, path=rest)
    try:
        parts = urlsplit(url)
        port = parts.port or 0
    except ValueError:
        raise ConfigError(expected) from None
    if not parts.hostname or not 0 < port <= _PORT_MAX or parts.path.strip("/") or parts.query or parts.username:
        raise ConfigError(expected)
    return Target(url, scheme, parts.hostname, port)


class Sender(Protocol):
    """Hands lines over."""

    handed: Handed

    def send(self, lines: Sequence[bytes]) -> None:
        """Hand over lines, in their order. Raises Retryable when the other side is gone for good."""

    def close(self) -> None:
        """End, once the other side has what the kernel holds, or has had its time."""


def open_sender(
    target: Target, *, framing: Framing, patient: bool, stopped: Callable[[], bool], wait: Callable[[float], object]
) -> Sender:
    """Open a sender. ``stopped`` ends each waiting, ``wait`` sleeps for so many seconds.

    Raises ConfigError for a name that nobody knows, Retryable when nobody takes the connection.
    """
    if target.by_datagram:
        return _Datagrams(target, patient=patient, stopped=stopped)
    return _Stream(target, framing, stopped, wait)


class _Datagrams:
    """Sends each line as one datagram."""

    def __init__(self, target: Target, *, patient: bool, stopped: Callable[[], bool]) -> None:
        self.handed = Handed()
        self._target = target
        self._patient = patient
        self._stopped = stopped
        self._socket = self._open()

    def _open(self) -> socket.socket:
        family, address = self._target.address
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.settimeout(0)
        try:
            opened.connect(address)
        except OSError as error:
            opened.close()
            raise Retryable(f"--to {self._target.url}: {error.strerror}; is the receiver there?") from error
        return opened

    def send(self, lines: Sequence[bytes]) -> None:
        while lines:
            taken, gone = self._send_many(lines)
            if taken < len(lines):
                self._hand_over(lines[taken] + b"\n", gone)
            lines = lines[taken + 1 :]

    def _send_many(self, lines: Sequence[bytes]) -> tuple[int, int]:
        """Send lines as long as they are taken; give their number, and the error when nobody was there for the first.

        What else ends it shows when the line that it ended at goes alone, but for a lost answer behind some that were
        taken: the kernel keeps that to itself.
        """
        try:
            taken = send_many(self._socket.fileno(), lines, b"\n")
        except OSError as error:
            if error.errno not in _GONE:
                return 0, 0
            self._nobody_there()
            return 0, error.errno
        self.handed.lines += taken
        self.handed.bytes += sum(map(len, lines[:taken])) + taken
        return taken, 0

    def _hand_over(self, datagram: bytes, gone: int) -> None:
        while True:
            try:
                self.handed.bytes += self._socket.send(datagram)
            except OSError as error:
                if error.errno in _GONE and not gone:
                    gone = error.errno
                    self._nobody_there()
                elif error.errno != errno.EAGAIN or not self._patient or not self._has_room():
                    self.handed.lost[errno.errorcode.get(gone or error.errno or 0, str(error))] += 1
                    return
            else:
                self.handed.lines += 1
                return

    def _nobody_there(self) -> None:
        """Take note; a unix socket may have been made anew under its path meanwhile."""
        self.handed.unreachable += 1
        if self._target.path:
            with suppress(Retryable):
                anew = self._open()
                self._socket.close()
                self._socket = anew

    def _has_room(self) -> bool:
        """Wait for the kernel to take more; False when a stop was asked for."""
        return _writable(self._socket, self._stopped)

    def close(self) -> None:
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _GONE:
            self.handed.unreachable += 1  # what the last datagrams came to
            self.handed.gone = True
        self._socket.close()


class _Stream:
    """Sends lines one after another over one connection."""

    def __init__(
        self, target: Target, framing: Framing, stopped: Callable[[], bool], wait: Callable[[float], object]
    ) -> None:
        self.handed = Handed()
        self._target = target
        self._octets = framing == "octet"
        self._stopped = stopped
        self._wait = wait
        self._socket = self._open()

    def _open(self) -> socket.socket:
        family, address = self._target.address
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.settimeout(REPLAY_CLOSE_S_MAX)
        try:
            opened.connect(address)
        except OSError as error:
            opened.close()
            raise Retryable(f"--to {self._target.url}: {error.strerror or error}; is the receiver there?") from error
        opened.settimeout(0)
        return opened

    def send(self, lines: Sequence[bytes]) -> None:
        frames = [b"%d %b" % (len(line), line) if self._octets else line + b"\n" for line in lines]
        while frames and not self._stopped():
            taken, broken = (0, True) if self._left() else self._push(b"".join(frames))
            done = 0
            while done < len(frames) and taken >= len(frames[done]):
                taken -= len(frames[done])
                self.handed.bytes += len(frames[done])
                done += 1
            self.handed.lines += done
            del frames[:done]
            if broken:
                self._reopen()
        if frames:
            self.handed.lost["stopped"] += len(frames)

    def _left(self) -> bool:
        """Tell whether the other side has closed: what is sent to it then would be lost unsaid."""
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _push(self, data: bytes) -> tuple[int, bool]:
        """Give how many bytes were taken, and whether the connection broke."""
        view, taken = memoryview(data), 0
        while taken < len(data):
            try:
                taken += self._socket.send(view[taken:])
            except BlockingIOError:
                if not _writable(self._socket, self._stopped):
                    return taken, False
            except OSError:
                return taken, True
        return taken, False

    def _reopen(self) -> None:
        """Open the connection again, with growing pauses between the tries."""
        self._socket.close()
        self.handed.reconnects += 1
        delay_s, waited_s = REPLAY_RECONNECT_DELAY_S_MIN, 0.0
        while True:
            try:
                self._socket = self._open()
            except Retryable as error:
                if waited_s >= REPLAY_RECONNECT_S_MAX or self._stopped():
                    raise Retryable(f"{error} It was tried for {waited_s:.0f} s.") from error
                self._wait(delay_s)
                waited_s += delay_s
                delay_s = min(2 * delay_s, REPLAY_RECONNECT_DELAY_S_MAX)
            else:
                return

    def close(self) -> None:
        """Say that no more comes, and let the other side read what there is: it closes then."""
        with suppress(OSError), self._socket:
            self._socket.settimeout(REPLAY_CLOSE_S_MAX)
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(4096):
                pass


def _writable(of: socket.socket, stopped: Callable[[], bool]) -> bool:
    """Wait until the kernel takes more; False when a stop was asked for."""
    poll = select.poll()
    poll.register(of, select.POLLOUT)
    while not stopped():
        if poll.poll(_POLL_S * 1000):
            return True
    return False
