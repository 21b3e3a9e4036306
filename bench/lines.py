"""httplog lines as a busy site has them: 200 clients, 500 paths with ids, 4 backends, 2% errors. Seeded."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
HEADERS: Final = {
    "local": "<134>{0:%b %d %H:%M:%S} haproxy[4711]: ",
    "rfc5424": "<134>1 {0:%Y-%m-%dT%H:%M:%S.%f}+00:00 lb-1 haproxy 4711 - - ",
}
_AGENTS: Final = ("Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0)")


def lines(count: int, header: str, seed: int = 7, start: datetime = START) -> list[bytes]:
    """Make ``count`` lines, 7,000 a second from ``start`` on, behind a header of HEADERS."""
    chance = random.Random(seed)  # noqa: S311 -- reproducible, not secret
    return [_line(chance, HEADERS[header], start + timedelta(seconds=number / 7000)) for number in range(count)]


def _line(chance: random.Random, header: str, end: datetime) -> bytes:
    client = chance.randrange(200)
    failed = chance.random() < 0.02  # noqa: PLR2004 -- the share of errors
    timers = [chance.randrange(3), chance.randrange(2), chance.randrange(4), int(chance.lognormvariate(3, 1.2))]
    total = sum(timers) + chance.randrange(10)
    start = end - timedelta(milliseconds=total)
    backend = chance.randrange(4)
    server = "<NOSRV>" if failed else f"web{chance.randrange(6)}"
    waits = "0/0/-1/-1" if failed else "/".join(map(str, timers))
    status = 503 if failed else chance.choice((200, 200, 200, 200, 304, 302, 404))
    cookie = f"SESSION={chance.randrange(1 << 40):x}" if chance.random() < 0.3 else "-"  # noqa: PLR2004 -- with a session
    path = f"/section{chance.randrange(500)}/item/{chance.randrange(100_000)}"
    captures = f" {{www.example.com|{chance.choice(_AGENTS)}}} {{text/html}}" if backend else ""
    load = f"{chance.randrange(200)}/{chance.randrange(200)}/{chance.randrange(80)}/{chance.randrange(20)}/0 0/0"
    return (
        f"{header.format(end)}203.0.113.{client}:{chance.randrange(1024, 65_536)} "
        f"[{start:%d/%b/%Y:%H:%M:%S}.{start.microsecond // 1000:03}] www~ backend{backend}/{server} {waits}/{total} "
        f"{status} {chance.randrange(200, 90_000)} {cookie} - {'SC--' if failed else '--VN'} {load}{captures} "
        f'"GET {path}?page={chance.randrange(50)} HTTP/1.1"'
    ).encode()
