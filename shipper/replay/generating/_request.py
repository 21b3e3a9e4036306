"""What becomes of one request: where its time goes, and how it ends (HAProxy manual, 8.4 and 8.5)."""

from __future__ import annotations

import math
from bisect import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.replay.generating import _site as site

if TYPE_CHECKING:
    from random import Random

    from shipper.replay.generating._site import Backend, Frontend, Server

MAXCONN: Final = 200
"""Requests that a server takes at once; the rest waits in its queue."""
SERVER_TIMEOUT_MS: Final = 30_000
CLIENT_TIMEOUT_MS: Final = 10_000
RETRY_MS: Final = 1_000
RETRIES: Final = 3
_BYTES_A_MS: Final = 6_000
"""What the line to a client carries, at the median."""
_TAIL: Final = 0.012
"""The share of answers that take much longer."""


@dataclass(slots=True)
class Request:
    """One request, with what HAProxy knows of it when it ends. Times in milliseconds; -1: never reached."""

    start_us: int
    client: bytes
    port: int
    frontend: Frontend
    tls: bytes
    """The version of TLS; empty: none."""
    cipher: bytes
    number: int
    method: bytes = b""
    uri: bytes = b""
    agent: bytes = b""
    content: bytes = b""
    cookie: bytes = b"-"
    backend: Backend | None = None
    server: Server | None = None
    waits: tuple[int, int, int, int] = (-1, -1, -1, -1)
    """%TR, %Tw, %Tc, %Tr."""
    total: int = 0
    status: bytes = b"400"
    size: int = 187
    state: bytes = b"PR--"
    retries: bytes = b"0"
    queues: tuple[int, int] = (0, 0)
    sessions: tuple[int, int, int, int] = (0, 0, 0, 0)
    """%ac, %fc, %bc, %sc as it ends."""
    pid: int = 0

    @property
    def end_us(self) -> int:
        """When its line is written."""
        return self.start_us + 1_000 * self.total


class Fate:
    """Decides what becomes of requests, by a random generator."""

    def __init__(self, chance: Random, frontends: list[Frontend], backends: list[Backend]) -> None:
        self._chance = chance
        self._of = {b"shop": frontends[0], b"api": frontends[1], b"static": frontends[2]}
        self._backends = {backend.name: backend for backend in backends}
        self._number = 0

    def request(self, now_us: int) -> Request:
        """Make the request that begins now."""
        chance = self._chance
        route = site.ROUTES[bisect(site.ROUTE_WEIGHTS, chance.random() * site.ROUTE_WEIGHTS[-1])]
        frontend = self._of[route.backend]
        self._number += 1
        luck = chance.random()
        modern = chance.random()
        tls = b"" if chance.random() >= frontend.tls else b"TLSv1.2" if modern > 0.92 else b"TLSv1.3"  # noqa: PLR2004
        cipher = b"" if not tls else site.CIPHERS[2 if tls == b"TLSv1.2" else modern > 0.6]  # noqa: PLR2004
        made = Request(now_us, site.client(chance), 1024 + int(modern * 64_000), frontend, tls, cipher, self._number)
        if luck < _BAD:
            made.total = int(chance.expovariate(0.5))
        elif luck < _SLOW:
            made.total, made.status, made.state, made.size = CLIENT_TIMEOUT_MS, b"408", b"cR--", 212
        else:
            self._ask(made, route, luck)
        return made

    def _ask(self, made: Request, route: site.Route, luck: float) -> None:
        chance = self._chance
        made.method, made.uri, made.content = route.method, route.uri(chance), route.content
        made.agent = site.AGENTS[int(luck * 997) % len(site.AGENTS)]
        made.backend = self._backends[route.backend]
        persists = route.backend == b"shop"
        known = luck * 31 % 1 < 0.7  # noqa: PLR2004 -- the share of clients that come again
        if persists and known:
            made.cookie = b"SESSION=%012x" % (chance.getrandbits(48))
        asking = 0 if luck < 0.97 else int(chance.expovariate(0.02))  # noqa: PLR2004 -- a few send slowly
        server = made.backend.next_server()
        if server is None:
            made.waits, made.total, made.status, made.state, made.size = (
                (asking, -1, -1, -1),
                asking,
                b"503",
                b"SC--",
                213,
            )
            return
        connect = self._connect(made, server)
        if connect < 0:
            total = asking + RETRIES * RETRY_MS + 1
            made.waits, made.total, made.status, made.state, made.size = (
                (asking, 0, -1, -1),
                total,
                b"503",
                b"SC--",
                213,
            )
            return
        server = made.server or server
        queue = 0
        if server.sessions > MAXCONN:
            queue = int(chance.expovariate(1 / (server.sessions - MAXCONN)))
            made.queues = server.sessions - MAXCONN, 0
        self._answer(made, route, luck, (asking, queue, connect))
        if persists and made.state == b"----":
            made.state = b"--VN" if known else b"--NI"

    def _connect(self, made: Request, server: Server) -> int:
        """Give how long connecting took; -1 when nothing came of it."""
        made.server = server
        if server.alive:
            return 0 if self._chance.random() < 0.8 else 1  # noqa: PLR2004 -- nearby servers
        other = made.backend.next_server(but=server) if made.backend else None
        if other is None or not other.alive:
            made.retries = b"%d" % RETRIES
            return -1
        made.server, made.retries = other, b"+%d" % RETRIES
        return RETRIES * RETRY_MS

    def _answer(self, made: Request, route: site.Route, luck: float, waits: tuple[int, int, int]) -> None:
        chance = self._chance
        before = sum(waits)
        if luck > 1 - _TIMED_OUT:
            made.waits, made.total = (*waits, -1), before + SERVER_TIMEOUT_MS
            made.status, made.state, made.size = b"504", b"sH--", 198
            return
        took = route.ms * math.exp(chance.gauss(0, 0.6))
        if chance.random() < _TAIL:
            took = min(took * 4 * chance.paretovariate(1.1), SERVER_TIMEOUT_MS - 1)
        if luck > 1 - _RESET:
            made.waits, made.total = (*waits, -1), before + int(took)
            made.status, made.state, made.size = b"502", b"SH--", 208
            return
        made.status = route.statuses[int(chance.random() * len(route.statuses))]
        made.size = 180 if made.status == b"304" else 250 + int(route.size * math.exp(chance.gauss(0, 0.4)))
        data = int(chance.expovariate(_BYTES_A_MS / made.size))
        made.state = b"----"
        if luck > 1 - _ABORTED and data:
            made.state, made.size = b"CD--", made.size // 3
        made.waits, made.total = (*waits, int(took)), before + int(took) + data


_BAD: Final = 0.0008
_SLOW: Final = 0.0012
_TIMED_OUT: Final = 0.0003
_RESET: Final = 0.0008
_ABORTED: Final = 0.006
"""Shares of requests, the ends of one scale: not HTTP; never whole; not answered; broken off; left by the client."""
