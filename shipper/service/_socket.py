"""The status on a unix socket in the state folder: whoever connects gets it as one JSON object, and the end.

1. Nothing is read from a connection.
2. Serving is a thread of its own and waits for nobody longer than ANSWER_S; the loop only leaves the newest status.
3. Without a socket shipper runs all the same, and says so once.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError

from shipper.errors import ShipperError
from shipper.limits import STATUS_AGE_S_MAX, STATUS_BYTES_MAX
from shipper.service._named_socket import NamedServer, connect, reason
from shipper.service._status import Status

if TYPE_CHECKING:
    import socket
    from pathlib import Path

_log = structlog.get_logger()

NAME: Final = "status.sock"
ANSWER_S: Final = 2.0
"""How long a connection may take to read what it asked for."""
_READ_BYTES: Final = 64 * 1024


class NoStatusError(ShipperError):
    """There is no status to be had; the message says why."""


def fetch(state_dir: Path, timeout_s: float = 3.0) -> Status:
    """Ask the shipper that runs in ``state_dir``. Raises NoStatusError: none does, it may not be asked, or it hangs."""
    try:
        with connect(state_dir, NAME, timeout_s) as asking:
            answer = _read(asking)
    except OSError as error:
        raise NoStatusError(reason(state_dir, error)) from error
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
        self._newest: Status | None = None
        self._published_s = 0.0
        self._there = threading.Event()
        self._server = NamedServer(state_dir, NAME, self._answer)

    def start(self) -> None:
        """Begin to serve; where that cannot be, say so and go on."""
        try:
            self._server.start()
        except OSError as error:
            _log.warning("status_not_served", path=str(self._server.path), error=str(error))

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
        self._server.close()

    def _answer(self, asking: socket.socket) -> None:
        with asking, suppress(OSError):  # who asked has left
            asking.settimeout(ANSWER_S)
            if self._there.wait(ANSWER_S) and self._newest is not None:
                asking.sendall(self._newest.model_dump_json().encode())


def _read(asking: socket.socket) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while (piece := asking.recv(_READ_BYTES)) and size <= STATUS_BYTES_MAX:
        pieces.append(piece)
        size += len(piece)
    if not pieces:
        raise TimeoutError
    return b"".join(pieces)
