"""What lines mean, field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from shipper.errors import Permanent
from shipper.haproxy.formats import STOCK
from shipper.haproxy.logformat import compile_plan
from tests.haproxy.lines import HEADERS, Values, interpreted, values

H = "haproxy."
RQ = "haproxy.http.request."
RS = "haproxy.http.response."
HTTPLOG = STOCK[0].plan


@settings(max_examples=200)
@given(values)
def test_what_is_printed_is_read_back(printed: Values) -> None:
    found = HTTPLOG.match(printed.line())
    assert found is not None
    read = dict(zip(HTTPLOG.aliases, found, strict=True))
    assert (read["ci"], read["cp"], read["tr"], read["ft"]) == (printed.ci, printed.cp, printed.tr, printed.ft)
    assert (read["b"], read["s"], read["ST"], read["B"]) == (printed.b, printed.s, printed.status, printed.size)
    assert tuple(read[alias] for alias in ("TR", "Tw", "Tc", "Tr", "Ta")) == printed.timers
    assert tuple(read[alias] for alias in ("ac", "fc", "bc", "sc", "rc")) == printed.connections
    assert (read["sq"], read["bq"], read["tsc"], read["r"]) == (*printed.queues, printed.tsc, printed.r)
    if printed.hr is not None:
        assert (read["hr"], read["hs"]) == (printed.hr, printed.hs)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"timers": (b"-1", b"-1", b"-1", b"-1", b"7")}, {H + "time.request_ms": None, H + "time.data_ms": None}),
        ({"timers": (b"1", b"2", b"3", b"4", b"+15")}, {H + "partial": True, H + "time.data_ms": None}),
        ({"timers": (b"1", b"2", b"3", b"4", b"15")}, {H + "partial": None, "event.duration": 15_000_000}),
        ({"timers": (b"-2", b"2", b"3", b"4", b"15")}, {H + "field_errors": [H + "time.request_ms"]}),
        (
            {"timers": (b"0", b"0", b"0", b"0", b"9223372036855")},
            {"event.duration": None, H + "field_errors": ["event.duration"], H + "time.total_ms": 9223372036855},
        ),
        ({"size": b"+12"}, {H + "partial": True, H + "bytes_read": 12}),
        ({"size": b"9223372036854775808"}, {H + "bytes_read": None, H + "field_errors": [H + "bytes_read"]}),
        ({"ft": b"www~"}, {"tls.established": True, H + "frontend_name": "www"}),
        ({"ft": b"a:b"}, {"tls.established": False, H + "frontend_name": "a:b"}),
        ({"s": b"<NOSRV>"}, {H + "server_name": "<NOSRV>"}),
        ({"b": b"-", "s": b"-"}, {H + "server_name": None, H + "backend_name": None}),
        ({"ci": b"2001:db8::1"}, {"source.ip": "2001:db8::1", "source.port": 4711}),
        ({"ci": b"unix", "cp": b"3"}, {"source.ip": None, "source.address": "unix", "source.port": 3}),
        ({"ci": b"-", "cp": b"-"}, {"source.address": None, "source.port": None}),
        ({"status": b"-1"}, {"http.response.status_code": None, "event.outcome": None}),
        ({"status": b"0"}, {"http.response.status_code": None}),
        ({"status": b"404"}, {"event.outcome": "failure"}),
        (
            {"tsc": b"CD--"},
            {"event.outcome": "failure", H + "termination.by": "client", H + "termination.phase": "data"},
        ),
        ({"tsc": b"LR--"}, {"event.outcome": "success", H + "termination.by": "local"}),
        ({"connections": (b"1", b"1", b"1", b"1", b"+3")}, {H + "redispatched": True, H + "connections.retries": 3}),
        ({"cc": b'S=a b{"}', "cs": b"-"}, {RQ + "captured_cookie": 'S=a b{"}', RS + "captured_cookie": None}),
        ({"cc": b"-", "cs": b"S=a b"}, {RQ + "captured_cookie": None, RS + "captured_cookie": "S=a b"}),
        ({"cc": b"S=a b", "cs": b"T=c"}, {RQ + "captured_cookie": "S=a b", RS + "captured_cookie": "T=c"}),
        ({"hr": b"{a||#7Cb}"}, {RQ + "captured_headers": ["a", "", "|b"], H + "captures_ambiguous": True}),
        (
            {"hr": b"{}", "hs": b"{x y}"},
            {RQ + "captured_headers": [""], RS + "captured_headers": ["x y"], H + "captures_ambiguous": None},
        ),
        ({"r": b"<BADREQ>"}, {RQ + "raw_request_line": "<BADREQ>", "http.request.method": None}),
        ({"r": b""}, {RQ + "raw_request_line": None, "url.original": None}),
        ({"r": b"OPTIONS * HTTP/1.1"}, {"url.original": "*", "url.path": None}),
        ({"r": b"CONNECT a.example:443 HTTP/1.1"}, {"url.domain": "a.example", "url.port": 443, "url.path": None}),
        (
            {"r": b"GET https://u@[::1]:8443/a?b?c HTTP/2.0"},
            {"url.scheme": "https", "url.domain": "::1", "url.port": 8443, "url.query": "b?c", "http.version": "2.0"},
        ),
        ({"r": b"GET http://h:99999/ HTTP/1.1"}, {"url.domain": "h", "url.port": None, "url.path": "/"}),
        ({"r": b"GET /a#22#C3#A9#FF HTTP/1.1"}, {"url.path": '/a"é\ufffd'}),
        ({"r": b"GET /x HTTP/1"}, {"http.version": None, "url.path": "/x", H + "truncated": "request"}),
        ({"r": b"GET /x HTTP/2."}, {"http.version": None, "url.path": "/x", H + "truncated": "request"}),
        ({"r": b"GET /x "}, {"url.original": "/x", H + "truncated": "request"}),
        ({"r": b"GET /" + b"x" * 60}, {"url.path": "/" + "x" * 60, H + "truncated": "request"}),
        ({"r": b"POST /x"}, {"url.path": "/x", H + "truncated": "request"}),
        ({"r": b"GET /"}, {"url.path": "/", "http.version": None, H + "truncated": None}),
        ({"r": b"GET /1/0123456789abcdef/ok/" + b"x" * 33 + b" HTTP/1.1"}, {"url.path_pattern": "/*/*/ok/*"}),
    ],
)
def test_a_value_gives_its_fields(change: dict[str, Any], expected: dict[str, Any]) -> None:
    document = interpreted(replace(Values(), **change).line())
    assert {name: document.get(name) for name in expected} == expected


def test_nobody_forges_the_tail_of_a_complete_line() -> None:
    forged = b'S=a b - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'
    document = interpreted(Values(cc=forged).line())
    assert document["url.path"] == "/item/17"
    assert document[RQ + "captured_cookie"] == forged.decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("local", {"log.syslog.hostname": None, "observer.name": "192.0.2.1", "process.pid": 4711}),
        ("rfc3164", {"log.syslog.hostname": "lb-1", "observer.name": "lb-1", "log.syslog.appname": "haproxy"}),
        ("rfc5424", {"log.syslog.hostname": "lb-1", "log.syslog.procid": "4711", "log.syslog.severity.code": 6}),
        ("raw", {"log.syslog.priority": None, "process.name": None}),
        ("structured", {"log.syslog.hostname": None, "log.syslog.priority": 129, "process.pid": None}),
        ("ipv6 host", {"log.syslog.hostname": "fe80::1", "process.name": "h"}),
    ],
)
def test_a_header_gives_its_fields(header: str, expected: dict[str, Any]) -> None:
    document = interpreted(HEADERS[header] + Values().line())
    assert document["haproxy.line"] == "traffic"
    assert {name: document.get(name) for name in expected} == expected


def test_structured_data_that_is_none_does_not_hide_the_message() -> None:
    header = b'<134>1 2026-11-21T01:02:03Z lb haproxy 1 - [x@1 a="un"quoted"] '
    document = interpreted(header + Values().line())
    assert (document["haproxy.line"], document["log.syslog.hostname"]) == ("traffic", "lb")


def test_a_line_that_nothing_understands_says_where_and_keeps_its_bytes() -> None:
    document = interpreted(b"<134>Nov 21 01:02:03 h[1]: Proxy \xff started.")
    assert document["haproxy.line"] == "unparsed"
    assert document["event.kind"] == "pipeline_error"
    assert "column 28" in document["error.message"]
    assert document["event.original"].endswith("Proxy \ufffd started.")
    assert document["event.original_base64"].startswith("PDEzND5Ob3Yg")


def test_a_line_without_its_second_cookie_is_not_read_as_a_whole_one() -> None:
    assert HTTPLOG.match(Values().line().replace(b" - - ", b" - ")) is None


@pytest.mark.parametrize(("text", "column"), [("%ci%cp", 4), ("%nope", 2), ("%ci %", 5)])
def test_a_format_that_cannot_be_read_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(Permanent, match=f"column {column}:"):
        compile_plan("mine", text)
