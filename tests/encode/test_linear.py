"""Time is linear in a line's length, whatever stands in it: four times the bytes, about four times the work."""

from __future__ import annotations

import time

import pytest

from shipper.config import Interpretation
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import RECEIVED_US, Values

HEAD = Values().line().split(b" - -")[0]
TAIL = b' - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'
SHORT, LONG = 16_000, 64_000
GROWTH_MAX = 7
"""Four, and room for a machine that has other things to do."""

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
    "in a request of a cut line": (HEAD + b' - - ---- 1/1/0/0/0 0/0 "', b""),
}


def seconds(line: bytes) -> float:
    context = Context("UTC", RECEIVED_US, RECEIVED_US)
    best = 10.0
    for _ in range(3):
        start = time.process_time()
        understand(line, context, Interpretation())
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_bytes_are_about_four_times_the_work(shape: str) -> None:
    before, after = SHAPES[shape]
    for name, text in REPEATED.items():
        short, long = (before + text * (size // len(text)) + after for size in (SHORT, LONG))
        spent = seconds(long)
        assert spent < 0.002 or spent <= GROWTH_MAX * seconds(short), name
