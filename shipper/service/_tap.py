"""Documents as they are sent off, on a unix socket in the state folder: whoever connects gets them until it leaves.

    {"index": "haproxy-2026.11.21", "documents": 2, "bytes": 1034, "missed": 0}⏎ and so many bytes of a bulk body

1. Nobody who watches slows the shipping: a body is handed over as it is, without a look at it. Who is too slow misses
   some, and is told with the next how many documents that were. While nobody watches, nothing is done at all.
2. They are the bodies that the index gets: what privacy hides is not in them.
3. Nothing is read from a connection; that its other side has left is noticed within IDLE_S.
"""

from __future__ import annotations

import json
import select
import threading
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import structlog

from shipper.errors import ShipperError
from shipper.limits import TAP_BODIES_WAITING_MAX, TAP_LISTENERS_MAX, TAP_SEND_S_MAX
from shipper.service._named_socket import NamedServer, connect, reason

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator, Sequence
    from pathlib import Path

_log = structlog.get_logger()

NAME: Final = "tap.sock"
IDLE_S: Final = 1.0
_CONNECT_S_MAX: Final = 3.0


class Body(Protocol):
    """A bulk body: an action line and a document for each line."""

    @property
    def index(self) -> str:
        """Where it goes."""

    @property
    def content(self) -> bytes | memoryview:
        """As Elasticsearch takes it."""

    def __len__(self) -> int:
        """Count the documents."""


class NoTapError(ShipperError):
    """There is nothing to watch; the message says why."""


@dataclass(frozen=True, slots=True)
class Tapped:
    """What one body held."""

    index: str
    documents: tuple[bytes, ...]
    missed: int
    """Documents that went by unseen since the last body."""


class TapServer:
    """Hands bodies to whoever watches, until it is closed or the process ends."""

    def __init__(self, state_dir: Path) -> None:
        self._watchers: tuple[_Watcher, ...] = ()
        self._lock = threading.Lock()
        self._server = NamedServer(state_dir, NAME, self._answer)

    def start(self) -> None:
        """Begin to serve; where that cannot be, say so and go on."""
        try:
            self._server.start()
        except OSError as error:
            _log.warning("tap_not_served", path=str(self._server.path), error=str(error))

    def offer(self, bodies: Sequence[Body]) -> None:
        """Let those who watch have these, if they can take them."""
        for watcher in self._watchers:
            for body in bodies:
                watcher.offer(body)

    def close(self) -> None:
        """Serve no more."""
        self._server.close()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(TAP_SEND_S_MAX)
        if len(self._watchers) < TAP_LISTENERS_MAX:
            threading.Thread(target=self._show, args=(connection,), name="tapped", daemon=True).start()
            return
        with connection, suppress(OSError):
            connection.sendall(b'{"refused": "%d others watch already"}\n' % TAP_LISTENERS_MAX)

    def _show(self, connection: socket.socket) -> None:
        watcher = _Watcher(connection)
        with self._lock:
            self._watchers += (watcher,)
        try:
            with connection, suppress(OSError):  # who watched has left, or does not read
                watcher.run()
        finally:
            with self._lock:
                self._watchers = tuple(each for each in self._watchers if each is not watcher)


class _Watcher:
    """One connection, and what waits for it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: Queue[Body] = Queue(TAP_BODIES_WAITING_MAX)
        self._missed = 0
        self._lock = threading.Lock()

    def offer(self, body: Body) -> None:
        try:
            self._waiting.put_nowait(body)
        except Full:
            with self._lock:
                self._missed += len(body)

    def run(self) -> None:
        """Send until the other side leaves. Raises OSError."""
        while True:
            try:
                body = self._waiting.get(timeout=IDLE_S)
            except Empty:
                if self._has_left():
                    return
                continue
            with self._lock:
                missed, self._missed = self._missed, 0
            head = {"index": body.index, "documents": len(body), "bytes": len(body.content), "missed": missed}
            self._connection.sendall(json.dumps(head).encode() + b"\n")
            self._connection.sendall(body.content)

    def _has_left(self) -> bool:
        readable, _, _ = select.select([self._connection], [], [], 0)  # its time-out is that of sending
        return bool(readable) and not self._connection.recv(1)


def tap(state_dir: Path) -> Generator[Tapped]:
    """Watch the shipper that runs in ``state_dir`` until it stops. Raises NoTapError: none does, or it may not be."""
    try:
        connection = connect(state_dir, NAME, _CONNECT_S_MAX)
    except OSError as error:
        raise NoTapError(reason(state_dir, error)) from error
    connection.settimeout(None)
    with connection, connection.makefile("rb") as stream, suppress(ConnectionError):
        while line := stream.readline():
            head = json.loads(line)
            if "refused" in head:
                raise NoTapError(f"the shipper in {state_dir} cannot be watched: {head['refused']}")
            content = _read(stream, head["bytes"])
            yield Tapped(head["index"], tuple(content.split(b"\n")[1:-1:2]), head["missed"])


def _read(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise ConnectionResetError
    return content
