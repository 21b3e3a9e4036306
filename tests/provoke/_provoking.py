"""Runs HAProxy through all scenes."""

from __future__ import annotations

import time
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from tests.haproxy_process import HAProxyProcess
from tests.provoke import _configuration as configuration
from tests.provoke import _scenes as scenes
from tests.provoke._loggers import Loggers
from tests.provoke._origin import FullListener, Origin
from tests.provoke.clients import ask, certificate, command, get, while_asking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.provoke.clients import Address

_LISTENING = sorted({scene.port for scene in scenes.SCENES if scene.port.isupper()} | {"TCP_QUEUE_PORT"})
_CHECKS_S = 0.35
"""Enough for three health checks."""


def provoke(folder: Path) -> dict[tuple[str, str], list[bytes]]:
    """Give all lines by (set, header); ``folder`` takes sockets and a certificate while HAProxy runs."""
    certificate(folder)
    with Loggers(configuration.SETS) as loggers, Origin() as origin, FullListener() as full:
        servers = {"ORIGIN_PORT": str(origin.port), "FULL_PORT": str(full.port)}
        text = configuration.configuration(loggers, folder)
        with HAProxyProcess(text, ports=_LISTENING, environment=servers) as haproxy:
            _play(haproxy, folder)
        text = configuration.checked(loggers, folder)
        with HAProxyProcess(text, ports=["GREETING_PORT"], environment=servers, master=True) as haproxy:
            _check(haproxy, origin, str(folder / "admin.sock"))
        return loggers.lines()


def _play(haproxy: HAProxyProcess, folder: Path) -> None:
    def address(port: str) -> Address:
        return (
            ("127.0.0.1" if port != "IPV6_PORT" else "::1", haproxy.ports[port])
            if port.isupper()
            else f"{folder}/{port}"
        )

    for scene in scenes.SCENES:
        ask(address(scene.port), scene.request, leave_s=scene.leave_s, context=scene.context, sni=scene.sni)
    resumed = scenes.RESUMED
    again = partial(ask, address(resumed.port), resumed.request, context=resumed.context, sni=resumed.sni)
    again(session=again())
    _queue(address("HTTP_PORT"))
    _queue(address("TCP_QUEUE_PORT"))
    _kill(address("HTTP_PORT"), str(folder / "admin.sock"))
    time.sleep(0.1)


def _queue(www: Address) -> None:
    """Let one client have the only connection, one wait for it too long, and one leave."""
    clients = [Thread(target=ask, args=(www, get(b"/slow"))) for _ in range(2)]
    for client in clients:
        client.start()
        time.sleep(0.03)
    ask(www, get(b"/slow"), leave_s=0.03)
    for client in clients:
        client.join()


def _kill(www: Address, admin: str) -> None:
    """End requests from the stats socket: by an administrator, by a server that goes, by one that comes back."""
    active, backup = get(b"/silent", b"X-Kill: active"), get(b"/silent", b"X-Kill: backup")
    while_asking(www, active, partial(command, admin, "shutdown sessions server killed/active"))
    while_asking(www, active, partial(command, admin, "set server killed/active state maint"))
    while_asking(www, backup, partial(command, admin, "set server backup/active state ready"))


def _check(haproxy: HAProxyProcess, origin: Origin, admin: str) -> None:
    """Let servers fail and come back, by checks and by hand; then reload."""
    time.sleep(_CHECKS_S)
    origin.healthy.clear()
    time.sleep(_CHECKS_S)
    origin.healthy.set()
    time.sleep(_CHECKS_S)
    for state in ("drain", "maint", "ready"):
        command(admin, f"set server checked/one state {state}")
        time.sleep(_CHECKS_S)
    command(admin, "set server checked/one weight 50%")
    haproxy.reload()
