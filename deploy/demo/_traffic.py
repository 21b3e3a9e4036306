"""Visitors of the shop: threads that send real HTTP, well-behaved and not, at a steady rate together.

1. What they get does not matter: each request, good or bad, makes HAProxy log a line, and the lines are the truth.
2. The rate is met by pauses, not by speed, so that the machine is left to the others. It rises and falls as the tide.
3. Each visitor has an address of his own: Linux has all of 127.0.0.0/8.
"""

from __future__ import annotations

import http.client
import math
import random
import socket
import ssl
import struct
import threading
import time
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

VISITORS: Final = 24
_TIMEOUT_S: Final = 10
_TIDE_S: Final = 120
"""From one flood to the next."""
_TIDE_SHARE: Final = 0.5
"""Of the rate, what a flood adds and an ebb takes."""
_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Müller-Browser/1.0 {beta|7}",
    "curl/8.5.0",
)
_WORDS: Final = ("tea", "green%20tea", "k%C3%A4se", 'the"best"', "a+b", "cup&sort=price")


@dataclass(frozen=True, slots=True)
class Shop:
    """Where the shop is reached; without a certificate it has no TLS."""

    http_port: int
    https_port: int
    api_port: int
    stats_port: int
    certificate: Path | None


class Traffic:
    """``rate`` requests a second on average, sent to ``shop`` from entering to ``stop``."""

    def __init__(self, shop: Shop, rate: float) -> None:
        self._stopping = threading.Event()
        self._visitors = [
            threading.Thread(target=self._visit, args=(_visitor(shop, number), rate / VISITORS), daemon=True)
            for number in range(VISITORS)
        ]

    def __enter__(self) -> Self:
        for visitor in self._visitors:
            visitor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let every visitor finish what he is doing, and wait for that."""
        self._stopping.set()
        for visitor in self._visitors:
            visitor.join()

    def _visit(self, visitor: Visitor, rate: float) -> None:
        due = time.monotonic() + visitor.rng.expovariate(rate)
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            with suppress(OSError, http.client.HTTPException):
                due += visitor.act() * visitor.rng.expovariate(rate * _tide(time.monotonic()))
            due = max(due, time.monotonic() - 1)


def _tide(now_s: float) -> float:
    """Give the share of the average rate that is due now."""
    return 1 + _TIDE_SHARE * math.sin(2 * math.pi * now_s / _TIDE_S)


def _visitor(shop: Shop, number: int) -> Visitor:
    return Visitor(shop, f"127.0.9.{number + 1}", random.Random())  # noqa: S311 -- traffic


class Visitor:
    """Does one of the things that people and programs do to a shop, from ``address``."""

    def __init__(self, shop: Shop, address: str, rng: random.Random) -> None:
        self.rng = rng
        self._from = (address, 0)
        self._shop = shop
        self._session = f"{rng.getrandbits(64):016x}"
        self._server = "consent=yes"
        self._tls = _tls(shop.certificate, self.rng) if shop.certificate else None
        weights: dict[Callable[[], int], float] = {
            self._browse: 40,
            self._search: 14,
            self._program: 16,
            self._check_out: 6,
            self._report: 1.5,
            self._stranger: 4,
            self._operator: 1,
            self._malformed: 1.5,
            self._impatient: 1.5,
            self._dawdler: 0.3,
        }
        self._acts, self._weights = list(weights), list(weights.values())

    def act(self) -> int:
        """Do one thing; give the number of requests that it took."""
        return self.rng.choices(self._acts, self._weights)[0]()

    def _browse(self) -> int:
        """Look at some pages over one connection, with what belongs to them."""
        item = self.rng.randrange(1, 1000)
        pages = ["/", f"/shop/items/{item}", f"/static/site.{self._session[:8]}.css", f"/shop/orders/{uuid.uuid4()}"]
        paths = self.rng.choices(pages, [1, 6, 4, 1], k=self.rng.randint(1, 4))
        connection = self._secure() if self.rng.random() < 0.3 else self._plain()  # noqa: PLR2004 -- a share
        with closing(connection):
            for path in paths:
                extra = {"If-None-Match": '"1"'} if path.startswith("/static") and self.rng.randrange(2) else {}
                self._ask(connection, self.rng.choice(("GET", "GET", "GET", "HEAD")), path, extra)
        return len(paths)

    def _search(self) -> int:
        return self._once("GET", f"/search?q={self.rng.choice(_WORDS)}&page={self.rng.randrange(1, 9)}")

    def _check_out(self) -> int:
        return self._once("POST", "/checkout/pay", body=b"card=4111&" + b"x" * self.rng.randrange(2000))

    def _report(self) -> int:
        return self._once("GET", f"/reports/2026-{self.rng.randrange(1, 13):02d}?format=csv")

    def _stranger(self) -> int:
        """Go where nobody should, or look for holes."""
        if self.rng.randrange(4):
            return self._once("GET", self.rng.choice(("/admin/", "/admin/users?id=1", "/static/site.map")))
        return self._once("GET", "/shop/.env", {"User-Agent": "vulnerability-scanner/2"})

    def _program(self) -> int:
        """Call the interface for programs."""
        paths = ("/v1/orders", f"/v1/orders/{self.rng.randrange(10_000)}", "/v1/inventory/3", "/v0/list", "/v2/none")
        path = self.rng.choices(paths, [4, 8, 2, 1, 1])[0]
        headers = {"X-Request-ID": str(uuid.uuid4())}
        if self.rng.randrange(12):
            headers["Authorization"] = "Bearer demo"
        method = self.rng.choice(("GET", "GET", "PUT", "DELETE", "POST"))
        return self._once(method, path, headers, b"{}" if method in {"PUT", "POST"} else None, self._shop.api_port)

    def _operator(self) -> int:
        return self._once("GET", self.rng.choice(("/metrics", "/stats", "/stats;csv")), port=self._shop.stats_port)

    def _malformed(self) -> int:
        """Send what is no HTTP."""
        odd = (
            b"GARBAGE\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            b"GET /\x01\xff HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        )
        with closing(self._connected()) as raw:
            raw.sendall(self.rng.choice(odd))
            raw.recv(4096)
        return 1

    def _impatient(self) -> int:
        """Ask and leave before the answer; with a reset as often as not."""
        with closing(self._connected()) as raw:
            raw.sendall(b"GET /reports/all HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            time.sleep(self.rng.uniform(0.01, 0.2))
            if self.rng.randrange(2):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return 1

    def _dawdler(self) -> int:
        """Begin a request; half of them never finish it and get 408."""
        with closing(self._connected()) as raw:
            raw.sendall(b"GET /shop/slow HTTP/1.1\r\nHost: ")
            if self.rng.randrange(2):
                time.sleep(self.rng.uniform(0.1, 1))
                raw.sendall(b"shop.example\r\nConnection: close\r\n\r\n")
            raw.recv(4096)
        return 1

    def _once(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None, port: int = 0
    ) -> int:
        with closing(self._plain(port)) as connection:
            self._ask(connection, method, path, headers or {}, body)
        return 1

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None = None,
    ) -> None:
        common: dict[str, str | bytes] = {
            "Host": "shop.example",
            "User-Agent": self.rng.choice(_AGENTS).encode(),
            "Referer": "https://shop.example/start",
            "Cookie": f"theme=dark; SESSION={self._session}; {self._server}",
        }
        connection.request(method, path, body, {**common, **headers})
        answer = connection.getresponse()
        answer.read()
        self._server = (answer.getheader("Set-Cookie") or self._server).partition(";")[0]

    def _plain(self, port: int = 0) -> http.client.HTTPConnection:
        port = port or self._shop.http_port
        return http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S, source_address=self._from)

    def _secure(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return self._plain()
        return http.client.HTTPSConnection(
            "127.0.0.1", self._shop.https_port, timeout=_TIMEOUT_S, source_address=self._from, context=self._tls
        )

    def _connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._shop.http_port), _TIMEOUT_S, self._from)


def _tls(certificate: Path, rng: random.Random) -> ssl.SSLContext:
    """Give what a browser brings; some browsers are old."""
    context = ssl.create_default_context(cafile=str(certificate))
    if rng.randrange(3) == 0:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
