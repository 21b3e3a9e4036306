"""Lines of named values, as JSON and as CBOR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.formats import Format
from shipper.haproxy.logformat import compile_plan
from shipper.haproxy.structured import read_cbor, read_json
from tests.haproxy import values
from tests.haproxy.lines import interpreted
from tests.haproxy.printing import Named, Part, cbor_line, json_line, named, parts_of

Writer: TypeAlias = Callable[[Sequence[tuple[Part, Named]]], bytes]
WRITERS: dict[str, Writer] = {"json": json_line, "cbor": cbor_line}
field_names = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
printed = st.sampled_from([*sorted(values.OF_ALIAS), *(f"[{sample}]" for sample in values.OF_SAMPLE)])
named_strings = st.lists(st.tuples(field_names, printed), min_size=1, max_size=8, unique_by=lambda pair: pair[0]).map(
    lambda pairs: " ".join(f"%({name}){value}" for name, value in pairs)
)


@pytest.mark.parametrize("encoding", WRITERS)
@settings(max_examples=150)
@given(named_strings, st.data())
def test_what_is_printed_is_read_back(encoding: str, text: str, data: st.DataObject) -> None:
    parts = parts_of(text)
    members, meant = named(parts, data.draw(values.all_values(parts, raw=True)))
    plan = compile_plan("mine", f"%{{+{encoding}}}o {text} ignored %ci")
    line = WRITERS[encoding](members)
    assert plan.match(line) == meant, line


@pytest.mark.parametrize("encoding", WRITERS)
@settings(max_examples=30)
@given(named_strings, st.data())
def test_a_cut_line_keeps_its_complete_members_and_no_half_of_one(
    encoding: str, text: str, data: st.DataObject
) -> None:
    parts = parts_of(text)
    members, meant = named(parts, data.draw(values.all_values(parts, raw=True)))
    plan = compile_plan("mine", f"%{{+{encoding}}}o {text}")
    line, whole = WRITERS[encoding](members), dict(zip(plan.aliases, meant, strict=True))
    before = 0
    for end in range(2, len(line)):
        scan = plan.scan(line[:end])
        assert scan.cut, line[:end]
        assert scan.values == {alias: whole[alias] for alias in scan.values}
        assert before <= len(scan.values)
        before = len(scan.values)


@pytest.mark.parametrize("read", [read_json, read_cbor])
@settings(max_examples=300)
@given(st.one_of(st.binary(), st.text('{}[]",:\\ 0aF9null', max_size=40).map(str.encode)), st.data())
def test_no_bytes_raise(read: Callable[[bytes, int], Any], line: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(line)))
    for text in (line, line[:start] + b'{"a": ' + line, line[:start] + b"BF6161" + line.hex().encode()):
        members = read(text, start)
        assert not (members.whole and members.cut)
        assert start <= members.end <= len(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{}", {}),
        (b'{"a": "x\\"y\\\\z"}', {b"a": b'x"y\\z'}),
        (b'{"a":1,"b":-5}', {b"a": b"1", b"b": b"-5"}),
        (b'{"a": true, "b": false, "c": null}', {b"a": b"1", b"b": b"0", b"c": b""}),
        (b'{"a": ["x", "y z"], "b": []}', {b"a": b'"x" "y z"', b"b": b""}),
        (b'{"a": "tab\\there"}', {b"a": b"tabthere"}),
        (b'{"a": "first", "a": "second"}', {b"a": b"first"}),
    ],
)
def test_json_is_read_as_haproxy_writes_it(line: bytes, expected: dict[bytes, bytes]) -> None:
    members = read_json(line, 0)
    assert (members.whole, members.values) == (True, expected)


@pytest.mark.parametrize("line", [b'{"a": 1} ', b'{"a": 1.5}', b'{"a": {"b": 1}}', b"{a: 1}", b'["a"]', b'{"a": 1,}'])
def test_json_of_another_shape_is_neither_whole_nor_cut(line: bytes) -> None:
    members = read_json(line, 0)
    assert (members.whole, members.cut) == (False, False)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"BFFF", {}),
        (b"bf616101ff", {b"a": b"1"}),
        (b"BF61616178FF", {b"a": b"x"}),
        (b"BF61617F61786179FFFF", {b"a": b"xy"}),
        (b"BF61613818FF", {b"a": b"-25"}),
        (b"BF6161F46162F56163F6FF", {b"a": b"0", b"b": b"1", b"c": b""}),
        (b"BF61619F61786179FFFF", {b"a": b'"x" "y"'}),
    ],
)
def test_cbor_is_read_as_haproxy_writes_it(line: bytes, expected: dict[bytes, bytes]) -> None:
    members = read_cbor(line, 0)
    assert (members.whole, members.values) == (True, expected)


@pytest.mark.parametrize(
    "line", [b"BFFF00", b"BF6161F93C00FF", b"BF0101FF", b"BF61611CFF", b"A0", b"", b"BF616101FFxx"]
)
def test_cbor_of_another_shape_is_neither_whole_nor_cut(line: bytes) -> None:
    members = read_cbor(line, 0)
    assert (members.whole, members.cut) == (False, False)


JSON = b'{"client_ip": "10.0.0.1", "status_code": 404, "http_request": "GET /a HTTP/1.1", "mine": "x"}'


def test_without_a_configuration_the_names_of_the_manual_tell_the_fields() -> None:
    document = interpreted(JSON)
    assert (document["haproxy.line"], document["haproxy.log_format"]) == ("traffic", "json")
    assert document["source.ip"] == "10.0.0.1"
    assert (document["http.response.status_code"], document["event.outcome"]) == (404, "failure")
    assert (document["url.path"], document["labels.mine"]) == ("/a", "x")


def test_json_with_none_of_haproxys_names_is_not_understood() -> None:
    assert interpreted(b'{"level": "info", "msg": "hello"}')["haproxy.line"] == "unparsed"


def test_a_configured_format_gives_the_names_their_meaning() -> None:
    known = Format(name="mine", log_format="%{+json}o %(a)ci %(b:bool)[ssl_fc] %(c)[var(txn.c)] %(d)Ta")
    line = b'{"a": "10.0.0.1", "b": true, "c": "x", "d": 12}'
    document = interpreted(line, interpretation=Interpretation(formats=(known,)))
    assert (document["haproxy.log_format"], document["source.ip"]) == ("mine", "10.0.0.1")
    assert (document["tls.established"], document["labels.c"]) == (True, "x")
    assert document["haproxy.time.total_ms"] == 12


def test_values_of_another_grammar_are_not_taken() -> None:
    assert interpreted(JSON.replace(b"404", b'"no status"'))["haproxy.line"] == "unparsed"
