"""Clients of HAProxy: good ones, rude ones, and some that speak TLS or HTTP/2."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Address: TypeAlias = tuple[str, int] | str
_PATIENCE_S: Final = 5
_H2_PATIENCE_S: Final = 0.15
"""HTTP/2 leaves the connection open."""


def certificate(folder: Path) -> Path:
    """Make a certificate, and its key, in one file."""
    file = folder / "certificate.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(folder / "key.pem")]
    command = ["openssl", "req", "-x509", *key, "-out", str(file), "-days", "2", "-subj", "/CN=a.example"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + (folder / "key.pem").read_text())
    return file


def get(uri: bytes, *headers: bytes, method: bytes = b"GET", host: bytes = b"a.example") -> bytes:
    """Write a request that closes its connection."""
    return b"\r\n".join(
        [method + b" " + uri + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers, b"", b""]
    )


def get_h2(path: bytes, *, authority: bytes = b"a.example", scheme: bytes = b"https") -> bytes:
    """Write an HTTP/2 connection with one request: preface, SETTINGS, HEADERS (RFC 9113, and RFC 7541, 6.2.2)."""
    headers = {b":method": b"GET", b":scheme": scheme, b":authority": authority, b":path": path, b"user-agent": b"h2"}
    block = b"".join(b"\x00" + bytes([len(k)]) + k + bytes([len(v)]) + v for k, v in headers.items())
    frame = struct.pack(">I", len(block))[1:] + b"\x01\x05" + struct.pack(">I", 1) + block
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + frame


def tls(*alpn: str, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Give a client's TLS that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def connected(address: Address) -> socket.socket:
    """Connect to a unix socket, or to an IPv4 or IPv6 address."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(_PATIENCE_S)
    client.connect(address)
    return client


def read_all(client: socket.socket) -> None:
    """Read until the other side closes, or breaks off."""
    with suppress(OSError):
        while client.recv(65_536):
            pass


def ask(
    address: Address,
    request: bytes,
    *,
    leave_s: float | None = None,
    context: ssl.SSLContext | None = None,
    sni: str | None = None,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLSession | None:
    """Send a request and read to the end, or leave after ``leave_s`` without reading. Gives the TLS session."""
    with connected(address) as plain, suppress(OSError):
        client = plain if context is None else context.wrap_socket(plain, server_hostname=sni, session=session)
        with client:
            client.sendall(request)
            if leave_s is not None:
                time.sleep(leave_s)
            else:
                client.settimeout(_H2_PATIENCE_S if request.startswith(b"PRI ") else _PATIENCE_S)
                read_all(client)
            return client.session if isinstance(client, ssl.SSLSocket) else None
    return None


def while_asking(address: Address, request: bytes, act: Callable[[], object], *, after_s: float = 0.1) -> None:
    """Do something while a request is under way."""
    thread = Thread(target=ask, args=(address, request))
    thread.start()
    time.sleep(after_s)
    act()
    thread.join()


def command(socket_path: str, text: str) -> str:
    """Give HAProxy's stats socket a command; give its answer."""
    with connected(socket_path) as client:
        client.sendall(text.encode() + b"\n")
        return b"".join(iter(lambda: client.recv(65_536), b"")).decode()
