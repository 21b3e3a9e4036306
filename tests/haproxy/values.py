"""Random values of HAProxy's aliases and samples, by the grammar of what each really is, and random log formats."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.haproxy import lines
from tests.haproxy.printing import Part, Value, parts_of, printed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    Values = SearchStrategy[Value]

counts = st.one_of(st.integers(0, 9), st.integers(0, 2**31 - 1))
numbers: Values = counts
timers: Values = st.one_of(counts, st.just(-1))
marked: Values = st.one_of(counts, counts.map(lambda n: b"+%d" % n))
addresses = st.one_of(st.ip_addresses(v=4), st.sampled_from(["::1", "2001:db8::1", "::"]), st.ip_addresses(v=6)).map(
    lambda a: str(a).encode()
)
ports = st.integers(0, 65535)
words = st.builds(str.__add__, st.sampled_from("abXZ"), st.text("abcXYZ019._:-", max_size=7)).map(str.encode)
dates = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(  # noqa: DTZ001 -- a wall time
    lambda d: f"{d:%d}/{lines.MONTHS[d.month]}/{d:%Y:%H:%M:%S}.{d.microsecond // 1000:03}".encode()
)
offset_dates = st.builds(
    lambda d, o: d[:20] + b" " + o, dates, st.sampled_from([b"+0000", b"-0500", b"+0545", b"+1400"])
)
hostile = st.one_of(lines.raw_text, st.binary(max_size=20), st.just(b'" "\\]')).map(
    lambda t: t.replace(b"\n", b" ").strip(b" ")
)
cookies: Values = st.one_of(st.none(), words.map(lambda w: b"S=" + w))
hostile_cookies: Values = st.one_of(st.none(), hostile.map(lambda t: b"S=" + t))
paths = st.text('/ab"#{}|]\\é', max_size=10).map(lambda t: b"/" + t.encode())
queries: Values = st.one_of(st.none(), st.text('ab?&="#{|é', max_size=8).map(lambda t: b"?" + t.encode()))
bad = st.just(b"<BADREQ>")
methods = st.sampled_from([b"GET", b"POST"])
urls = st.one_of(paths, paths.map(lambda path: b"https://a.example:8080" + path), st.just(b"*"))
versions = st.sampled_from([b"HTTP/1.1", b"HTTP/2.0"])
requests: Values = st.one_of(bad, st.builds(lambda *words: b" ".join(words), methods, urls, versions))
captures: Values = st.one_of(
    st.none(), st.lists(st.text('a b"#{|}]\\é', max_size=6).map(str.encode), min_size=1, max_size=3)
)
tokens: Values = st.one_of(st.none(), words)

OF_ALIAS: dict[str, Values] = {
    **dict.fromkeys(("ci", "fi"), st.one_of(addresses, st.just(b"unix"))),
    **dict.fromkeys(("bi", "si"), st.one_of(st.none(), addresses)),
    **dict.fromkeys(("cp", "fp"), ports),
    **dict.fromkeys(("bp", "sp"), st.one_of(st.none(), ports)),
    **dict.fromkeys(("t", "tr"), dates),
    **dict.fromkeys(("T", "Tl", "trg", "trl"), offset_dates),
    "Ts": st.integers(10**8, 2**31),
    "ms": st.integers(0, 999),
    **dict.fromkeys(("f", "b", "H"), words),
    "ft": st.builds(bytes.__add__, words, st.sampled_from([b"", b"~"])),
    "s": st.one_of(words, st.just(b"<NOSRV>")),
    **dict.fromkeys(("TR", "Tw", "Tc", "Tr", "Td", "Tq"), timers),
    **dict.fromkeys(("Th", "Ti", "U", "ac", "fc", "bc", "sc", "sq", "bq", "pid", "rt", "lc"), numbers),
    **dict.fromkeys(("Ta", "Tt", "Tu", "B", "rc"), marked),
    "ST": st.sampled_from([200, 404, 503, -1, 0]),
    **dict.fromkeys(("CC", "CS"), cookies),
    "tsc": st.sampled_from([b"----", b"--NI", b"CD--", b"LR--", b"SHVN"]),
    "ts": st.sampled_from([b"--", b"CD", b"sQ"]),
    **dict.fromkeys(("hr", "hs", "hrl", "hsl"), captures),
    "r": requests,
    "HM": methods | bad,
    "HU": urls | bad,
    "HP": urls.filter(lambda url: b"?" not in url) | bad,
    "HPO": st.one_of(st.none(), paths),
    "HQ": queries,
    "HV": versions | bad,
    "ID": tokens,
    "OG": st.sampled_from([b"accept", b"request", b"close"]),
    "sslv": st.sampled_from([None, b"TLSv1.3"]),
    "sslc": st.sampled_from([None, b"(NONE)", b"TLS_AES_256_GCM_SHA384"]),
}
OF_SAMPLE: dict[str, Values] = {
    "src": addresses,
    "dst_port": ports,
    "fc_err": st.sampled_from([0, 34]),
    "ssl_fc_err,hex": st.sampled_from([None, b"0000000000000000", b"000000000A00009C"]),
    "ssl_c_err": st.one_of(st.none(), counts),
    "ssl_c_ca_err": st.one_of(st.none(), counts),
    "ssl_fc_is_resumed": st.sampled_from([0, 1]),
    "ssl_fc": st.sampled_from([0, 1]),
    "ssl_fc_sni": tokens,
    "unique-id": tokens,
    "accept_date": st.integers(10**9, 2 * 10**9),
    "request_date(us)": st.integers(10**15, 2 * 10**15),
    "accept_date(ms)": st.integers(10**12, 2 * 10**12),
    "rand,hex": st.integers(0, 2**63).map(lambda n: b"%016X" % n),
    **dict.fromkeys(("var(txn.a)", "var(txn.b)"), tokens),
    "capture.req.hdr(0)": tokens,
    "str(a),length": counts,
    "txn.timer.user": counts,
}
HOSTILE: dict[str, Values] = {
    **dict.fromkeys(("CC", "CS"), hostile_cookies),
    **dict.fromkeys(
        ("ssl_fc_sni", "var(txn.a)", "var(txn.b)", "capture.req.hdr(0)"), st.one_of(st.none(), hostile.filter(len))
    ),
}
"""What is logged as it came, whatever that is."""


def values_for(part: Part, *, raw: bool = False) -> Values:
    """Give the values that a part of a format may have; ``raw``: anything, where anything can come."""
    if raw and part.alias in HOSTILE:
        return HOSTILE[part.alias]
    strategy = OF_SAMPLE[part.alias] if part.sample else OF_ALIAS[part.alias]
    return strategy.filter(lambda value: value != b"unix") if "X" in part.flags else strategy


def all_values(parts: Sequence[Part], *, raw: bool = False) -> SearchStrategy[tuple[Value, ...]]:
    """Give values for the parts of a format, in their order."""
    return st.tuples(*(values_for(part, raw=raw) for part in parts if part.alias))


def lines_of(text: str, *, raw: bool = False) -> SearchStrategy[bytes]:
    """Give random lines of a log format."""
    parts = parts_of(text)
    return all_values(parts, raw=raw).map(lambda found: printed(parts, found)[0])


# -- random log formats ----------------------------------------------------------------------------------------------

_FLAGS = ["", "", "", "", "{+Q}", "{+X}", "{+Q,+E}", "{+E}", "{-M}", "{-Q}", "{+Q,+X}"]
_SEPARATORS = [
    " ",
    " ",
    " ",
    " ",
    "  ",
    " - ",
    "/",
    ":",
    " [",
    "] ",
    ", ",
    "|",
    " x=",
    ";",
    "\t",
    " é ",
    " %% ",
    "",
    '"',
    ' "',
]
_values = st.one_of(
    st.sampled_from(sorted(OF_ALIAS)),
    st.sampled_from([f"[{sample}]" for sample in OF_SAMPLE]),
)
_fields = st.builds(
    lambda name, flags, value: f"%{name}{flags}{value}",
    st.sampled_from(["", "", "", "(a)", "(b-c_1)"]),
    st.sampled_from(_FLAGS),
    _values,
)
_switches = st.sampled_from(["", "", "", "%{+Q}o ", "%{+Q,+E}o ", "%{-Q}o ", "%o ", "%{+X}o "])
log_formats = st.builds(
    lambda start, parts, end: start + "".join(switch + field + between for switch, field, between in parts) + end,
    st.sampled_from(["", "", " ", "x ", "%{+Q}o ", "%{+E}o "]),
    st.lists(st.tuples(_switches, _fields, st.sampled_from(_SEPARATORS)), min_size=1, max_size=7),
    st.sampled_from(["", "", " ", "."]),
)
"""Strings of all there is; many of them cannot be read unambiguously."""
