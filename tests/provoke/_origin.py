"""A server behind HAProxy whose answer is chosen by the path: good, odd, slow, or none."""

from __future__ import annotations

import socket
import struct
import time
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Self, cast

if TYPE_CHECKING:
    from types import TracebackType

HOLD_S: Final = 2.0
"""How long an answer is kept back when nobody leaves: longer than every timeout in the configuration."""
SLOW_S: Final = 0.35
LARGE_BYTES: Final = 64 * 1024 * 1024
"""More than the buffers of all kernels on the way hold."""
_RESET: Final = struct.pack("ii", 1, 0)
_HELLO: Final = b"<p>hello"


def _answer(*headers: bytes, status: bytes = b"200 OK", size: int = len(_HELLO)) -> bytes:
    length = b"Content-Length: %d" % size
    return b"\r\n".join((b"HTTP/1.1 " + status, length, b"Connection: close", *headers, b"", b""))


_HTML: Final = b"Content-Type: text/html"
_WHOLE: Final = {
    b"/shut": b"",
    b"/garbage": b"no http\r\n\r\n",
    b"/half": _answer(_HTML, size=1000) + _HELLO,
    b"/stall": _answer(_HTML, size=1000) + _HELLO,
    b"/silent": b"",
    b"/error": _answer(status=b"500 Oh", size=0),
    b"/cookie": _answer(_HTML, b"Set-Cookie: S=two words") + _HELLO,
    b"/server-cookie": _answer(_HTML, b"Set-Cookie: SRV=mine") + _HELLO,
}
"""By path: all that is answered before the connection closes, or is held."""
_HELD: Final = {b"/stall", b"/silent"}


class Origin:
    """Listens on a free port while it is entered. ``healthy`` decides what `/health` answers."""

    def __init__(self) -> None:
        self.healthy = Event()
        self.healthy.set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.origin = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])


class _Server(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    origin: Origin


class _Handler(BaseRequestHandler):
    """Answers one request, and closes."""

    request: socket.socket

    def handle(self) -> None:
        """Read a request's head and answer by its path."""
        self.request.settimeout(HOLD_S)
        try:
            self._answer(self._path())
        except OSError:
            return

    def _path(self) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            received = self.request.recv(65_536)
            if not received:
                return b"/shut"
            head += received
        uri = head.split(b" ", 2)[1]
        return uri.partition(b"?")[0]

    def _answer(self, path: bytes) -> None:
        if path == b"/health" and not cast("_Server", self.server).origin.healthy.is_set():
            path = b"/error"
        if path == b"/reset":
            self.request.sendall(_HELLO)
            time.sleep(0.05)
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return
        if path == b"/slow":
            time.sleep(SLOW_S)
        if path == b"/large":
            self.request.sendall(_answer(_HTML, size=LARGE_BYTES))
            for _ in range(LARGE_BYTES // 65_536):
                self.request.sendall(bytes(65_536))
            return
        self.request.sendall(_WHOLE.get(path, _answer(_HTML) + _HELLO))
        if path in _HELD:
            self.request.recv(1)


class FullListener:
    """A port whose queue is full: who connects waits, and nobody ever answers."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._waiting: list[socket.socket] = []

    def __enter__(self) -> Self:
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)  # noqa: FBT003 -- the socket's own signature
            client.connect_ex(self._server.getsockname())
            self._waiting.append(client)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (*self._waiting, self._server):
            each.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.getsockname()[1])
