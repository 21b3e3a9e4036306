"""HTTP connections whose answer must be whole within the time-out; urllib3's own begins anew with every byte.

1. From the request's last byte to the answer's: a peer that drips its answer holds nobody longer than one that is dead.
2. What is late is shut down and raised as TimeoutError, which urllib3 makes a ReadTimeoutError of.
3. One thread watches all connections of a kind. It sleeps until the first deadline that it knows of, and ends when none
   is left by then: it runs as long as requests come within a time-out of each other, and only an earlier deadline
   wakes it.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from urllib3 import HTTPResponse


@dataclass(eq=False, slots=True)
class _Deadline:
    """When an answer must be whole."""

    connection: socket.socket
    due_s: float
    is_over: bool = False


class Watch:
    """Shuts down each connection whose deadline was not called off in time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadlines: set[_Deadline] = set()
        self._looks_at_s = 0.0
        self._is_watched = False

    def set(self, connection: socket.socket, timeout_s: float) -> _Deadline:
        """Begin to watch. Raises OSError where the system has no thread to spare."""
        deadline = _Deadline(connection, time.monotonic() + timeout_s)
        with self._changed:
            if not self._is_watched:
                self._start()
            elif deadline.due_s < self._looks_at_s:
                self._changed.notify()
            self._deadlines.add(deadline)
        return deadline

    def call_off(self, deadline: _Deadline) -> None:
        """Watch no more."""
        with self._changed:
            self._deadlines.discard(deadline)

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="deadlines", daemon=True).start()
        except RuntimeError as error:
            raise OSError(str(error)) from error
        self._is_watched = True

    def _run(self) -> None:
        with self._changed:
            while True:
                now_s = time.monotonic()
                for deadline in [each for each in self._deadlines if each.due_s <= now_s]:
                    self._deadlines.discard(deadline)
                    deadline.is_over = True
                    with suppress(OSError):
                        socket.socket.shutdown(deadline.connection, socket.SHUT_RDWR)
                if not self._deadlines:
                    self._is_watched = False
                    return
                self._looks_at_s = min(each.due_s for each in self._deadlines)
                self._changed.wait(self._looks_at_s - now_s)


class _Punctual(HTTPConnection):
    watch: Watch

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Read the answer, its body with it when it is to be loaded at once."""
        timeout_s: Any = self.timeout
        if timeout_s is None or self.sock is None:
            return super().getresponse()
        deadline = self.watch.set(self.sock, timeout_s)
        try:
            response = super().getresponse()
        except Exception as error:
            if deadline.is_over:
                raise _late(timeout_s) from error
            raise
        finally:
            self.watch.call_off(deadline)
        if deadline.is_over:
            raise _late(timeout_s)
        return response


def punctual(kind: type[Any]) -> type[Any]:
    """Give a kind of connection with the deadline; ``kind`` is urllib3's HTTPConnection, or made of it."""
    return type(f"Punctual{kind.__name__}", (_Punctual, kind), {"watch": Watch()})


def _late(timeout_s: float) -> TimeoutError:
    return TimeoutError(f"the answer was not whole after {timeout_s:g} s")
