"""One request, as HAProxy logged it and as Elasticsearch gives it back: two readings that must agree.

1. The reading of lines is a regular expression for the lines of deploy/haproxy.cfg and nothing more. It shares no code
   with shipper, so that shipper's mistakes cannot hide in it.
2. Every value of the line is compared: the client, the time in UTC, names, timers, counts, captures, the request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE: Final = re.compile(
    r"<\d+>\w{3} [ \d]\d [\d:]{8} \S+\[\d+\]: "
    r"(?P<client>\S+):(?P<port>\d+) \[(?P<time>[^]]+)\] "
    r"(?P<frontend>[^ ~]+)(?P<tls>~?) (?P<backend>[^ /]+)/(?P<server>\S+) "
    r"(?P<times>-?\d+/-?\d+/-?\d+/-?\d+/\d+) (?P<status>-?\d+) (?P<bytes>\d+) (?P<cookies>\S+ \S+) (?P<state>\S{4}) "
    r"(?P<connections>\d+/\d+/\d+/\d+)/(?P<redispatched>\+?)(?P<retries>\d+) (?P<queues>\d+/\d+) "
    r"(?:\{(?P<asked>[^}]*)\} )?(?:\{(?P<answered>[^}]*)\} )?"
    r'"(?P<request>.*)"'
    r"(?: (?P<secured>[^/ ]+/[^/ ]+/[^/ ]+/[^/ ]+/[01] [^/ ]+/[^/ ]+/[^/ ]+))?",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(rb"#([0-9A-F]{2})")
_TIMES: Final = ("request_ms", "queue_ms", "connect_ms", "response_ms", "total_ms", "data_ms")
_TLS_ERRORS: Final = ("fc_err", "ssl_fc_err", "ssl_c_err", "ssl_c_ca_err")
_CONNECTIONS: Final = ("active", "frontend", "backend", "server", "retries")


@dataclass(frozen=True, slots=True)
class Request:
    """What a line says of a request; None is what HAProxy printed as `-1` or `-`."""

    client: str
    port: int
    time: str
    frontend: str
    tls: bool
    backend: str
    server: str
    times: tuple[int | None, ...]
    status: int | None
    bytes_read: int
    cookies: tuple[str | None, ...]
    state: str
    connections: tuple[int, ...]
    redispatched: bool
    queues: tuple[int, ...]
    asked: tuple[str, ...] | None
    answered: tuple[str, ...] | None
    request: str
    secured: tuple[object, ...] | None
    """Of TLS: errors, whether it was resumed, the name asked for, version, cipher."""


def from_line(line: bytes) -> Request | None:
    """Read a line without its end; None when it is no request."""
    match = _LINE.fullmatch(line.decode("latin-1"))
    if match is None:
        return None
    part = match.groupdict()
    times = [int(ms) for ms in part["times"].split("/")]
    data_ms = times[4] - sum(times[:4]) if min(times) >= 0 else -1
    return Request(
        client=part["client"],
        port=int(part["port"]),
        time=_utc(part["time"]),
        frontend=part["frontend"],
        tls=part["tls"] == "~",
        backend=part["backend"],
        server=part["server"],
        times=tuple(None if ms < 0 else ms for ms in [*times, data_ms]),
        status=int(part["status"]) if int(part["status"]) > 0 else None,
        bytes_read=int(part["bytes"]),
        cookies=tuple(None if cookie == "-" else _text(cookie) for cookie in part["cookies"].split(" ")),
        state=part["state"],
        connections=(*(int(count) for count in part["connections"].split("/")), int(part["retries"])),
        redispatched=part["redispatched"] == "+",
        queues=tuple(int(count) for count in part["queues"].split("/")),
        asked=_captured(part["asked"]),
        answered=_captured(part["answered"]),
        request=_unescaped(part["request"]),
        secured=_secured(part["secured"]),
    )


def from_document(document: Mapping[str, Any]) -> Request:
    """Read the source of a document of traffic."""
    haproxy = document["haproxy"]
    asked, answered = haproxy.get("http", {}).get("request", {}), haproxy.get("http", {}).get("response", {})
    return Request(
        client=document["source"]["address"],
        port=document["source"]["port"],
        time=document["@timestamp"],
        frontend=haproxy["frontend_name"],
        tls=document.get("tls", {}).get("established", False),
        backend=haproxy["backend_name"],
        server=haproxy["server_name"],
        times=tuple(haproxy["time"].get(name) for name in _TIMES),
        status=document.get("http", {}).get("response", {}).get("status_code"),
        bytes_read=haproxy["bytes_read"],
        cookies=(asked.get("captured_cookie"), answered.get("captured_cookie")),
        state=haproxy["termination_state"],
        connections=tuple(haproxy["connections"][name] for name in _CONNECTIONS),
        redispatched=haproxy.get("redispatched", False),
        queues=(haproxy["server_queue"], haproxy["backend_queue"]),
        asked=_tuple(asked.get("captured_headers")),
        answered=_tuple(answered.get("captured_headers")),
        request=_request_line(document),
        secured=_secured_of(document),
    )


def _secured(tail: str | None) -> tuple[object, ...] | None:
    """Read what httpslog has behind the request: four errors and `resumed`; the name asked for, version, cipher."""
    if tail is None:
        return None
    failed, _, names = tail.partition(" ")
    *errors, resumed = failed.split("/")
    numbers = [None if error == "-" else int(error, base) for error, base in zip(errors, (10, 16, 10, 10), strict=True)]
    name, version, cipher = (None if word == "-" else word for word in names.split("/"))
    return (*numbers, resumed == "1", name, version, cipher)


def _secured_of(document: Mapping[str, Any]) -> tuple[object, ...] | None:
    errors, tls = document["haproxy"]["connections"], document.get("tls", {})
    if "fc_err" not in errors:
        return None
    version = tls.get("version")
    return (
        *(errors.get(name) for name in _TLS_ERRORS),
        tls.get("resumed", False),
        tls.get("client", {}).get("server_name"),
        version and f"TLSv{version}",
        tls.get("cipher"),
    )


def _request_line(document: Mapping[str, Any]) -> str:
    raw = document["haproxy"].get("http", {}).get("request", {}).get("raw_request_line")
    if raw is not None:
        return str(raw)
    http = document["http"]
    return f"{http['request']['method']} {document['url']['original']} HTTP/{http['version']}"


def _utc(local: str) -> str:
    """Turn HAProxy's local date into the one form of our timestamps; HAProxy and the demo share a time zone."""
    time = datetime.strptime(local, "%d/%b/%Y:%H:%M:%S.%f")  # noqa: DTZ007 -- local, as HAProxy writes it
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _captured(block: str | None) -> tuple[str, ...] | None:
    return None if block is None else tuple(_unescaped(value) for value in block.split("|"))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text.encode("latin-1")).decode(errors="replace")


def _text(text: str) -> str:
    return text.encode("latin-1").decode(errors="replace")


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
