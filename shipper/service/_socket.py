"""The status on a unix socket in the state folder: whoever connects gets it as one JSON object, and the end.

1. Only shipper's own user may connect (0600). Nothing is read from a connection.
2. Serving is a thread of its own and waits for nobody longer than ANSWER_S; the loop only leaves the newest status.
3. Whoever has the state folder's lock owns the name: what an earlier life left there is replaced.
4. No path is too long: the folder is opened, and the socket named through `/proc/self/fd`.
5. Without a socket shipper runs all the same, and says so once.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError

from shipper.errors import ShipperError
from shipper.limits import STATUS_AGE_S_MAX, STATUS_BYTES_MAX
from shipper.service._status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = structlog.get_logger()

NAME: Final = "status.sock"
ANSWER_S: Final = 2.0
"""How long a connection may take to read what it asked for."""
_READ_BYTES: Final = 64 * 1024
_CONNECTIONS_WAITING: Final = 8


class NoStatusError(ShipperError):
    """There is no status to be had; the message says why."""


def fetch(state_dir: Path, timeout_s: float = 3.0) -> Status:
    """Ask the shipper that runs in ``state_dir``. Raises NoStatusError: none does, it may not be asked, or it hangs."""
    try:
        with _at(state_dir) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(timeout_s)
            asking.connect(address)
            answer = _read(asking)
    except OSError as error:
        raise NoStatusError(_reason(state_dir, error)) from error
    try:
        status = Status.model_validate_json(answer)
    except ValidationError as error:
        raise NoStatusError(
            f"the shipper in {state_dir} answers what this version does not understand; is it being upgraded?"
        ) from error
    age_s = time.time() - status.taken_at.timestamp()
    if age_s > STATUS_AGE_S_MAX:
        raise NoStatusError(f"the shipper in {state_dir} has not moved for {age_s:.0f} s: it is stopping, or hangs")
    return status


class StatusServer:
    """Serves what was published last, until it is closed or the process ends."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._newest: Status | None = None
        self._published_s = 0.0
        self._there = threading.Event()
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Begin to serve; where that cannot be, say so and go on."""
        try:
            self._socket = _listen(self._state_dir)
        except OSError as error:
            _log.warning("status_not_served", path=str(self._state_dir / NAME), error=str(error))
            return
        threading.Thread(target=self._serve, args=(self._socket,), name="status", daemon=True).start()

    def publish(self, status: Status) -> None:
        """Let this be the answer from now on."""
        self._newest, self._published_s = status, time.monotonic()
        self._there.set()

    @property
    def newest(self) -> Status | None:
        """What was published last."""
        return self._newest

    @property
    def age_s(self) -> float:
        """Seconds since it was."""
        return time.monotonic() - self._published_s

    def close(self) -> None:
        """Serve no more."""
        if self._socket is not None:
            with suppress(OSError):  # wakes the thread
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None
            (self._state_dir / NAME).unlink(missing_ok=True)

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                asking, _ = listening.accept()
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE, errno.ECONNABORTED}:
                    time.sleep(ANSWER_S)
                    continue
                return
            with asking, suppress(OSError):  # who asked has left
                asking.settimeout(ANSWER_S)
                if self._there.wait(ANSWER_S) and self._newest is not None:
                    asking.sendall(self._newest.model_dump_json().encode())


def _listen(state_dir: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _at(state_dir) as address:
            (state_dir / NAME).unlink(missing_ok=True)
            listening.bind(address)
        (state_dir / NAME).chmod(0o600)  # nobody can connect before it listens
        listening.listen(_CONNECTIONS_WAITING)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _at(state_dir: Path) -> Iterator[str]:
    """Give a short name of the socket, whatever the folder's is: a path of more than 107 bytes is refused."""
    folder = os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def _read(asking: socket.socket) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while (piece := asking.recv(_READ_BYTES)) and size <= STATUS_BYTES_MAX:
        pieces.append(piece)
        size += len(piece)
    if not pieces:
        raise TimeoutError
    return b"".join(pieces)


def _reason(state_dir: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError | NotADirectoryError):
        return f"no shipper runs in the state folder {state_dir}; another one is chosen with --state-dir"
    if isinstance(error, PermissionError):
        return f"state folder {state_dir}: {error.strerror}; ask as the user of shipper, or as root"
    if isinstance(error, TimeoutError):
        return f"the shipper in {state_dir} does not answer; it is starting, stopping, or hangs"
    return f"state folder {state_dir}: {error.strerror or error}"
