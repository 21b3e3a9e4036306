"""The aliases of HAProxy's log-format: the grammar of each, and what it gives to the record (manual, 8.2.6).

1. ``KINDS`` is grammar as data: what a value looks like, and what may stand where a line was cut inside one.
   Each pattern is bounded or stops at a character that cannot be in the value, so that matching is linear.
2. ``PARTS`` says which aliases together give which attributes. A part whose aliases are not all there gives nothing.
3. Readers get bytes that match the grammar, and never raise: a number out of range gives ``field_errors``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.haproxy import termination
from shipper.haproxy.record import LONG_MAX, PATHS, Attributes
from shipper.haproxy.request import REQUEST_ATTRIBUTES, read_request, unescape

if TYPE_CHECKING:
    from collections.abc import Callable

MS_NS: Final = 1_000_000
FAILURE_STATUS_MIN: Final = 400


@dataclass(frozen=True, slots=True)
class Kind:
    """A grammar: ``pattern`` is a complete value, ``partial`` what a cut may leave of one, ``words`` names it."""

    words: str
    pattern: bytes
    partial: bytes
    raw: bool = False
    """The value is logged as it came and may hold anything, delimiters too."""
    block: bool = False
    """The value and the blank before it are left out where nothing is declared."""


NUMBER: Final = Kind("a number", rb"-?[0-9]{1,20}", rb"-?[0-9]{0,20}")
MARKED: Final = Kind("a number, with + where it is a lower bound", rb"[+-]?[0-9]{1,20}", rb"[+-]?[0-9]{0,20}")
ADDRESS: Final = Kind(
    "an address, `unix`, `unknown` or `-`",
    rb"(?:unix|unknown|-|[0-9A-Fa-f:.]{2,45})",
    rb"(?:u[a-z]{0,6}|-|[0-9A-Fa-f:.]{0,45})",
)
PORT: Final = Kind("a port", rb"(?:[0-9]{1,20}|-)", rb"[0-9]{0,20}|-")
DATE: Final = Kind(
    "a date like 21/Nov/2026:01:02:03.456",
    rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}",
    rb"[0-9A-Za-z/:.]{0,24}",
)
NAME: Final = Kind("a proxy's name", rb"[A-Za-z0-9._:-]++", rb"[A-Za-z0-9._:-]*+")
FRONTEND: Final = Kind("a frontend's name", rb"[A-Za-z0-9._:-]++~?", rb"[A-Za-z0-9._:-]*+~?")
SERVER: Final = Kind(
    "a server's name or <…>",
    rb"(?:[A-Za-z0-9._:-]++|<[A-Za-z0-9._:-]++>)",
    rb"<?[A-Za-z0-9._:-]*+>?",
)
STATUS: Final = Kind("a status code", rb"(?:[0-9]{3}|-1)", rb"(?:-?[0-9]{0,3})")
COOKIE: Final = Kind("a captured cookie or `-`", rb"(?:-|[^ =]++=.*)", rb".*", raw=True)
TERMINATION: Final = Kind("a termination state", rb"[A-Za-z-]{2}[A-Za-z0-9-]{2}", rb"[A-Za-z-]{0,2}[A-Za-z0-9-]{0,2}")
BLOCK: Final = Kind("captured headers in braces", rb"\{[^{}]*+\}", rb"\{[^{}]*+", block=True)
REQUEST: Final = Kind("a request in quotes", rb'[^"]*+', rb'[^"]*+')

KINDS: Final[dict[str, Kind]] = {
    "ci": ADDRESS,
    "cp": PORT,
    "tr": DATE,
    "t": DATE,
    "ft": FRONTEND,
    "b": NAME,
    "s": SERVER,
    "TR": NUMBER,
    "Tw": NUMBER,
    "Tc": NUMBER,
    "Tr": NUMBER,
    "Ta": MARKED,
    "ST": STATUS,
    "B": MARKED,
    "CC": COOKIE,
    "CS": COOKIE,
    "tsc": TERMINATION,
    "ac": NUMBER,
    "fc": NUMBER,
    "bc": NUMBER,
    "sc": NUMBER,
    "rc": MARKED,
    "sq": NUMBER,
    "bq": NUMBER,
    "hr": BLOCK,
    "hs": BLOCK,
    "r": REQUEST,
}
"""The grammar of each alias."""


def text(raw: bytes) -> str:
    """Decode as UTF-8, with U+FFFD for each maximal invalid subpart."""
    return raw.decode("utf-8", "replace")


def count(attribute: str) -> Callable[[bytes], Attributes]:
    """Read a number; one that is negative or too large leaves its field absent and is named."""

    def read(raw: bytes) -> Attributes:
        value = int(raw)
        return {attribute: value} if 0 <= value <= LONG_MAX else {"field_errors": [PATHS[attribute]]}

    return read


def _timer(attribute: str) -> Callable[[bytes], Attributes]:
    """Read milliseconds; -1 is a phase that was never reached (manual, 8.4), and absent."""
    number = count(attribute)

    def read(raw: bytes) -> Attributes:
        return {} if raw == b"-1" else number(raw)

    return read


_total_ms: Final = _timer("total_ms")
_duration: Final = count("event_duration")


def _total(raw: bytes) -> Attributes:
    fields = _total_ms(raw.removeprefix(b"+"))
    total = fields.get("total_ms")
    return fields | _duration(b"%d" % (total * MS_NS)) if isinstance(total, int) else fields


def _data(*timers: bytes) -> Attributes:
    """Give Td = Ta - (TR + Tw + Tc + Tr), when each phase was reached (manual, 8.4)."""
    request, queue, connect, response, total = map(int, timers)
    if min(request, queue, connect, response, total) < 0:
        return {}
    data = total - (request + queue + connect + response)
    return {"data_ms": data} if 0 <= data <= LONG_MAX else {}


def _partial(*marked: bytes) -> Attributes:
    return {"partial": True} if any(raw[:1] == b"+" for raw in marked) else {}


def address(side: str) -> Callable[[bytes], Attributes]:
    """Read the address of one end, `source` or `destination`; it is an `ip` too when it is one."""

    def read(raw: bytes) -> Attributes:
        found = raw.decode("ascii")
        if found == "-":
            return {}
        try:
            ipaddress.ip_address(found)
        except ValueError:
            return {f"{side}_address": found}
        return {f"{side}_address": found, f"{side}_ip": found}

    return read


_source_port: Final = count("source_port")


def _port(raw: bytes) -> Attributes:
    return {} if raw == b"-" else _source_port(raw)


def _frontend(raw: bytes) -> Attributes:
    return _name("frontend_name")(raw.removesuffix(b"~")) | {"tls_established": raw.endswith(b"~")}


def _name(attribute: str) -> Callable[[bytes], Attributes]:
    def read(raw: bytes) -> Attributes:
        return {} if raw == b"-" else {attribute: raw.decode("ascii")}

    return read


def _status(raw: bytes) -> Attributes:
    status = int(raw)
    return {"http_response_status": status} if status > 0 else {}


_bytes_read: Final = count("bytes_read")


def _bytes(raw: bytes) -> Attributes:
    return _bytes_read(raw.removeprefix(b"+"))


def _cookie(attribute: str) -> Callable[[bytes], Attributes]:
    def read(raw: bytes) -> Attributes:
        return {} if raw == b"-" else {attribute: text(raw)}

    return read


def _termination(raw: bytes) -> Attributes:
    state = raw.decode("ascii")
    fields: Attributes = {"termination_state": state}
    if state[0] in termination.BY:
        fields["termination_by"] = termination.BY[state[0]]
    if state[1] in termination.PHASE:
        fields["termination_phase"] = termination.PHASE[state[1]]
    return fields


def _outcome(status: bytes, state: bytes) -> Attributes:
    code = int(status)
    if code >= FAILURE_STATUS_MIN or chr(state[0]) in termination.ERRORS:
        return {"event_outcome": "failure"}
    return {"event_outcome": "success"} if code > 0 else {}


def _retries(raw: bytes) -> Attributes:
    fields = count("connections_retries")(raw.removeprefix(b"+"))
    return fields | {"redispatched": True} if raw[:1] == b"+" else fields


def _captures(request: bytes, response: bytes) -> Attributes:
    """Read `{v|v}` blocks: split first, decode after. One block alone may be of either side: a guess, and said."""
    fields: Attributes = {}
    if request:
        fields["request_captures"] = _values(request)
    if response:
        fields["response_captures"] = _values(response)
    elif request:
        fields["captures_ambiguous"] = True
    return fields


def _values(block: bytes) -> list[str]:
    return [text(unescape(value)) for value in block[1:-1].split(b"|")]


@dataclass(frozen=True, slots=True)
class Part:
    """What some aliases together give.

    ``read`` takes their bytes in this order, empty where a block is absent, and returns some of the attributes that
    ``gives`` names, or ``field_errors``.
    """

    aliases: tuple[str, ...]
    read: Callable[..., Attributes]
    gives: tuple[str, ...]
    few: bool = True
    """The distinct values are few enough to be remembered."""
    only: slice | None = None
    """All that ``read`` looks at in each value; None is everything."""


PARTS: Final = (
    Part(("ci",), address("source"), ("source_address", "source_ip")),
    Part(("cp",), _port, ("source_port",)),
    Part(("ft",), _frontend, ("frontend_name", "tls_established")),
    Part(("b",), _name("backend_name"), ("backend_name",)),
    Part(("s",), _name("server_name"), ("server_name",)),
    Part(("TR",), _timer("request_ms"), ("request_ms",)),
    Part(("Tw",), _timer("queue_ms"), ("queue_ms",)),
    Part(("Tc",), _timer("connect_ms"), ("connect_ms",)),
    Part(("Tr",), _timer("response_ms"), ("response_ms",)),
    Part(("Ta",), _total, ("total_ms", "event_duration")),
    Part(("TR", "Tw", "Tc", "Tr", "Ta"), _data, ("data_ms",), few=False),
    Part(("Ta", "B"), _partial, ("partial",), only=slice(1)),
    Part(("ST",), _status, ("http_response_status",)),
    Part(("ST", "tsc"), _outcome, ("event_outcome",)),
    Part(("B",), _bytes, ("bytes_read",)),
    Part(("CC",), _cookie("request_cookie"), ("request_cookie",)),
    Part(("CS",), _cookie("response_cookie"), ("response_cookie",)),
    Part(("tsc",), _termination, ("termination_state", "termination_by", "termination_phase")),
    Part(("ac",), count("connections_active"), ("connections_active",)),
    Part(("fc",), count("connections_frontend"), ("connections_frontend",)),
    Part(("bc",), count("connections_backend"), ("connections_backend",)),
    Part(("sc",), count("connections_server"), ("connections_server",)),
    Part(("rc",), _retries, ("connections_retries", "redispatched")),
    Part(("sq",), count("server_queue"), ("server_queue",)),
    Part(("bq",), count("backend_queue"), ("backend_queue",)),
    Part(("hr", "hs"), _captures, ("request_captures", "response_captures", "captures_ambiguous")),
    Part(("r",), read_request, (*REQUEST_ATTRIBUTES, "truncated")),
)
