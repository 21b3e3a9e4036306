"""What happens when: requests come and end, servers fall and rise, HAProxy is reloaded.

1. Lines come in the order in which HAProxy writes them: when a request ends, not when it begins.
2. What is under way is all that is held in memory.
3. A server that falls is noticed by its third failed check; until then requests run into it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Final

from shipper.haproxy.timestamps import DAY_US, SECOND_US
from shipper.replay.generating._request import Fate, Request
from shipper.replay.generating._site import backends, frontends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipper.replay.generating._site import Backend, Frontend, Server

INCIDENT_S: Final = 900
"""Seconds between two servers that fall, on average."""
WHOLE_BACKEND: Final = 0.1
"""The share of incidents that take all servers of a backend."""
RELOAD_S: Final = 6 * 3_600
HANDSHAKE_S: Final = 40
"""Seconds between two TLS handshakes that fail."""
CHECKS: Final = 3
CHECK_S: Final = 2
DAILY_SWING: Final = 0.7
"""How much more there is at the height of the day, and less in the dead of night, than on average."""
PEAK_S: Final = 15 * 3_600
LOAD_KEPT_S: Final = 60
_ALERT, _NOTICE, _INFO = 129, 133, 134
"""Facility local0 with the severities that HAProxy gives."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line in which HAProxy speaks of itself. ``priority`` is syslog's."""

    end_us: int
    priority: int
    message: bytes
    pid: int
    began_us: int | None = None
    """Where a date belongs into the message: the moment of it."""


class Timeline:
    """The requests and events of a site from ``start_us`` on, ``rate`` requests a second on average of a day."""

    def __init__(self, seed: int, start_us: int, rate: float) -> None:
        self._chance = Random(seed)  # noqa: S311 -- reproducible, not secret
        self._now_us = start_us
        self._rate = rate
        self._frontends: list[Frontend] = frontends()
        self._backends: list[Backend] = backends()
        self._fate = Fate(self._chance, self._frontends, self._backends)
        self._under_way: list[tuple[int, int, Request | Event]] = []
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._sessions = 0
        self._pid = 4_000 + seed % 1_000
        for every_s, action in ((INCIDENT_S, self._fall), (RELOAD_S, self._reload), (HANDSHAKE_S, self._handshake)):
            self._repeat(every_s, action)

    def lines(self, until_us: int | None = None) -> Iterator[Request | Event]:
        """Give what there is a line for, in order; without an end when ``until_us`` is None."""
        load_us, gap_us = 0, 0.0
        while until_us is None or self._now_us < until_us:
            if self._now_us >= load_us:
                load_us = self._now_us + LOAD_KEPT_S * SECOND_US
                gap_us = SECOND_US / self._load()
            self._now_us += int(self._chance.expovariate(1) * gap_us) + 1
            while self._agenda and self._agenda[0][0] <= self._now_us:
                heappop(self._agenda)[2]()
            yield from self._ended(self._now_us)
            if until_us is None or self._now_us < until_us:
                self._begin(self._fate.request(self._now_us))
        yield from self._ended(None)

    def _load(self) -> float:
        """Give the requests a second of this minute."""
        of_day = (self._now_us % DAY_US) / DAY_US - PEAK_S / 86_400
        return self._rate * (1 + DAILY_SWING * math.cos(2 * math.pi * of_day))

    # -- requests ------------------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> None:
        self._sessions += 1
        request.frontend.sessions += 1
        request.frontend.taken += 1
        request.pid = self._pid
        if request.backend:
            request.backend.sessions += 1
        if request.server:
            request.server.sessions += 1
        self._order += 1
        heappush(self._under_way, (request.end_us, self._order, request))

    def _ended(self, now_us: int | None) -> Iterator[Request | Event]:
        heap = self._under_way
        while heap and (now_us is None or heap[0][0] <= now_us):
            line = heappop(heap)[2]
            if isinstance(line, Request):
                self._end(line)
            yield line

    def _end(self, request: Request) -> None:
        backend, server, frontend = request.backend, request.server, request.frontend
        request.sessions = (
            self._sessions,
            frontend.sessions,
            backend.sessions - 1 if backend else 0,
            server.sessions - 1 if server else 0,
        )
        self._sessions -= 1
        frontend.sessions -= 1
        if backend:
            backend.sessions -= 1
        if server:
            server.sessions -= 1

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def _at(self, after_s: float, action: Callable[[], None]) -> None:
        self._order += 1
        heappush(self._agenda, (self._now_us + int(after_s * SECOND_US), self._order, action))

    def _repeat(self, every_s: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self._repeat(every_s, action)

        self._at(self._chance.expovariate(1 / every_s), again)

    def _say(self, priority: int, message: bytes, *, began_us: int | None = None) -> None:
        self._order += 1
        event = Event(self._now_us, priority, message, self._pid, began_us)
        heappush(self._under_way, (event.end_us, self._order, event))

    def _fall(self) -> None:
        backend = self._chance.choice(self._backends)
        alive = [server for server in backend.servers if server.alive]
        whole = self._chance.random() < WHOLE_BACKEND
        for server in alive if whole else alive[:1]:
            server.alive = False
            for number in range(1, CHECKS + 1):
                self._at(CHECK_S * (number + self._chance.random()), self._check(backend, server, CHECKS - number))

    def _check(self, backend: Backend, server: Server, left: int) -> Callable[[], None]:
        def failed() -> None:
            why = b'reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms'
            of = backend.name + b"/" + server.name
            if left or not server.up:
                health = b"%d/%d UP" % (left, CHECKS) if left else b"0/2 DOWN"
                self._say(_NOTICE, b"Health check for server %b failed, %b, status: %b." % (of, why, health))
                return
            server.up = False
            self._say(_ALERT, b"Server %b is DOWN, %b. %b" % (of, why, self._left(backend, server.sessions)))
            if backend.active == 0:
                self._say(_ALERT, b"backend %b has no server available!" % backend.name)
            self._at(5 + self._chance.expovariate(1 / 30), lambda: self._rise(backend, server))

        return failed

    def _rise(self, backend: Backend, server: Server) -> None:
        server.up = server.alive = True
        why = b"reason: Layer7 check passed, code: 200, check duration: %dms" % (1 + self._chance.randrange(5))
        online = self._left(backend, 0).replace(b"left", b"online")
        self._say(_NOTICE, b"Server %b/%b is UP, %b. %b" % (backend.name, server.name, why, online))

    @staticmethod
    def _left(backend: Backend, sessions: int) -> bytes:
        return b"%d active and 0 backup servers left. %d sessions active, 0 requeued, 0 remaining in queue." % (
            backend.active,
            sessions,
        )

    def _reload(self) -> None:
        for frontend in self._frontends:
            taken = frontend.taken
            self._say(_NOTICE, b"Proxy %b stopped (cumulated conns: FE: %d, BE: 0)." % (frontend.name, taken))
            frontend.taken = 0
        self._pid += 1 + self._chance.randrange(50)
        for frontend in self._frontends:
            self._say(_NOTICE, b"Proxy %b started." % frontend.name)

    def _handshake(self) -> None:
        port = 1024 + self._chance.randrange(64_000)
        client = b"203.0.113.%d:%d" % (self._chance.randrange(256), port)
        message = client + b" [%b] www/1: SSL handshake failure"
        self._say(_INFO, message, began_us=self._now_us - self._chance.randrange(300_000))
