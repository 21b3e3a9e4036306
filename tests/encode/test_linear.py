"""Time is linear in a line's length, whatever stands in it: four times the bytes, about four times the work."""

from __future__ import annotations

import time

import pytest

from shipper.config import Interpretation
from shipper.haproxy.formats import Format
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import RECEIVED_US, Values

HEAD = Values().line().split(b" - -")[0]
TAIL = b' - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'
CLF = (
    b'10.0.0.1 - - [21/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 1 "" "" 1 004 "www" "b" "s" 1 2 3 4 5 ----'
    b" 1 1 1 1 1 0 0 "
)
SHORT, LONG = 16_000, 64_000
GROWTH_MAX = 7
"""Four, and room for a machine that has other things to do."""
TRIES = 5
"""What takes sixteen times as long fails them all; other things to do pass."""

REPEATED = {
    "blanks": b" ",
    "forged tails": TAIL,
    "half tails": b" ---- 1/1/0/0/0 0/0 {",
    "half requests": b' ---- 1/1/0/0/0 0/0 "',
    "colons": b":",
    "hex": b"a1",
    "braces": b"{}",
    "open braces": b" {",
    "quotes": b'"',
    "quoted": b' "',
    "escapes": b"#2F",
    "slashes": b"/",
    "words": b"a ",
    "cookies": b"a=b ",
    "dashes": b" -",
    "digits": b"1",
    "brackets": b"[a] ",
    "backslashes": b"\\",
    "escaped quotes": b'\\"',
    "open data": b'[a b="',
    "at signs": b"@:",
    "bytes": b"\xff",
}
SHAPES = {
    "alone": (b"", b""),
    "in structured data": (b"<134>1 2026-11-21T01:02:03Z h a 1 - [", b""),
    "in a quoted value of structured data": (b'<134>1 2026-11-21T01:02:03Z h a 1 - [x a="', b""),
    "behind a date": (b"<134>Nov 21 01:02:03 ", b""),
    "in a cookie": (HEAD + b" S=", TAIL),
    "in a cookie of a cut line": (HEAD + b" S=", b""),
    "after a cookie": (HEAD + b" S=a b=c ", b""),
    "in captures": (HEAD + b" - - ---- 1/1/0/0/0 0/0 {", b'} "GET / HTTP/1.1"'),
    "in a request": (HEAD + b' - - ---- 1/1/0/0/0 0/0 "GET ', b' HTTP/1.1"'),
    "in a URL": (HEAD + b' - - ---- 1/1/0/0/0 0/0 "GET http://', b' HTTP/1.1"'),
    "in a cookie of CLF": (CLF + b'"S=', b'" ""'),
    "in the lists of CLF": (CLF + b'"S=" "" "', b'"'),
    "in a server name": (Values().line() + b" 0/-/-/-/0 ", b"/TLSv1.3/X"),
    "in a server name of a failed handshake": (b"::1:1 [21/Nov/2026:01:02:03.004] tls~ 1/1 34/-/-/-/0 ", b"/-/-"),
    "in JSON": (b'{"client_ip": "', b'"}'),
    "behind a member of JSON": (b'{"client_ip": "::", ', b"}"),
    "in CBOR": (b"BF61617F", b"FFFF"),
    "in a request of a cut line": (HEAD + b' - - ---- 1/1/0/0/0 0/0 "', b""),
}


CONFIGURED: dict[str, tuple[str, list[tuple[bytes, bytes]]]] = {
    "raw": (
        "%[var(txn.a)] %ci %[var(txn.b)] %hr %hs %ST %[var(txn.c)] %B",
        [(b"", b" 1"), (b"a 10.0.0.1 ", b" 200 c 1")],
    ),
    "quoted": ("%{+Q}o %ST %CC %CS %hrl %hsl", [(b'200 "', b'"'), (b'200 "S=', b'" ""'), (b'200 "" "" "', b'"')]),
    "listed": ("%{+Q}o %ci %ID %hrl %hsl", [(b'"::" "a" "', b'"'), (b'"::" "a" "a', b'" "b"')]),
    "escaped": ("%{+Q,+E}o %CC %[var(txn.a)] %hr %ci", [(b'"', b'" "::"'), (b'"S=a" "', b'" "{')]),
    "words": ("%HM %HU:%b.%s %{-M}ID %{-M}H %ci", [(b"", b" ::"), (b"GET /", b":b.s ::")]),
    "beginning": ("%hr %hs %HPO %HQ %ci", [(b"", b" ::"), (b"{", b"} ::")]),
    "json": ("%{+json}o %(a)ci %(b)[var(txn.b)] %(c)hrl", [(b'{"a": "', b'"}'), (b'{"c": ["', b'"], "a": "::"}')]),
    "cbor": ("%{+cbor}o %(a)ci %(b)[var(txn.b)] %(c)hrl", [(b"BF61617F", b"FFFF"), (b"BF61639F", b"FFFF")]),
}
"""Formats that are hard to read, and what stands around the repeated text."""
IN_HEX = {
    "chunks": b"6161",
    "long chunks": b"7861",
    "arrays": b"9F",
    "endless": b"7F",
    "breaks": b"FF",
    "numbers": b"01",
}


def seconds(line: bytes, interpretation: Interpretation) -> float:
    context = Context("UTC", RECEIVED_US, RECEIVED_US)
    best = 10.0
    for _ in range(3):
        start = time.process_time()
        understand(line, context, interpretation)
        best = min(best, time.process_time() - start)
    return best


def check(before: bytes, after: bytes, interpretation: Interpretation = Interpretation()) -> None:  # noqa: B008 -- frozen
    for name, text in (REPEATED | IN_HEX).items():
        short, long = (before + text * (size // len(text)) + after for size in (SHORT, LONG))
        assert any(is_linear(short, long, interpretation) for _ in range(TRIES)), name


def is_linear(short: bytes, long: bytes, interpretation: Interpretation) -> bool:
    spent = seconds(long, interpretation)
    return spent < 0.02 or spent <= GROWTH_MAX * seconds(short, interpretation)


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_bytes_are_about_four_times_the_work(shape: str) -> None:
    check(*SHAPES[shape])


@pytest.mark.parametrize("name", CONFIGURED)
def test_so_they_are_for_configured_formats(name: str) -> None:
    log_format, shapes = CONFIGURED[name]
    known = Interpretation(formats=(Format(name=name, log_format=log_format),))
    for before, after in shapes:
        check(before, after, known)
