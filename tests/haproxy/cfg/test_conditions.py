"""Conditions of `.if`, as `haproxy -cc` answers them."""

from __future__ import annotations

import pytest

from shipper.haproxy.cfg._conditions import Answer, UnreadableError, evaluate

VARIABLES = {"PATH": "/bin", "EMPTY": ""}


def holds(text: str, version: str | None = "2.6.12-1+deb12u4") -> bool:
    return evaluate(text, VARIABLES.get, version).value


@pytest.mark.parametrize(
    "text",
    [
        "1", "0x10", "010", "-1", "!0", "! ! 1", "(1) && 0 || 1", "!(1) || !0", "streq(a,a)&&1", "1||0", "1 || 0 && 0",
        "defined(PATH)", "defined(EMPTY)", "!defined(NO)", "streq(,)", "strneq(a,b)", "strstr(abc,b)",
        "version_atleast(2.6)", "version_atleast(2.6-dev3)", "version_atleast(2.6.12)", "version_before(3.0)",
        "version_atleast(abc)", "version_before(2.6.13)", "streq('a,b','a,b')",
    ],
)  # fmt: skip
def test_what_is_true(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "+0", "0x0", "!1", "0 || 1 && 0", "streq(,yes)", "streq( a,a)", "streq(a ,a)", "defined", "defined()",
        "defined( PATH)", "version_atleast(2.6.13)", "version_before(2.6)", "version_atleast(3.0-dev1)",
    ],
)  # fmt: skip
def test_what_is_false(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    "text",
    [
        " ", "1abc", "1 &&", "&& 1", "((1)", "(1))", "()", "!", "1 | 1", "streq()", "streq(a)", "streq(a,b,c)",
        "streq(a,b", "streq (a,a)", "nosuch(1)", "defined(PATH)x", "(" * 1000, "(" * 100 + "1" + ")" * 100,
        "streq('a,a)",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        holds(text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("feature(QUIC)", Answer(value=True, sure=False)),
        ("!feature(QUIC)", Answer(value=False, sure=False)),
        ("version_atleast(9)", Answer(value=True, sure=False)),
        ("version_before(3.0)", Answer(value=False, sure=False)),
        ("feature(QUIC) && streq(a,b)", Answer(value=False)),
        ("feature(QUIC) || 1", Answer(value=True)),
        ("feature(QUIC) && 1", Answer(value=True, sure=False)),
    ],
)
def test_what_hangs_on_the_binary_is_said_unless_it_decides_nothing(text: str, answer: Answer) -> None:
    assert evaluate(text, VARIABLES.get, None) == answer
