"""HTTP connections whose answer must be whole within the time-out; urllib3's own begins anew with every byte.

1. From the request's last byte to the answer's: a peer that drips its answer holds nobody longer than one that is dead.
2. What is late is shut down and raised as TimeoutError, which urllib3 makes a ReadTimeoutError of.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from urllib3 import HTTPResponse


class _Deadline:
    """Shuts a socket down unless it is called off within ``timeout_s``."""

    def __init__(self, connection: socket.socket, timeout_s: float) -> None:
        self.is_over = False
        self._connection = connection
        self._timer = threading.Timer(timeout_s, self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        self.is_over = True
        with suppress(OSError):
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def call_off(self) -> None:
        self._timer.cancel()


class _Punctual(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Read the answer, its body with it when it is to be loaded at once."""
        timeout_s: Any = self.timeout
        if timeout_s is None or self.sock is None:
            return super().getresponse()
        deadline = _Deadline(self.sock, timeout_s)
        try:
            response = super().getresponse()
        except Exception as error:
            if deadline.is_over:
                raise _late(timeout_s) from error
            raise
        finally:
            deadline.call_off()
        if deadline.is_over:
            raise _late(timeout_s)
        return response


def punctual(kind: type[Any]) -> type[Any]:
    """Give a kind of connection with the deadline; ``kind`` is urllib3's HTTPConnection, or made of it."""
    return type(f"Punctual{kind.__name__}", (_Punctual, kind), {})


def _late(timeout_s: float) -> TimeoutError:
    return TimeoutError(f"the answer was not whole after {timeout_s:g} s")
