"""Serves an application on a socket, until SIGTERM or SIGINT."""

from __future__ import annotations

import errno
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import uvicorn

from shipper.errors import Fatal
from shipper.limits import DASHBOARD_CONNECTIONS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

_STOP_S: Final = 2
"""How long answers that are on their way are waited for at a stop."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket; port 0 lets the kernel choose. Raises Fatal, which says what is in the way."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Fatal(f"cannot listen on {host}: {error.strerror}") from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen()
    except OSError as error:
        opened.close()
        taken = error.errno == errno.EADDRINUSE
        hint = "; does another dashboard run? --listen chooses another port" if taken else ""
        raise Fatal(f"cannot listen on {host} port {port}: {error.strerror}{hint}") from error
    return opened


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()


def serve(app: ASGIApp, opened: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal ends it; ``ready`` is called once it does. Only in the main thread."""
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=DASHBOARD_CONNECTIONS_MAX,
            timeout_graceful_shutdown=_STOP_S,
        ),
        ready,
    )
    signal.signal(signal.SIGTERM, lambda *_: None)  # the server raises again what ended it
    with suppress(KeyboardInterrupt):
        server.run(sockets=[opened])
