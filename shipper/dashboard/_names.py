"""By which names a browser may call the page.

A page elsewhere may let its own name point to this machine (DNS rebinding), and then read here as from itself; what it
cannot change is the Host header, which has that name. An address cannot be rebound; a port says nothing, because
tunnels and proxies have their own.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def allowed_names(host: str, others: Iterable[str]) -> frozenset[str]:
    """Give the names for a server that listens on ``host``, with ``others`` that a person has allowed."""
    return frozenset({*_LOCAL, _normal(host), *map(_normal, others)})


def name_of(header: str) -> str | None:
    """Give the name in a Host header, without its port; None for what is none."""
    try:
        parts = urlsplit(f"//{header}")
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if not parts.hostname or not port_is_fine or parts.netloc != header or "@" in header:
        return None
    return _normal(parts.hostname)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what listens on ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _normal(host: str) -> str:
    return host.lower().removesuffix(".").strip("[]")
