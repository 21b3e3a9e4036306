"""Log-format strings: what HAProxy prints for them is read back, and what cannot be read is refused."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from shipper.errors import Permanent
from shipper.haproxy.fields import ABSENT
from shipper.haproxy.kinds import LIST
from shipper.haproxy.logformat import compile_plan
from shipper.haproxy.parts import _DECODERS
from shipper.haproxy.plan import Plan
from shipper.haproxy.steps import Blank, Field, Literal
from shipper.haproxy.stock import NEVER_GUESSED, STOCK_FORMATS
from tests.haproxy import values
from tests.haproxy.printing import parts_of, printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMN = re.compile(r"column ([0-9]+): ")


def compiled(text: str) -> Plan | None:
    """Compile, or see that the refusal says where."""
    try:
        plan = compile_plan("mine", text)
    except Permanent as error:
        column = COLUMN.search(str(error))
        assert column is not None
        assert 1 <= int(column[1]) <= len(text)
        return None
    assert isinstance(plan, Plan)
    return plan


def read(plan: Plan, line: bytes) -> list[bytes | None]:
    found = plan.match(line)
    assert found is not None, (line, plan.scan(line))
    return [meant(field.decode, value) for field, value in zip(plan.fields, found, strict=True)]


def meant(decode: object, value: bytes | None) -> bytes:
    if value is None or value in ABSENT:
        return b""
    return _DECODERS[decode](value) if decode in _DECODERS else value


@settings(max_examples=400)
@given(values.log_formats, st.data())
def test_what_is_printed_is_read_back(text: str, data: st.DataObject) -> None:
    plan = compiled(text)
    event("refused" if plan is None else "warned" if plan.warnings else "read")
    if plan is None:
        return
    parts = parts_of(text)
    lone = not plan.warnings and sum(field.kind.raw for field in plan.fields) == 1
    line, expected = printed(parts, data.draw(values.all_values(parts, raw=lone)))
    assume(not plan.warnings or not any(holds_delimiters(plan, expected)))
    assume(not any(is_a_guess(plan, expected)))
    assert read(plan, line) == [b"" if value in ABSENT or value is None else value for value in expected]


def holds_delimiters(plan: Plan, expected: Sequence[bytes | None]) -> Iterator[bool]:
    """Tell of each value whether it, or the one behind it, holds what stands between them."""
    values_left = [b"-" if value in ABSENT or value is None else value for value in expected]
    for number, step in enumerate(plan.steps):
        if isinstance(step, Field):
            following = plan.steps[number + 1] if number + 1 < len(plan.steps) else None
            end = (
                b" " if isinstance(following, Blank) else following.text[:1] if isinstance(following, Literal) else b""
            )
            value, *values_left = values_left
            yield step.kind.optional and not step.kind.closed and value == b"-"
            yield end != b"" and not step.kind.width and any(end in each for each in (value, *values_left[:1]))


def is_a_guess(plan: Plan, expected: Sequence[bytes | None]) -> Iterator[bool]:
    """Tell where nothing in the line says whose headers they are: of two blocks one, two lists, a list behind text."""
    fields = [step for step in plan.steps if not isinstance(step, Blank)]
    found = iter(expected)
    shown = [next(found) if isinstance(step, Field) else None for step in fields]
    for (left, before), (right, after) in pairwise(zip(fields, shown, strict=True)):
        if isinstance(left, Field) and isinstance(right, Field) and after is not None:
            listed = LIST.pattern in {left.kind.pattern, right.kind.pattern}
            yield left.kind.closed and right.kind.closed and (before is None or listed)
            yield left.kind.raw and right.kind.pattern == LIST.pattern


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("%ci%cp", 4, "nothing stands between %ci and %cp"),
        ("%ci%[src]", 4, "nothing stands between"),
        ("%b%tr", 3, "nothing stands between"),
        ("%nope", 2, "unknown alias %nope"),
        ("%cix", 2, "unknown alias %cix"),
        ("%Ta1", 2, "unknown alias %Ta1"),
        ("%ci %", 5, "`%` stands alone"),
        ("%ci % %b", 5, "`%` stands alone"),
        ("%{+Q ci", 1, "`%` stands alone"),
        ("%ci %[src", 5, "`%[` is not closed"),
        ("%(a:int)ci", 5, "unknown type 'int'"),
        ("%ci %hrl %b", 5, "write %{+Q}hrl"),
        ("%{+Q}hrl %{+Q}[var(txn.a)]", 1, "cannot be told from the quotes"),
        ("%ci %{-M}[var(txn.a)] %b", 5, "leave M on"),
        ("%ci %{+cbor}b", 5, "CBOR of a single value"),
        ("%{+cbor,+bin}o %(a)ci", 1, "leave out +bin"),
        ("plain text", 1, "no value in it"),
        ("%%ci", 1, "no value in it"),
        (" ".join(["%ci"] * 300), 1, "at most 512"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_the_reason(text: str, column: int, reason: str) -> None:
    with pytest.raises(Permanent) as refused:
        compile_plan("mine", text)
    assert f"column {column}: " in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("%[var(txn.a)] %ci", 1, "may hold what follows it"),
        ("%CC %hr %ci", 1, "may hold what follows it"),
        ("%HU:%ci", 1, "ends at the first `:`"),
        ("%f:%b %ci", 1, "may both hold `:`"),
        ("%{-M}ID %{-M}H %ci", 1, "which one is there is a guess"),
        ("%{+Z}ci", 3, "HAProxy ignores the flag '+Z'"),
        ("%{Q}ci", 3, "HAProxy ignores the flag 'Q'"),
    ],
)
def test_what_may_be_misread_is_warned_of_with_its_place(text: str, column: int, reason: str) -> None:
    (warning,) = compile_plan("mine", text).warnings
    assert f"column {column}: " in warning
    assert reason in warning


@pytest.mark.parametrize("name", [*STOCK_FORMATS, *NEVER_GUESSED])
def test_stock_formats_are_read_without_a_doubt_but_for_cookies_in_front_of_headers(name: str) -> None:
    warnings = compile_plan(name, (STOCK_FORMATS | NEVER_GUESSED)[name]).warnings
    assert [warning.split(": ")[-1] for warning in warnings] == (
        ["%CS may hold what follows it"] if name == "httpclf" else []
    )


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("%Ci:%Cp %cc %st", b"10.0.0.1:80 - 200", {"ci": b"10.0.0.1", "cp": b"80", "CC": b"-", "ST": b"200"}),
        ("%%%ci%% 100%%", b"%10.0.0.1% 100%", {"ci": b"10.0.0.1"}),
        ("  %ci    %b  ", b"10.0.0.1 shop ", {"ci": b"10.0.0.1", "b": b"shop"}),
        ("%ci %b", b"10.0.0.1     shop", {"ci": b"10.0.0.1", "b": b"shop"}),
        ("%ci\t%b", b"10.0.0.1\tshop", {"ci": b"10.0.0.1", "b": b"shop"}),
        ("%hr %hs %b", b"shop", {"hr": None, "hs": None, "b": b"shop"}),
        ("%hr %hs %b", b"{a} shop", {"hr": b"{a}", "hs": None, "b": b"shop"}),
        ("%b %hr", b"shop ", {"b": b"shop", "hr": None}),
        ("%b %HPO %HQ %HV", b"shop   HTTP/1.1", {"b": b"shop", "HPO": None, "HQ": None, "HV": b"HTTP/1.1"}),
        ("%{+X}ci %{+X}cp", b"7F000001 04D2", {"ci": b"7F000001", "cp": b"04D2"}),
        ("%{+Q}o %bi:%bp %CC", b'"":"" "S=a" b"', {"bi": b"", "bp": b'""', "CC": b'S=a" b'}),
        ("%{+Q,+E}o %CC %b", b'"S=a\\" \\\\" "b"', {"CC": b'S=a\\" \\\\', "b": b"b"}),
        ("%{+Q}o %f %{-Q}b %s", b'"www" shop "s1"', {"f": b"www", "b": b"shop", "s": b"s1"}),
        ("%{+Q}o %f %{-Q}o %b", b'"www" shop', {"f": b"www", "b": b"shop"}),
        ("%{+Q}o %hr %hs %ST", b'"{a b|}" "{}" 200', {"hr": b'"{a b|}"', "hs": b'"{}"', "ST": b"200"}),
        ("%[var(txn.a)] %hr %b", b"one two {a} shop", {"[var(txn.a)]": b"one two", "hr": b"{a}", "b": b"shop"}),
        ("%[src,lower] - %[rand(5)]", b"a - b - 3", {"[src,lower]": b"a - b", "[rand(5)]": b"3"}),
        ("%[str(']'),length] %ci", b"1 10.0.0.1", {"[str(']'),length]": b"1", "ci": b"10.0.0.1"}),
        ("%[be_name] %[srv_name]", b"shop -", {"b": b"shop", "s": b"-"}),
        ("%[var(txn.a)] %{-M}[dst_port] ", b"- 0 ", {"[var(txn.a)]": b"-", "fp": b"0"}),
    ],
)
def test_a_line_gives_its_values(text: str, line: bytes, expected: dict[str, bytes | None]) -> None:
    plan = compile_plan("mine", text)
    found = plan.match(line)
    assert found is not None
    assert dict(zip(plan.aliases, found, strict=True)) == expected
