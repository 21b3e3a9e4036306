"""Unix sockets in the state folder: made, served, found, and why one cannot be asked.

1. Only shipper's own user may connect (0600).
2. Whoever has the state folder's lock owns the names: what an earlier life left there is replaced.
3. No path is too long: the folder is opened, and the socket named through `/proc/self/fd`.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from shipper.errors import AS_SHIPPER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CONNECTIONS_WAITING: Final = 8
_PASSING: Final = {errno.EMFILE, errno.ENFILE, errno.ECONNABORTED}
_PASSING_S: Final = 1.0


class NamedServer:
    """Hands each connection to ``answer``, which closes it, in a thread of its own, until it is closed."""

    def __init__(self, state_dir: Path, name: str, answer: Callable[[socket.socket], None]) -> None:
        self.path = state_dir / name
        self._answer = answer
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Begin to serve. Raises OSError."""
        self._socket = listen(self.path.parent, self.path.name)
        threading.Thread(target=self._serve, args=(self._socket,), name=self.path.stem, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        if self._socket is not None:
            with suppress(OSError):  # wakes the thread
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None
            self.path.unlink(missing_ok=True)

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError as error:
                if error.errno in _PASSING:
                    time.sleep(_PASSING_S)
                    continue
                return
            self._answer(connection)


def listen(state_dir: Path, name: str) -> socket.socket:
    """Make the socket. Raises OSError."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _at(state_dir, name) as address:
            (state_dir / name).unlink(missing_ok=True)
            listening.bind(address)
        (state_dir / name).chmod(0o600)  # nobody can connect before it listens
        listening.listen(_CONNECTIONS_WAITING)
    except OSError:
        listening.close()
        raise
    return listening


def connect(state_dir: Path, name: str, timeout_s: float) -> socket.socket:
    """Connect to the socket; nothing then waits for longer. Raises OSError."""
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        asking.settimeout(timeout_s)
        with _at(state_dir, name) as address:
            asking.connect(address)
    except OSError:
        asking.close()
        raise
    return asking


def reason(state_dir: Path, error: OSError) -> str:
    """Say why nobody could be asked."""
    if isinstance(error, FileNotFoundError | ConnectionRefusedError | NotADirectoryError):
        return f"no shipper runs in the state folder {state_dir}; another one is chosen with --state-dir"
    if isinstance(error, PermissionError):
        return f"state folder {state_dir}: {error.strerror}; ask {AS_SHIPPER}"
    if isinstance(error, TimeoutError):
        return f"the shipper in {state_dir} does not answer; it is starting, stopping, or hangs"
    return f"state folder {state_dir}: {error.strerror or error}"


@contextmanager
def _at(state_dir: Path, name: str) -> Iterator[str]:
    """Give a short name of the socket, whatever the folder's is: a path of more than 107 bytes is refused."""
    folder = os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)
