"""How fast datagrams are read here: a socket is filled and emptied again, and the emptying is timed."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from shipper.config import Listener
from shipper.journal.entry import ReceiveTally
from shipper.receive._engines import new_gathering
from shipper.receive._passed import Passed
from shipper.receive._sockets import open_udp

if TYPE_CHECKING:
    from shipper.receive._engines import Engine

_NO_TALLY: Final = ReceiveTally()
_FILL: Final = 4_096
"""Datagrams before each reading; what does not fit is not counted."""


class ReadingSpeed:
    """A socket of loopback with the buffer that is asked for, and who reads. Raises OSError when it does not open."""

    def __init__(self, buffer_bytes: int, engine: Engine) -> None:
        self._source = open_udp(0, Listener(url="udp://127.0.0.1:0", receive_buffer_bytes=buffer_bytes), Passed())
        self._gathering = new_gathering(engine, lambda: time.time_ns() // 1_000)

    @property
    def granted_bytes(self) -> int:
        """The receive buffer that the kernel gave."""
        return self._source.granted_bytes

    def lines_per_s(self, line: bytes, measured_s: float) -> float:
        """Read copies of ``line`` for ``measured_s`` of reading; give how many that is in a second."""
        read, took_s = 0, 0.0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", self._source.port))
            while took_s < measured_s:
                for _ in range(_FILL):
                    sender.send(line)
                begin_s = time.perf_counter()
                while taken := self._source.read(self._gathering, self._flush):
                    read += taken
                took_s += time.perf_counter() - begin_s
        return read / took_s

    def close(self) -> None:
        """Close the socket."""
        self._source.close()

    def _flush(self) -> bool:
        self._gathering.take(_NO_TALLY)
        return True
