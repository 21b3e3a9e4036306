"""Provoke lines from a real HAProxy and write them to samples/, with the documents that they give.

`python -m tests.provoke` writes `samples/httplog-HEADER.log` and `.ndjson`. The lines are kept as they came: dates,
ports and process ids are those of the day they were made. Read each document against its line before you commit it.
"""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from shipper.config import Interpretation
from shipper.encode import CapturedEncoder
from tests.haproxy_process import HAProxyProcess, UdpRecorder

SAMPLES = Path(__file__).parent.parent / "samples"
INTERPRETATION = Interpretation(keep_original="unparsed")
FALLBACK_US = 1_795_222_923_000_000
NAMED = "log-send-hostname lb-1.example"
HEADERS = {
    "local": ("format local", ""),
    "local-named": ("", NAMED),
    "rfc3164": ("format rfc3164", NAMED),
    "rfc5424": ("format rfc5424", NAMED),
    "raw": ("format raw", ""),
    "short": ("len 200 format rfc5424", NAMED),
}
"""What stands behind the address of `log`, and one more line of `global`."""

CONFIG = """
global
    log {address} {options} local0
    tune.http.logurilen 100
    tune.http.cookielen 100
    {more}
defaults
    mode http
    log global
    option httplog
    option abortonclose
    timeout connect 300ms
    timeout client 1s
    timeout server 400ms
    timeout http-request 400ms
    retries 1
    option redispatch 1
frontend www
    bind "127.0.0.1:${{HTTP_PORT}}"
    bind "[::1]:${{IPV6_PORT}}"
    bind unix@{folder}/www.sock
    capture request header Host len 40
    capture request header User-Agent len 40
    capture response header Content-Type len 40
    capture cookie S= len 90
    http-request deny if {{ path /denied }}
    http-request return status 200 content-type text/plain string ok if {{ path /direct }}
    use_backend none if {{ path /none }}
    use_backend refusing if {{ path /refused }}
    use_backend silent if {{ path /silent }}
    default_backend shop
frontend plain
    bind "127.0.0.1:${{PLAIN_PORT}}"
    option accept-invalid-http-request
    http-request return status 200 content-type text/plain string ok
frontend asap
    bind "127.0.0.1:${{ASAP_PORT}}"
    option logasap
    default_backend shop
backend none
backend refusing
    balance first
    server dead1 "127.0.0.1:1"
    server alive "127.0.0.1:${{SERVER_PORT}}"
backend shop
    cookie SRV insert
    server shop1 "127.0.0.1:${{SERVER_PORT}}" cookie s1
backend silent
    server mute "127.0.0.1:${{MUTE_PORT}}"
defaults servers
    mode http
    timeout connect 1s
    timeout client 20s
    timeout server 20s
frontend server from servers
    bind "127.0.0.1:${{SERVER_PORT}}"
    http-request return status 200 content-type text/html string "<p>hello"
frontend mute from servers
    mode tcp
    bind "127.0.0.1:${{MUTE_PORT}}"
    tcp-request inspect-delay 10s
    tcp-request content reject if WAIT_END
"""

FORGED = b'S=a b - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'


def get(uri: bytes, *headers: bytes, method: bytes = b"GET", host: bytes = b"a.example") -> bytes:
    """Write a request that closes its connection."""
    return b"\r\n".join(
        [method + b" " + uri + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers, b"", b""]
    )


WWW = [
    get(b"/items/17?q=a%20b", b"User-Agent: curl/8.5 {x|y} #1"),
    get(b"/direct"),
    get(b"/denied"),
    get(b"/none"),
    get(b"/refused"),
    get(b"/silent"),
    get(b"/cookie", b"Cookie: S=plain"),
    get(b"/cookie", b"Cookie: SRV=s1; S=two words"),
    get(b"/real", b"Cookie: " + FORGED),
    get(b"/agent", b'User-Agent: "quoted" \xff\xc3\xa9 \x09tab'),
    get(b"/a{b}|c'd"),
    get(b"/deadbeef01/6f1c2a4e-0000-4000-8000-0123456789ab"),
    get(b"/long/" + b"x" * 200),
    get(b"http://b.example:8080/absolute?x", host=b"b.example:8080"),
    get(b"*", method=b"OPTIONS"),
    get(b"c.example:443", method=b"CONNECT", host=b"c.example:443"),
    get(b'/quo"te'),
    get(b"/with blank"),
    b"GET /old\r\n\r\n",
    b"\x16\x03\x01 no http\r\n\r\n",
    b"GET /unfinished HTTP/1.1\r\nHost: a",
]


LENIENT = [
    get(b"/plain", b"Cookie: S=uncaptured"),
    get(b"/frag#ment"),
    get(b"/\x01\xff"),
    get(b"/with blank"),
    b"GET /old\r\n\r\n",
]


def ask(address: tuple[str, int] | str, request: bytes, *, leave_s: float | None = None) -> None:
    """Send one request and read to the end, or leave."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client, suppress(OSError):
        client.settimeout(5)
        client.connect(address)
        client.sendall(request)
        if leave_s is not None:
            time.sleep(leave_s)
            return
        while client.recv(65_536):
            pass


def provoke(options: str, more: str, folder: str) -> list[bytes]:
    """Give the lines that HAProxy sends with a `log` line's ``options`` and one more global line."""
    ports = ("HTTP_PORT", "IPV6_PORT", "PLAIN_PORT", "ASAP_PORT", "SERVER_PORT", "MUTE_PORT")
    with UdpRecorder() as recorder:
        config = CONFIG.format(address=recorder.address, options=options, more=more, folder=folder)
        with HAProxyProcess(config, ports=ports) as haproxy:
            www = ("127.0.0.1", haproxy.ports["HTTP_PORT"])
            for request in WWW:
                ask(www, request)
            ask(www, get(b"/silent"), leave_s=0.05)
            ask(www, b"GET /gone HTTP/1.1\r\n", leave_s=0.05)
            ask(("::1", haproxy.ports["IPV6_PORT"]), get(b"/six"))
            ask(f"{folder}/www.sock", get(b"/unix"))
            for request in LENIENT:
                ask(("127.0.0.1", haproxy.ports["PLAIN_PORT"]), request)
            ask(("127.0.0.1", haproxy.ports["ASAP_PORT"]), get(b"/asap"))
            time.sleep(0.3)
            return [line.removesuffix(b"\n") for line in recorder.wait_for(len(WWW) + len(LENIENT) + 5)]


def documents(raws: list[bytes]) -> list[str]:
    """Give the documents of a sample's lines."""
    return [captured.json for captured in CapturedEncoder(INTERPRETATION, FALLBACK_US).documents(raws)]


def main(folder: str) -> None:
    """Write every sample; ``folder`` takes a socket while HAProxy runs."""
    for name, (options, more) in HEADERS.items():
        raws = provoke(options, more, folder)
        (SAMPLES / f"httplog-{name}.log").write_bytes(b"".join(raw + b"\n" for raw in raws))
        (SAMPLES / f"httplog-{name}.ndjson").write_text("".join(f"{line}\n" for line in documents(raws)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="provoke-") as temporary:
        main(temporary)
