"""Tells a service manager how we stand: the datagrams of sd_notify(3), to the socket that NOTIFY_SOCKET names.

Without that variable nothing is sent. What cannot be sent is dropped: it is no reason to fail.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_US: Final = 1_000_000


class Notifier:
    """Sends to ``address``, a path or an abstract name after `@`; None: to nobody."""

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog_s = watchdog_s
        """Within which a sign of life is expected; None: never."""

    @property
    def wanted(self) -> bool:
        """Whether somebody listens."""
        return self._address is not None

    def ready(self) -> None:
        """Say that lines are taken, or are again after a reload."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that a reload has begun."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000}")

    def stopping(self) -> None:
        """Say that a stop has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give a sign of life."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if self._address is not None:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
                told.setblocking(False)  # noqa: FBT003 -- the standard library's signature
                told.sendto(state.encode(), self._address)


def notifier(environ: Mapping[str, str]) -> Notifier:
    """Give what the environment of a service asks for."""
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    watchdog_us = environ.get("WATCHDOG_USEC", "")
    watchdog_s = int(watchdog_us) / _US if ours and watchdog_us.isdecimal() and int(watchdog_us) else None
    return Notifier(environ.get("NOTIFY_SOCKET"), watchdog_s)
