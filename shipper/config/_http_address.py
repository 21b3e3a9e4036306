"""Where something is served over HTTP: `http://ADDRESS:PORT`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def address_of(url: str) -> tuple[str, int]:
    """Give the address to bind, without brackets, and the port. Raises ValueError, which says what would be right."""
    try:
        parts = urlsplit(url)
        host = "127.0.0.1" if parts.hostname == "localhost" else str(ip_address(parts.hostname or ""))
        port = parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme != "http" or port is None or parts.path not in {"", "/"} or parts.query or parts.username:
        raise ValueError(f"{url!r}: an address and a port are expected, like http://127.0.0.1:8899 or http://[::]:8899")
    return host, port


def _checked(url: str) -> str:
    address_of(url)
    return url


HttpAddress = Annotated[str, AfterValidator(_checked)]
