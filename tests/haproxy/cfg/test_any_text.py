"""No text whatever does harm: it is read, or refused with its place, in a time that grows with its length."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import ConfigError
from shipper.haproxy.cfg import advice, formats
from tests.haproxy.cfg.texts import config

PIECES = [
    "global", "defaults", "frontend", "listen", "backend", "ring", "log-profile", "from", "a", "b", "log", "no",
    "default", "127.0.0.1", "len", "id", "80", "format", "rfc5424", "local0", "info", "option", "httplog", "clf",
    "log-format", "%ci", "%ft", '"%ci %ft"', "%[src]", "mode", "http", "tcp", "capture", "request", "response",
    "header", "cookie", "declare", "http-request", "http-response", "tcp-request content", "req.hdr(A)", "setenv",
    "presetenv", "unsetenv", "resetenv", ".if", ".elif", ".else", ".endif", ".alert", "1", "0", "!", "(", ")", "&&",
    "||", "streq(a,b)", "defined(A)", "feature(X)", "version_atleast(2.6)", '"', "'", "\\", "\\x4", "$", "${A",
    '"${A[*]}"', '"${A-b}"', "#", "on", "sample", "profile", "default_backend", "use_backend", "log-tag",
    "error-log-format", "unique-id-format", "disabled", "\0", "\r", "\udcff", "ä", "\x1f", "tune.http.logurilen",
    "log-steps", "log-send-hostname", "maxlen",
]  # fmt: skip
LINES = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join), max_size=12).map(
    lambda ls: "\n".join([*ls, ""])
)


@given(st.one_of(LINES, st.text()), st.dictionaries(st.sampled_from("AB"), st.text(max_size=20)))
def test_any_text_is_read_or_refused(text: str, environment: dict[str, str]) -> None:
    with suppress(ConfigError):
        known = config(text, environment)
        formats(known)
        advice(known)


@pytest.mark.parametrize(
    ("start", "piece", "end"),
    [
        ("", "x", "\n"),
        ("", "\n", ""),
        ("", "global\n", ""),
        ("", '"$A" ', "\n"),
        ("frontend a\n", "capture request header A len 5\n", ""),
        ("frontend a\nlog-format ", "%", "\n"),
        (".if ", "(", "\n"),
        (".if ", "1 && ", "1\n.endif\n"),
        (".if ", "!", "1\n.endif\n"),
        (".if streq(", "'", ")\n.endif\n"),
        (".if streq(", "\\'", ")\n.endif\n"),
        ("global\n", 'setenv A "$A$A"\n', ""),
        ("frontend a\n", '"${A-', "\n"),
        ("frontend a\nhttp-request capture req.hdr(", ",", ") len 5\n"),
        ("frontend a\nhttp-request capture hdr(a)", ",lower", ",x len 5\n"),
    ],
)
def test_time_grows_with_length(start: str, piece: str, end: str) -> None:
    def seconds(count: int) -> float:
        text = start + piece * count + end
        best = float("inf")
        for _ in range(3):
            begin = time.process_time()
            with suppress(ConfigError):
                advice(config(text, {"A": "x" * 100}))
            best = min(best, time.process_time() - begin)
        return best

    assert seconds(8_000) < 20 * max(seconds(1_000), 0.002)


def test_a_thousand_frontends_take_no_thousand_thousand_steps() -> None:
    def seconds(count: int) -> float:
        text = "global\n log 192.0.2.1 local0\ndefaults\n log global\n option tcplog\n"
        text += "".join(f"frontend f{n}\n default_backend b{n}\nbackend b{n}\n" for n in range(count))
        begin = time.process_time()
        advice(config(text))
        return time.process_time() - begin

    assert seconds(800) < 30 * max(seconds(100), 0.002)
