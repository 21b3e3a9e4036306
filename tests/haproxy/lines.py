"""Lines as HAProxy prints them, from values; and random ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.understand import Context, understand

RECEIVED_US = 1_795_222_930_000_000
"""2026-11-21T01:02:10Z."""
HEADERS = {
    "local": b"<134>Nov 21 01:02:03 haproxy[4711]: ",
    "rfc3164": b"<134>Nov 21 01:02:03 lb-1 haproxy[4711]: ",
    "rfc5424": b"<134>1 2026-11-21T01:02:03.456789+00:00 lb-1 haproxy 4711 - - ",
    "raw": b"",
    "structured": b'<129>1 2026-11-21T02:02:03.456789+01:00 - haproxy - 7 [x@1 a="]\\""][y b="c"] ',
    "ipv6 host": b"<131>Nov  1 01:02:03 fe80::1 h[1]: ",
}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


@dataclass(frozen=True)
class Values:
    """The values of one httplog line, as they are printed; ``hr`` and ``hs`` in braces, or None."""

    ci: bytes = b"10.0.0.1"
    cp: bytes = b"4711"
    tr: bytes = b"21/Nov/2026:01:02:03.004"
    ft: bytes = b"www"
    b: bytes = b"shop"
    s: bytes = b"shop1"
    timers: tuple[bytes, bytes, bytes, bytes, bytes] = (b"1", b"2", b"3", b"4", b"15")
    status: bytes = b"200"
    size: bytes = b"1234"
    cc: bytes = b"-"
    cs: bytes = b"-"
    tsc: bytes = b"--NI"
    connections: tuple[bytes, bytes, bytes, bytes, bytes] = (b"5", b"4", b"3", b"2", b"1")
    queues: tuple[bytes, bytes] = (b"6", b"7")
    hr: bytes | None = None
    hs: bytes | None = None
    r: bytes = b"GET /item/17?x=1 HTTP/1.1"

    def line(self) -> bytes:
        """Print the line."""
        blocks = b"".join(block + b" " for block in (self.hr, self.hs) if block is not None)
        words = [
            self.ci + b":" + self.cp,
            b"[" + self.tr + b"]",
            self.ft,
            self.b + b"/" + self.s,
            b"/".join(self.timers),
            self.status,
            self.size,
            self.cc,
            self.cs,
            self.tsc,
            b"/".join(self.connections),
            b"/".join(self.queues),
            blocks + b'"' + self.r + b'"',
        ]
        return b" ".join(words)


def interpreted(
    raw: bytes,
    *,
    zone: str = "UTC",
    received_us: int | None = RECEIVED_US,
    cut: bool = False,
    interpretation: Interpretation | None = None,
) -> dict[str, Any]:
    """Give the document of a line by the record, its paths flat."""
    context = Context(zone, received_us or RECEIVED_US, received_us, "192.0.2.1", cut=cut)
    return flat(understand(raw, context, interpretation or Interpretation()).record.document())


def flat(document: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Give the fields of a document by their dotted names."""
    fields: dict[str, Any] = {}
    for key, value in document.items():
        fields |= flat(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return fields


# -- random ones -----------------------------------------------------------------------------------------------------

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

digits = st.one_of(
    st.integers(0, 100_000), st.sampled_from([0, 2**31, 2**63 - 1, 2**63, 10**20 - 1, 9_223_372_036_855])
).map(lambda n: b"%d" % n)
numbers = st.one_of(digits, st.just(b"-1"), st.just(b"-17"))
marked = st.one_of(numbers, digits.map(lambda n: b"+" + n))
names = st.from_regex(rb"[A-Za-z0-9._:-]{1,12}", fullmatch=True)
servers = st.one_of(names, st.sampled_from([b"<NOSRV>", b"<STATS>", b"<LUA_TCP>"]))
frontends = st.builds(bytes.__add__, names, st.sampled_from([b"", b"~"]))
addresses = st.one_of(
    st.ip_addresses().map(lambda a: str(a).encode()),
    st.sampled_from([b"unix", b"unknown", b"-", b"::ffff:10.0.0.1", b"::", b"010.1.1.1", b"1.2.3", b"dead.beef"]),
)
ports = st.one_of(digits, st.just(b"-"))
dates = st.one_of(
    st.datetimes().map(
        lambda d: (f"{d:%d}/{MONTHS[d.month]}/{d.year:04}:{d:%H:%M:%S}.{d.microsecond // 1000:03}").encode()
    ),
    st.from_regex(
        rb"[0-9]{2}/(Nov|Oct|Mar|Xyz)/(2026|0000|9999):[0-9]{2}:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}", fullmatch=True
    ),
)
raw_text = st.one_of(
    st.binary(max_size=30),
    st.from_regex(rb'[a-z "{}|#=-]{0,20}', fullmatch=True),
    st.just(b'x - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'),
)
cookies = st.one_of(st.just(b"-"), st.just(b"S=1"), raw_text.map(lambda t: b"S=" + t))
escaped = st.lists(
    st.one_of(st.sampled_from([b"#22", b"#C3#A9", b"#FF", b"#00", b"a", b" ", b"\xc3", b"#zz"]), st.just(b"word"))
).map(b"".join)
blocks = st.one_of(st.none(), st.lists(escaped, min_size=1, max_size=4).map(lambda v: b"{" + b"|".join(v) + b"}"))
requests = st.one_of(
    st.sampled_from(
        [
            b"<BADREQ>",
            b"",
            b"GET /",
            b"OPTIONS * HTTP/1.1",
            b"CONNECT example.com:443 HTTP/1.1",
            b"GET http://[::1]:8080/a?b HTTP/2.0",
            b"GET /x HTTP/1",
            b"GET /x HTTP/2.",
            b"GET  HTTP/1.1",
            b"GET /{a}|b HTTP/1.1",
            b"GET https://user@h:99999/p/0123456789abcdef?q?r HTTP/1.1",
        ]
    ),
    st.builds(lambda m, u: m + b" /" + u + b" HTTP/1.1", st.sampled_from([b"GET", b"POST", b"B\xff"]), escaped),
    st.from_regex(rb'[^"]{0,40}', fullmatch=True),
)
states = st.from_regex(rb"[A-Za-z-]{2}[A-Za-z0-9-]{2}", fullmatch=True)
values = st.builds(
    Values,
    ci=addresses,
    cp=ports,
    tr=dates,
    ft=frontends,
    b=names,
    s=servers,
    timers=st.tuples(numbers, numbers, numbers, numbers, marked),
    status=st.sampled_from([b"200", b"404", b"-1", b"0", b"503", b"100", b"999"]),
    size=marked,
    cc=cookies,
    cs=cookies,
    tsc=states,
    connections=st.tuples(numbers, numbers, numbers, numbers, marked),
    queues=st.tuples(numbers, numbers),
    hr=blocks,
    hs=blocks,
    r=requests,
)
headers = st.sampled_from(sorted(HEADERS.values()))
zones = st.sampled_from(ZONES)
