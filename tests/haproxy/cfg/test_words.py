"""Words of a line: the matrix of the manual's 2.2, and 2.3."""

from __future__ import annotations

import pytest

from shipper.haproxy.words import MalformedError, words
from shipper.limits import HAPROXY_CFG_EXPANDED_CHARS_MAX

VARIABLES = {"A": "a b  c", "E": "", "U": "grün", "_x1": "u", ".LINE": "7"}


def split(line: str) -> list[str]:
    return words(line, VARIABLES.get)[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  log-format\t%ci  %cp ", ["log-format", "%ci", "%cp"]),
        ("a # b", ["a"]),
        ("a#b", ["a"]),
        (r"a\#b", ["a#b"]),
        ("'a # b' \"c # d\"", ["a # b", "c # d"]),
        (r"%{+Q}o\ %t\ %s", ["%{+Q}o %t %s"]),
        ("\"%{+Q}o %t\"' %s'\\ %{-Q}r", ["%{+Q}o %t %s %{-Q}r"]),
        (r"\x41\x20\x62 \n\r\t", ["A b", "\n\r\t"]),
        (r"'\x41 \n'", [r"\x41 \n"]),
        (r"a\1\"\'\\", ["a\\1\"'\\"]),
        (r"a\$b $A ${A}", [r"a\$b", "$A", "${A}"]),
        (r'"a\$A"', ["a$A"]),
        ("'$A'", ["$A"]),
        ("trailing\\", ["trailing\\"]),
        ('""', []),
        ('a ""', ["a"]),
        ('a "" b', ["a", "", "b"]),
        (r"a\x00b c", ["a", "c"]),
        (r"\xc3\xa4 ä", ["ä", "ä"]),
        (r"\xff", ["\N{REPLACEMENT CHARACTER}"]),
        ("", []),
        ("   ", []),
    ],
)
def test_a_line_is_split_as_haproxy_splits_it(line: str, expected: list[str]) -> None:
    assert split(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"$A"', ["a b  c"]),
        ('"<${A}>"', ["<a b  c>"]),
        ('"<${A[*]}>"', ["<a", "b", "c>"]),
        ('"$A[*]"', ["a b  c[*]"]),
        ('"<$E>"', ["<>"]),
        ('"<${E-default}>"', ["<>"]),
        ('"<${N-de fault}>"', ["<de fault>"]),
        ('"<${N[*]-de fault}>"', ["<de", "fault>"]),
        ('"<${N-}>"', ["<>"]),
        ('"$U$_x1.$.LINE"', ["grünu.7"]),
    ],
)
def test_variables_are_expanded_inside_double_quotes(line: str, expected: list[str]) -> None:
    assert split(line) == expected


def test_a_variable_without_value_or_default_is_named() -> None:
    assert words('"$N" "${M-x}" "$E"', VARIABLES.get) == (["", "x"], ("N",))


@pytest.mark.parametrize(
    ("line", "column"),
    [('a "b', 3), ("a 'b", 3), (r"a \x4", 3), ('"$1"', 3), ('"${"', 4), ('"${A"', 2), ('"${A[x]}"', 5), ('"$.NO"', 3)],
)
def test_what_haproxy_refuses_is_refused_with_its_column(line: str, column: int) -> None:
    with pytest.raises(MalformedError) as refused:
        split(line)
    assert refused.value.column == column


def test_a_line_has_at_most_64_words() -> None:
    assert len(split("x " * 63 + "x")) == 64
    with pytest.raises(MalformedError, match="64 words"):
        split("x " * 64 + "x")


def test_what_variables_expand_to_is_bounded() -> None:
    with pytest.raises(MalformedError, match="characters"):
        words('"$A$A"', {"A": "x" * (HAPROXY_CFG_EXPANDED_CHARS_MAX // 2 + 1)}.get)
