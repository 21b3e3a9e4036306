"""What the values of HAProxy's log-format give to the record (manual, 8.2.6 and 8.4).

1. ``PARTS`` says which values together give which attributes. A part is of the formats that have all of its values.
2. Readers get bytes that match the grammar (``kinds``), and never raise: a number out of range gives ``field_errors``.
3. ``-`` and nothing at all are absent values, and give nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from shipper.haproxy import termination
from shipper.haproxy.record import LONG_MAX, PATHS, Attributes

if TYPE_CHECKING:
    from collections.abc import Callable

Reader: TypeAlias = "Callable[[bytes], Attributes]"

MS_NS: Final = 1_000_000
FAILURE_STATUS_MIN: Final = 400


def text(raw: bytes) -> str:
    """Decode as UTF-8, with U+FFFD for each maximal invalid subpart."""
    return raw.decode("utf-8", "replace")


ABSENT: Final = frozenset({b"", b"-", b'""'})
"""What HAProxy prints for a value that it does not have: with quotes around it, it is nothing."""


def count(attribute: str, base: int = 10) -> Reader:
    """Read a number; one that is negative or too large leaves its field absent and is named."""

    def read(raw: bytes) -> Attributes:
        if raw in ABSENT:
            return {}
        value = int(raw, base)
        return {attribute: value} if 0 <= value <= LONG_MAX else {"field_errors": [PATHS[attribute]]}

    return read


def _timer(attribute: str) -> Reader:
    """Read milliseconds; -1 is a phase that was never reached (manual, 8.4), and absent."""
    number = count(attribute)

    def read(raw: bytes) -> Attributes:
        return {} if raw == b"-1" else number(raw.removeprefix(b"+"))

    return read


_total_ms: Final = _timer("total_ms")
_duration: Final = count("event_duration")


def _total(raw: bytes) -> Attributes:
    fields = _total_ms(raw)
    total = fields.get("total_ms")
    return fields | _duration(b"%d" % (total * MS_NS)) if isinstance(total, int) else fields


def _data(*timers: bytes) -> Attributes:
    """Give Td, what is left of the last timer, the total, when each phase was reached and ended (manual, 8.4)."""
    if not ABSENT.isdisjoint(timers) or timers[-1].startswith(b"+"):
        return {}
    *phases, total = map(int, timers)
    if min(*phases, total) < 0:
        return {}
    data = total - sum(phases)
    return {"data_ms": data} if 0 <= data <= LONG_MAX else {}


def read_partial(*marked: bytes) -> Attributes:
    """Tell whether one of the values is a lower bound (`option logasap`)."""
    return {"partial": True} if any(raw[:1] == b"+" for raw in marked) else {}


def address(side: str, *, named: bool = True) -> Reader:
    """Read the address of one end, like `source`; it is an `ip` too when it is one. ``named``: as it stands, too."""

    def read(raw: bytes) -> Attributes:
        if raw in ABSENT:
            return {}
        found = raw.decode("ascii")
        fields: Attributes = {f"{side}_address": found} if named else {}
        try:
            ipaddress.ip_address(found)
        except ValueError:
            return fields
        return fields | {f"{side}_ip": found}

    return read


def _frontend(raw: bytes) -> Attributes:
    return word("frontend_name")(raw.removesuffix(b"~"))


def _established(raw: bytes) -> Attributes:
    return {"tls_established": raw.endswith(b"~")}


def _established_unless(raw: bytes, error: bytes) -> Attributes:
    """Read `%ft` where it is known whether the handshake came to its end."""
    return {"tls_established": raw.endswith(b"~") and (error in ABSENT or int(error) == 0)}


def _resumed(raw: bytes, version: bytes) -> Attributes:
    """Read whether a TLS session was resumed, of a connection that has TLS."""
    return {} if version in ABSENT else _flag("tls_resumed")(raw)


def _cipher(raw: bytes) -> Attributes:
    return {} if raw == b"(NONE)" else word("tls_cipher")(raw)


def _flag(attribute: str) -> Reader:
    return lambda raw: {} if raw in ABSENT else {attribute: raw == b"1"}


def word(attribute: str) -> Reader:
    """Read text as it stands."""
    return lambda raw: {} if raw in ABSENT else {attribute: text(raw)}


def _status(raw: bytes) -> Attributes:
    status = 0 if raw in ABSENT else int(raw)
    return {"http_response_status": status} if status > 0 else {}


_bytes_read: Final = count("bytes_read")


def _bytes(raw: bytes) -> Attributes:
    return _bytes_read(raw.removeprefix(b"+"))


def _termination(raw: bytes) -> Attributes:
    if raw in ABSENT:
        return {}
    state = raw.decode("ascii")
    fields: Attributes = {"termination_state": state}
    if state[0] in termination.BY:
        fields["termination_by"] = termination.BY[state[0]]
    if state[1] in termination.PHASE:
        fields["termination_phase"] = termination.PHASE[state[1]]
    return fields


def _outcome(status: bytes, state: bytes) -> Attributes:
    code = 0 if status in ABSENT else int(status)
    if code >= FAILURE_STATUS_MIN or state[:1].decode("ascii") in termination.ERRORS:
        return {"event_outcome": "failure"}
    return {"event_outcome": "success"} if code > 0 else {}


def _tcp_outcome(state: bytes) -> Attributes:
    return {"event_outcome": "failure" if state[:1].decode("ascii") in termination.ERRORS else "success"}


def _error_outcome(error: bytes) -> Attributes:
    """Tell how a connection ended that never became a request."""
    return {} if error in ABSENT else {"event_outcome": "success" if int(error) == 0 else "failure"}


def _retries(raw: bytes) -> Attributes:
    fields = count("connections_retries")(raw.removeprefix(b"+"))
    return fields | {"redispatched": True} if raw[:1] == b"+" else fields


def _tls_version(raw: bytes) -> Attributes:
    """Read `TLSv1.3` as ECS has it: the protocol `tls` and the version `1.3`."""
    match = _TLS_VERSION.fullmatch(raw)
    if match is None:
        return word("tls_version")(raw)
    return {"tls_version": match[2].decode("ascii"), "tls_version_protocol": match[1].decode("ascii").lower()}


@dataclass(frozen=True, slots=True)
class Part:
    """What some values together give.

    ``read`` takes their bytes in this order, empty where one is absent, and returns some of the attributes that
    ``gives`` names, or ``field_errors``.
    """

    aliases: tuple[str, ...]
    read: Callable[..., Attributes]
    gives: tuple[str, ...]
    few: bool = True
    """The distinct values are few enough to be remembered."""
    only: slice | None = None
    """All that ``read`` looks at in each value; None is everything."""
    beside: tuple[str, ...] = ()
    """Only where one of these is in the format as well."""
    without: tuple[str, ...] = ()
    """Only where none of these is."""
    apart: tuple[Part, ...] = ()
    """What is left of it on a line that was cut before all of its values were there."""


def _count_part(alias: str, attribute: str, base: int = 10) -> Part:
    return Part((alias,), count(attribute, base), (attribute,))


def _timer_part(alias: str, attribute: str, *, beside: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> Part:
    return Part((alias,), _timer(attribute), (attribute,), beside=beside, without=without)


_TOTAL: Final = ("total_ms", "event_duration")
_TERMINATION: Final = ("termination_state", "termination_by", "termination_phase")
_TLS_VERSION: Final = re.compile(rb"(TLS|SSL)v([0-9.]+)")

PARTS: Final = (
    Part(("ci",), address("source"), ("source_address", "source_ip")),
    _count_part("cp", "source_port"),
    Part(("fi",), address("destination"), ("destination_address", "destination_ip")),
    _count_part("fp", "destination_port"),
    Part(("bi",), address("source_nat", named=False), ("source_nat_ip",)),
    _count_part("bp", "source_nat_port"),
    Part(("si",), address("server"), ("server_address", "server_ip")),
    _count_part("sp", "server_port"),
    Part(("ft",), _frontend, ("frontend_name",)),
    Part(("ft",), _established, ("tls_established",), without=("fc_err",)),
    Part(("ft", "fc_err"), _established_unless, ("tls_established",)),
    Part(("f",), word("frontend_name"), ("frontend_name",), without=("ft",)),
    Part(("ssl_fc",), _flag("tls_established"), ("tls_established",), without=("ft",)),
    Part(("b",), word("backend_name"), ("backend_name",)),
    Part(("s",), word("server_name"), ("server_name",)),
    _timer_part("TR", "request_ms"),
    _timer_part("Tq", "request_ms", without=("TR",)),
    _timer_part("Tw", "queue_ms"),
    _timer_part("Tc", "connect_ms"),
    _timer_part("Tr", "response_ms"),
    _timer_part("Th", "handshake_ms"),
    _timer_part("Ti", "idle_ms"),
    Part(("Ta",), _total, _TOTAL),
    Part(("Tt",), _total, _TOTAL, without=("Ta",)),
    Part(("Tu",), _total, _TOTAL, without=("Ta", "Tt")),
    _timer_part("Tt", "session_ms", beside=("Ta",)),
    _timer_part("Tu", "user_ms", beside=("Ta", "Tt")),
    _timer_part("Td", "data_ms"),
    Part(("TR", "Tw", "Tc", "Tr", "Ta"), _data, ("data_ms",), few=False, without=("Td",)),
    Part(("Tq", "Tw", "Tc", "Tr", "Tt"), _data, ("data_ms",), few=False, without=("Td", "Ta")),
    Part(("Th", "Tw", "Tc", "Tt"), _data, ("data_ms",), few=False, without=("Td", "Tq", "TR", "Tr", "Ta")),
    Part(("ST",), _status, ("http_response_status",)),
    Part(("ST", "tsc"), _outcome, ("event_outcome",)),
    Part(("ST", "ts"), _outcome, ("event_outcome",), without=("tsc",)),
    Part(("ST",), lambda status: _outcome(status, b"-"), ("event_outcome",), without=("ts", "tsc")),
    Part(("tsc",), _tcp_outcome, ("event_outcome",), without=("ST",)),
    Part(("ts",), _tcp_outcome, ("event_outcome",), without=("ST", "tsc")),
    Part(("fc_err",), _error_outcome, ("event_outcome",), without=("ST", "tsc", "ts")),
    Part(("B",), _bytes, ("bytes_read",)),
    _count_part("U", "bytes_uploaded"),
    Part(("CC",), word("request_cookie"), ("request_cookie",)),
    Part(("CS",), word("response_cookie"), ("response_cookie",)),
    Part(("tsc",), _termination, _TERMINATION),
    Part(("ts",), _termination, _TERMINATION, without=("tsc",)),
    _count_part("ac", "connections_active"),
    _count_part("fc", "connections_frontend"),
    _count_part("bc", "connections_backend"),
    _count_part("sc", "connections_server"),
    Part(("rc",), _retries, ("connections_retries", "redispatched")),
    _count_part("sq", "server_queue"),
    _count_part("bq", "backend_queue"),
    _count_part("fc_err", "fc_err"),
    _count_part("ssl_fc_err", "ssl_fc_err", 16),
    _count_part("ssl_c_err", "ssl_c_err"),
    _count_part("ssl_c_ca_err", "ssl_c_ca_err"),
    Part(("ssl_fc_is_resumed",), _flag("tls_resumed"), ("tls_resumed",), without=("sslv",)),
    Part(("ssl_fc_is_resumed", "sslv"), _resumed, ("tls_resumed",)),
    Part(("ssl_fc_sni",), word("tls_client_server_name"), ("tls_client_server_name",)),
    Part(("sslv",), _tls_version, ("tls_version", "tls_version_protocol")),
    Part(("sslc",), _cipher, ("tls_cipher",)),
    Part(("H",), word("observer_hostname"), ("observer_hostname",)),
    Part(("ID",), word("http_request_id"), ("http_request_id",), few=False),
    Part(("OG",), word("log_step"), ("log_step",)),
    _count_part("pid", "haproxy_pid"),
    Part(("rt",), count("request_counter"), ("request_counter",), few=False),
    Part(("lc",), count("log_counter"), ("log_counter",), few=False),
)
"""What is not here hangs on more than the alias, and is put together for each format (``formats``)."""
