"""Where HAProxy logs to: a socket for each format and each header, read when HAProxy is gone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

HEADERS: Final = {
    "local": "format local",
    "rfc3164": "format rfc3164",
    "rfc5424": "format rfc5424",
    "priority": "format priority",
    "short": "format short",
    "timed": "format timed",
    "iso": "format iso",
    "raw": "format raw",
    "cut-80": "len 80 format raw",
    "cut-200": "len 200 format rfc5424",
}
"""What stands behind the address of a `log`."""


class Loggers:
    """A UDP socket for each format and header. HAProxy writes each line to all headers of its format."""

    def __init__(self, formats: Iterable[str]) -> None:
        self._sockets = {(name, header): _socket() for name in formats for header in HEADERS}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._sockets.values():
            each.close()

    def directives(self, name: str) -> str:
        """Give the `log` lines of a format."""
        return "".join(
            f"    log 127.0.0.1:{self._sockets[name, header].getsockname()[1]} {options} local0\n"
            for header, options in HEADERS.items()
        )

    def lines(self) -> dict[tuple[str, str], list[bytes]]:
        """Give what came, by format and header, in its order."""
        return {key: list(_received(each)) for key, each in self._sockets.items()}


def _socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)  # noqa: FBT003 -- the socket's own signature
    return listener


def _received(listener: socket.socket) -> Iterable[bytes]:
    while True:
        try:
            yield listener.recv(65_536).removesuffix(b"\n")
        except BlockingIOError:
            return
