"""What there is at the site whose traffic is made up: clients, frontends, backends with servers, and pages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

WORDS: Final = (b"lamp", b"red+shoes", b"desk", b"usb-c", b"coffee", b"tent", b"garden+hose", b"%C3%BCber", b"socks")
AGENTS: Final = (
    b"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
    b"okhttp/4.12.0",
    b"curl/8.5.0",
    b"Googlebot/2.1 (+http://www.google.com/bot.html)",
)
CIPHERS: Final = (b"TLS_AES_256_GCM_SHA384", b"TLS_AES_128_GCM_SHA256", b"ECDHE-RSA-AES256-GCM-SHA384")


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of request: how its answers are, at the median."""

    method: bytes
    backend: bytes
    uri: Callable[[Random], bytes]
    ms: float
    """What the server takes."""
    size: int
    """Of the answer, in bytes."""
    content: bytes
    weight: float
    statuses: tuple[bytes, ...] = (b"200",)
    """One of these answers, each as likely."""


@dataclass(slots=True)
class Server:
    """A server: whether HAProxy takes it for alive, and whether it is."""

    name: bytes
    up: bool = True
    alive: bool = True
    sessions: int = 0


@dataclass(slots=True)
class Backend:
    """Servers that share the load in turn."""

    name: bytes
    servers: list[Server]
    sessions: int = 0
    turn: int = 0

    def next_server(self, *, but: Server | None = None) -> Server | None:
        """Give the next that is up; None when there is none."""
        for _ in self.servers:
            self.turn = (self.turn + 1) % len(self.servers)
            server = self.servers[self.turn]
            if server.up and server is not but:
                return server
        return None

    @property
    def active(self) -> int:
        """How many are up."""
        return sum(server.up for server in self.servers)


@dataclass(slots=True)
class Frontend:
    """Where clients come in; ``tls`` is the share of those who come with TLS."""

    name: bytes
    host: bytes
    port: bytes
    tls: float
    sessions: int = 0
    taken: int = 0
    """All connections so far."""


def number(chance: Random) -> int:
    """Give one of many ids, of which a few are asked for most (Zipf)."""
    return int(chance.paretovariate(0.9)) % 1_000_000


def _hex(chance: Random) -> bytes:
    return b"%08x" % (number(chance) * 2_654_435_761 % 2**32)


_HTML, _JSON, _JS, _WEBP, _PLAIN = b"text/html", b"application/json", b"text/javascript", b"image/webp", b"text/plain"


def _mostly(status: bytes, times: int, *others: bytes) -> tuple[bytes, ...]:
    return (*[status] * times, *others)


_CACHED: Final = _mostly(b"200", 2, b"304")
ROUTES: Final = (
    Route(b"GET", b"shop", lambda _: b"/", 12, 18_000, _HTML, 9),
    Route(b"GET", b"shop", lambda c: b"/item/%d" % number(c), 18, 24_000, _HTML, 14, _mostly(b"200", 30, b"404")),
    Route(b"GET", b"shop", lambda c: b"/category/%d?page=%d" % (number(c) % 90, number(c) % 40), 26, 31_000, _HTML, 7),
    Route(b"GET", b"shop", lambda c: b"/search?q=%b&page=%d" % (c.choice(WORDS), number(c) % 9), 70, 15_000, _HTML, 5),
    Route(b"POST", b"shop", lambda c: b"/cart/%d" % number(c), 35, 900, _JSON, 3, _mostly(b"200", 2, b"302")),
    Route(b"POST", b"shop", lambda _: b"/checkout", 180, 1_200, _HTML, 0.6, _mostly(b"200", 40, b"500")),
    Route(b"GET", b"shop", lambda _: b"/wp-login.php", 2, 300, _HTML, 0.2, (b"404",)),
    Route(b"GET", b"api", lambda c: b"/api/v2/orders/%d" % number(c), 22, 1_800, _JSON, 8, _mostly(b"200", 60, b"404")),
    Route(b"GET", b"api", lambda c: b"/api/v2/users/%b/cart" % _hex(c), 9, 2_600, _JSON, 6),
    Route(b"PUT", b"api", lambda c: b"/api/v2/users/%b" % _hex(c), 40, 200, _JSON, 1, _mostly(b"204", 20, b"409")),
    Route(b"GET", b"api", lambda _: b"/health", 0.5, 120, _PLAIN, 1),
    Route(b"GET", b"static", lambda c: b"/static/%b.js" % _hex(c), 0.7, 85_000, _JS, 15, _CACHED),
    Route(
        b"GET", b"static", lambda c: b"/img/%d/%d.webp" % (number(c) % 40, number(c)), 0.9, 42_000, _WEBP, 30, _CACHED
    ),
)
ROUTE_WEIGHTS: Final = tuple(accumulate(route.weight for route in ROUTES))

CLIENTS: Final = 20_000
_NETWORKS: Final = (b"198.18.%d.%d", b"198.19.%d.%d", b"10.7.%d.%d")


def client(chance: Random) -> bytes:
    """Give the address of a client, of which a few come most."""
    which = int(math.exp(chance.random() * math.log(CLIENTS)))
    if which % 7 == 0:
        return b"2001:db8:%x::%x" % (which % 251, which)
    return _NETWORKS[which % len(_NETWORKS)] % (which // 251, which % 251)


def frontends() -> list[Frontend]:
    """Give the frontends; each route's backend has one in front of it."""
    return [
        Frontend(b"www", b"www.example.com", b"443", 0.9),
        Frontend(b"api", b"api.example.com", b"443", 1.0),
        Frontend(b"static", b"static.example.com", b"80", 0.6),
    ]


def backends() -> list[Backend]:
    """Give the backends, all servers up."""
    sizes = {b"shop": 5, b"api": 4, b"static": 2}
    return [Backend(name, [Server(b"%b-%d" % (name, n + 1)) for n in range(size)]) for name, size in sizes.items()]
