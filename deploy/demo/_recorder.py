"""The witness: a process that writes down every datagram it gets, and does nothing else.

1. Datagrams follow each other byte by byte as they came. HAProxy ends each with a newline and prints none within, so
   that the file is one of lines.
2. A process of its own with a large buffer: it loses nothing while Python is busy elsewhere.
3. It ends on SIGTERM, after it has taken what the kernel still held.

`python -m deploy.demo._recorder FILE` prints the port it listens on.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
from pathlib import Path
from typing import BinaryIO

_BUFFER_BYTES = 16 * 1024 * 1024
_DATAGRAM_BYTES_MAX = 65_536


def read(file: Path) -> list[bytes]:
    """Give the lines that were written down so far, in order, without their ends; a half one is left out."""
    return file.read_bytes().split(b"\n")[:-1]


def main() -> None:
    """Record into the file that the command line names, until SIGTERM."""
    wake, waker = socket.socketpair()
    waker.settimeout(0)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGTERM, lambda *_: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener, Path(sys.argv[1]).open("ab", 0) as file:
        _enlarge(listener)
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0)
        print(listener.getsockname()[1], flush=True)
        while wake not in select.select([listener, wake], [], [])[0]:
            _take(listener, file)
        _take(listener, file)


def _enlarge(listener: socket.socket) -> None:
    """Ask for a large buffer; past the system's bound where that is allowed."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    try:
        listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), _BUFFER_BYTES)
    except OSError:
        return


def _take(listener: socket.socket, file: BinaryIO) -> None:
    """Write down all that the kernel holds."""
    while True:
        try:
            datagram = listener.recv(_DATAGRAM_BYTES_MAX)
        except BlockingIOError:
            return
        file.write(datagram)


if __name__ == "__main__":
    main()
