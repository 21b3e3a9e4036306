"""Captured files for tests: httplog lines at moments that the test chooses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

START: Final = datetime(2026, 11, 21, 5, 2, 17, tzinfo=UTC)
START_US: Final = int(START.timestamp()) * 1_000_000


def line(number: int, second: float = 0.0, *, header: bool = True) -> bytes:
    """Give a line that began ``second`` after START and took 5 ms; ``number`` is its path, and tells it from others."""
    start = START + timedelta(seconds=second)
    date = f"{start:%d/%b/%Y:%H:%M:%S}.{start.microsecond // 1000:03}"
    head = f"<134>{start:%b %d %H:%M:%S} haproxy[7]: " if header else ""
    return (
        f'{head}192.0.2.4:51822 [{date}] www shop/shop-1 0/0/1/3/5 200 1894 - - ---- 1/1/0/0/0 0/0 "GET /{number} '
        'HTTP/1.1"'
    ).encode()


def capture(path: Path, lines: Iterable[bytes]) -> Path:
    """Write a file of lines."""
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    return path
