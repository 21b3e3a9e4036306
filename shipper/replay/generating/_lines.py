"""Requests and events as lines: printed by the format's own plan, behind one of the headers that HAProxy writes."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from shipper.errors import Permanent
from shipper.haproxy.formats import compile_format
from shipper.haproxy.kinds import BLOCK, LIST, QUOTED_BLOCK
from shipper.haproxy.steps import Decode, Field, Literal
from shipper.haproxy.structured import StructuredPlan
from shipper.haproxy.timestamps import MONTH_NAMES, SECOND_US, format_haproxy_second, format_timestamp, zone_wall
from shipper.replay.generating._request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.haproxy.formats import Format
    from shipper.haproxy.plan import Plan
    from shipper.replay.generating._timeline import Event

    Column = Callable[[Request], bytes]

HEADERS: Final = ("local", "rfc3164", "rfc5424", "timed", "raw")
"""The headers that lines can have, as HAProxy's `format` calls them."""
HOST: Final = b"lb-1"
TRAFFIC_PRIORITY: Final = 134
_MS_US: Final = 1_000


class Printer:
    """Prints lines of one format behind one kind of header, dates in the wall time of ``zone``.

    Raises Permanent for a format with values of which nothing is known.
    """

    def __init__(self, known: Format, header: str, zone: str, *, captures: bool = True) -> None:
        self._zone = zone
        self._header = {
            "local": self._local,
            "rfc3164": self._rfc3164,
            "rfc5424": self._rfc5424,
            "timed": self._timed,
            "raw": lambda *_: b"",
        }[header]
        self._second = -1
        self._date = b""
        self._columns = self._make_columns(captures=captures)
        plan = compile_format(known).plan
        self._tcp = plan.mode == "tcp"
        if isinstance(plan, StructuredPlan):
            self._print = self._named(plan)
        else:
            self._print = self._joined(plan)

    def line(self, what: Request | Event) -> bytes:
        """Print a line, without its line end."""
        if isinstance(what, Request):
            return self._header(what.end_us, TRAFFIC_PRIORITY, what.pid) + self._print(what)
        message = what.message
        if what.began_us is not None:
            message = message.replace(b"%b", self._moment(what.began_us))
        return self._header(what.end_us, what.priority, what.pid) + message

    # -- headers -------------------------------------------------------------------------------------------------

    def _syslog_date(self, us: int) -> bytes:
        if us // SECOND_US != self._second:
            self._second = us // SECOND_US
            wall = format_timestamp(zone_wall(self._zone, us)).encode("ascii")
            self._date = b"%b %2d %b" % (MONTH_NAMES[int(wall[5:7])], int(wall[8:10]), wall[11:19])
        return self._date

    def _local(self, us: int, priority: int, pid: int) -> bytes:
        return b"<%d>%b haproxy[%d]: " % (priority, self._syslog_date(us), pid)

    def _rfc3164(self, us: int, priority: int, pid: int) -> bytes:
        return b"<%d>%b %b haproxy[%d]: " % (priority, self._syslog_date(us), HOST, pid)

    def _rfc5424(self, us: int, priority: int, pid: int) -> bytes:
        return b"<%d>1 %b %b haproxy %d - - " % (priority, self._iso(us), HOST, pid)

    def _timed(self, us: int, priority: int, _pid: int) -> bytes:
        return b"<%d>%b " % (priority & 7, self._iso(us))

    def _iso(self, us: int) -> bytes:
        wall_us = zone_wall(self._zone, us)
        return format_timestamp(wall_us)[:-1].encode("ascii") + self._offset(us, b":")

    # -- values --------------------------------------------------------------------------------------------------

    def _offset(self, us: int, colon: bytes = b"") -> bytes:
        minutes = (zone_wall(self._zone, us) - us) // (60 * SECOND_US)
        sign = b"-" if minutes < 0 else b"+"
        return b"%b%02d%b%02d" % (sign, abs(minutes) // 60, colon, abs(minutes) % 60)

    def _moment(self, us: int) -> bytes:
        wall_us = zone_wall(self._zone, us)
        return b"%b.%03d" % (format_haproxy_second(wall_us // SECOND_US), wall_us % SECOND_US // _MS_US)

    def _make_columns(self, *, captures: bool) -> dict[str, Column]:
        """Give what prints each alias."""
        local: dict[str, Column] = {
            **dict.fromkeys(("tr", "t"), lambda r: self._moment(r.start_us)),
            **dict.fromkeys(("trg", "T"), lambda r: format_haproxy_second(r.start_us // SECOND_US) + b" +0000"),
            **dict.fromkeys(
                ("trl", "Tl"),
                lambda r: b"%b %b" % (
                    format_haproxy_second(zone_wall(self._zone, r.start_us) // SECOND_US), self._offset(r.start_us)
                ),
            ),
            "ts": lambda r: _tcp_state(r.state) if self._tcp else r.state[:2],
            "hr": lambda r: b"%b|%b" % (r.frontend.host, r.agent) if captures and r.method else b"",
            "hs": lambda r: r.content if captures and r.method else b"",
        }  # fmt: skip
        return _COLUMNS | local

    def _column(self, field: Field) -> Column:
        alias = field.alias
        printed = self._columns.get({"hrl": "hr", "hsl": "hs"}.get(alias, alias))
        if printed is None:
            raise Permanent(f"shipper generate knows nothing to print for {field.printed}")
        pattern = field.kind.pattern
        if field.decode is Decode.HEX:
            return lambda r: b"%X" % int(printed(r)) if printed(r).isdigit() else b"-"
        if field.decode is Decode.HEX_ADDRESS:
            return lambda r: ipaddress.ip_address(printed(r).decode("ascii")).packed.hex().upper().encode("ascii")
        if pattern in {BLOCK.pattern, QUOTED_BLOCK.pattern}:
            around = b'"{%b}"' if pattern == QUOTED_BLOCK.pattern else b"{%b}"
            return lambda r: around % value if (value := printed(r)) else b""
        if pattern == LIST.pattern:
            return lambda r: b" ".join(b'"%b"' % item for item in printed(r).split(b"|")) if printed(r) else b""
        if alias in {"hrl", "hsl"}:
            return lambda r: printed(r).replace(b" ", b"_").replace(b"|", b" ")
        return printed

    def _joined(self, plan: Plan) -> Column:
        """Give what prints a request step by step; behind an absent block there is no second blank."""
        parts: list[tuple[bytes, Column]] = []
        before = b""
        for step in plan.steps:
            if isinstance(step, Field):
                column = self._column(step)
                parts.append((before, _in_quotes(column) if before.endswith(b'"') else column))
                before = b""
            elif isinstance(step, Literal):
                before += step.text
            else:
                before += b" "
        if _BLOCKS.isdisjoint(plan.aliases):
            return lambda request: b"".join([text + column(request) for text, column in parts]) + before

        def printed(request: Request) -> bytes:
            made = b""
            for text, column in parts:
                made += (text[1:] if made.endswith(b" ") and text.startswith(b" ") else text) + column(request)
            return made + before

        return printed

    def _named(self, plan: StructuredPlan) -> Column:
        if plan.encoding != "json":
            raise Permanent("shipper generate writes no CBOR")
        columns = [(b'"%b": ' % field.name.encode("ascii"), field, self._column(field)) for field in plan.fields]

        def printed(request: Request) -> bytes:
            return b"{" + b", ".join([name + _json(field, column(request)) for name, field, column in columns]) + b"}"

        return printed


def _in_quotes(column: Column) -> Column:
    """Print nothing between quotes for what is not there."""
    return lambda request: b"" if (value := column(request)) == b"-" else value


def _json(field: Field, value: bytes) -> bytes:
    if field.alias in {"hrl", "hsl"}:
        return b"[" + b", ".join(item for item in (value.replace(b'" "', b'"\n"').split(b"\n")) if item) + b"]"
    if value in {b"-", b""}:
        return b"null"
    digits = value.removeprefix(b"-")
    number = digits.isdigit() and (digits == b"0" or not digits.startswith(b"0"))
    return value if number else b'"%b"' % value


_BLOCKS: Final = frozenset({"hr", "hs", "hrl", "hsl"})
_TCP_PHASES: Final = {ord("H"): ord("D"), ord("R"): ord("C"), ord("L"): ord("D"), ord("Q"): ord("C")}


def _tcp_state(state: bytes) -> bytes:
    """Give how a connection ends where a request ended so: there are no headers in TCP."""
    return bytes([state[0], _TCP_PHASES.get(state[1], state[1])])


def _server(request: Request) -> bytes:
    return request.server.name if request.server else b"<NOSRV>"


def _backend(request: Request) -> bytes:
    return request.backend.name if request.backend else request.frontend.name


def _request(request: Request) -> bytes:
    return b"%b %b %b" % (request.method, request.uri, _version(request)) if request.method else b"<BADREQ>"


def _version(request: Request) -> bytes:
    return b"HTTP/2.0" if request.tls == b"TLSv1.3" else b"HTTP/1.1"


def _wait(number: int) -> Column:
    return lambda r: b"%d" % r.waits[number]


def _session(number: int) -> Column:
    return lambda r: b"%d" % r.sessions[number]


def _where_tls(value: Column) -> Column:
    return lambda r: value(r) if r.tls else b"-"


_COLUMNS: Final[dict[str, Column]] = {
    "ci": lambda r: r.client,
    "cp": lambda r: b"%d" % r.port,
    "fi": lambda _: b"192.0.2.80",
    "fp": lambda r: r.frontend.port,
    "bi": lambda _: b"10.255.0.2",
    "bp": lambda r: b"%d" % (65_535 - r.port // 2),
    "si": lambda r: b"10.255.1.%d" % (sum(r.server.name) % 250) if r.server else b"-",
    "sp": lambda r: b"8080" if r.server else b"-",
    "f": lambda r: r.frontend.name,
    "ft": lambda r: r.frontend.name + b"~" if r.tls else r.frontend.name,
    "b": _backend,
    "s": _server,
    "TR": _wait(0),
    "Tq": _wait(0),
    "Tw": _wait(1),
    "Tc": _wait(2),
    "Tr": _wait(3),
    "Th": lambda r: b"2" if r.tls else b"0",
    "Ti": lambda r: b"%d" % (r.number % 900),
    "Td": lambda r: b"%d" % (r.total - sum(r.waits)) if min(r.waits) >= 0 else b"-1",
    **dict.fromkeys(("Ta", "Tt", "Tu"), lambda r: b"%d" % r.total),
    "ST": lambda r: r.status,
    "B": lambda r: b"%d" % r.size,
    "U": lambda r: b"%d" % (len(r.uri) + 410),
    "CC": lambda r: r.cookie,
    "CS": lambda _: b"-",
    "tsc": lambda r: r.state,
    "ac": _session(0),
    "fc": _session(1),
    "bc": _session(2),
    "sc": _session(3),
    "rc": lambda r: r.retries,
    "sq": lambda r: b"%d" % r.queues[0],
    "bq": lambda r: b"%d" % r.queues[1],
    "r": _request,
    "HM": lambda r: r.method or b"<BADREQ>",
    "HU": lambda r: r.uri or b"<BADREQ>",
    **dict.fromkeys(("HP", "HPO"), lambda r: r.uri.partition(b"?")[0] or b"<BADREQ>"),
    "HQ": lambda r: b"".join(r.uri.partition(b"?")[1:]),
    "HV": lambda r: _version(r) if r.method else b"<BADREQ>",
    "H": lambda _: HOST,
    "ID": lambda r: b"%08X-%08X" % (r.start_us % 2**32, r.number % 2**32),
    "pid": lambda r: b"%d" % r.pid,
    **dict.fromkeys(("rt", "lc"), lambda r: b"%d" % r.number),
    "ms": lambda r: b"%03d" % (r.start_us % SECOND_US // _MS_US),
    **dict.fromkeys(("Ts", "request_date_s", "accept_date_s"), lambda r: b"%d" % (r.start_us // SECOND_US)),
    **dict.fromkeys(("request_date_ms", "accept_date_ms"), lambda r: b"%d" % (r.start_us // _MS_US)),
    **dict.fromkeys(("request_date_us", "accept_date_us"), lambda r: b"%d" % r.start_us),
    "OG": lambda _: b"close",
    "fc_err": lambda _: b"0",
    "ssl_fc": lambda r: b"1" if r.tls else b"0",
    "ssl_fc_err": _where_tls(lambda _: b"0000000000000000"),
    **dict.fromkeys(("ssl_c_err", "ssl_c_ca_err"), _where_tls(lambda _: b"0")),
    "ssl_fc_is_resumed": _where_tls(lambda r: b"1" if r.port % 3 == 0 else b"0"),
    "ssl_fc_sni": _where_tls(lambda r: r.frontend.host),
    "sslv": _where_tls(lambda r: r.tls),
    "sslc": _where_tls(lambda r: r.cipher),
}
"""What prints the aliases that do not hang on zone, mode and captures."""
