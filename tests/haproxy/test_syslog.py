"""Headers: those of HAProxy 2.6, as it wrote them, and those that relays make of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.haproxy.syslog import match_header, read_header
from tests.haproxy.lines import RECEIVED_US, Values, values
from tests.haproxy.test_events import EVENTS

SECOND_US = 1_000_000
AT = int(datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC).timestamp()) * SECOND_US
BOM = b"\xef\xbb\xbf"
PROXY = {"appname": "haproxy", "procid": "4711", "pid": 4711}
LOCAL = {"priority": 134, "facility": 16, "severity": 6} | PROXY
NAMED = {"hostname": "lb-1"}
KERN = {"priority": 5, "facility": 0, "severity": 5}

WALL = {"wall": AT}
ISO = {"wall": AT, "moment": AT}
MICRO = {"wall": AT + 456_789, "moment": AT + 456_789}
BERLIN = {"wall": AT + 456_789, "moment": AT + 456_789 - 3_600 * SECOND_US}

HEADERS: dict[bytes, dict[str, Any]] = {
    # HAProxy's own
    b"": {},
    b"<134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | WALL,
    b"<134>Nov 21 01:02:03 lb-1 haproxy[4711]: ": LOCAL | NAMED | WALL,
    b"<134>Nov  1 01:02:03 fe80::1 haproxy[4711]: ": LOCAL
    | {"hostname": "fe80::1", "wall": AT - 20 * 86_400 * SECOND_US},
    b"<134>1 2026-11-21T01:02:03.456789+01:00 lb-1 haproxy 4711 - - ": LOCAL | NAMED | BERLIN,
    b"<134>1 2026-11-21T01:02:03.456789+01:00 - haproxy 4711 - - ": LOCAL | BERLIN,
    b'<134>1 2026-11-21T01:02:03Z - haproxy 4711 - [x@1 a="]\\""][y b="c"] ': LOCAL | ISO,
    b"<134>": {"priority": 134, "facility": 16, "severity": 6},
    b"<5>": {"severity": 5},
    b"<5>2026-11-21T01:02:03.456789+01:00 ": {"severity": 5} | BERLIN,
    b"2026-11-21T01:02:03.456789+00:00 ": MICRO,
    b"<5>Nov 21 01:02:03 haproxy[4711]: ": KERN | PROXY | WALL,
    # structured data that is none
    b'<134>1 2026-11-21T01:02:03Z - haproxy 4711 - [x@1 a="un"quoted"] ': LOCAL | ISO,
    b"<134>1 2026-11-21T01:02:03Z - haproxy 4711 - [x@1 ] ": LOCAL | ISO,
    # files of rsyslog, syslog-ng and the journal
    b"Nov 21 01:02:03 lb-1 haproxy[4711]: ": PROXY | NAMED | WALL,
    b"Nov 21 01:02:03.456789 lb-1 haproxy[4711]: ": PROXY | NAMED | {"wall": AT + 456_789},
    b"Nov 21 01:02:03,456 lb-1 haproxy[4711]: ": PROXY | NAMED | {"wall": AT + 456_000},
    b"Nov 21 2026 01:02:03 lb-1 haproxy[4711]: ": PROXY | NAMED | WALL,
    b"<134>2026 Nov 21 01:02:03 lb-1 haproxy[4711]: ": LOCAL | NAMED | WALL,
    b"Nov 1 01:02:03 lb-1 haproxy[4711]: ": PROXY | NAMED | {"wall": AT - 20 * 86_400 * SECOND_US},
    b"Nov 21 01:02:03 lb-1 haproxy: ": NAMED | {"appname": "haproxy"} | WALL,
    b"2026-11-21T01:02:03.456789+01:00 lb-1 haproxy[4711]: ": PROXY | NAMED | BERLIN,
    b"2026-11-21T01:02:03+0000 lb-1 haproxy[4711]: ": PROXY | NAMED | ISO,
    b"<134>2026-11-21T01:02:03.456789+01:00 lb-1 haproxy[4711]: ": LOCAL | NAMED | BERLIN,
    b"2026-11-21T01:02:03Z haproxy[4711]: ": PROXY | ISO,
    b"2026-11-21 01:02:03,456 lb-1 haproxy[4711]: ": PROXY | NAMED | {"wall": AT + 456_000},
    b"haproxy[4711]: ": PROXY,
    b"<6>haproxy[4711]: ": PROXY | {"severity": 6},
    # containers
    b"2026-11-21T01:02:03.456789012Z ": MICRO,
    b"2026-11-21T01:02:03.456789012Z stdout F ": MICRO,
    # tags of one's own
    b"<134>Nov 21 01:02:03 edge:1[4711]: ": LOCAL | WALL | {"appname": "edge:1"},
    b"<134>Nov 21 01:02:03 lb-1 edge:1[4711]: ": LOCAL | NAMED | WALL | {"appname": "edge:1"},
    b"<134>Nov 21 01:02:03 lb-1 my app:x[4711]: ": LOCAL | NAMED | WALL | {"appname": "my app:x"},
    b"2026-11-21T01:02:03Z lb-1 edge:1[4711]: ": PROXY | NAMED | ISO | {"appname": "edge:1"},
    # what a relay leaves over, and what it puts in front
    b"93 <134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | WALL,
    b"lb-1 <134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | NAMED | WALL,
    b"Nov 21 01:05:00 lb-1 <134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | NAMED | WALL,
    b"<13>Nov 21 01:05:00 relay <134>Nov 21 01:02:03 lb-1 haproxy[4711]: ": LOCAL | NAMED | WALL,
    b"Nov 21 01:05:00 lb-1 Nov 21 01:02:03 haproxy[4711]: ": PROXY | NAMED | WALL,
    b"<13>1 2026-11-21T01:05:00Z lb-1 - - - - <134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | NAMED | WALL,
    b"2026-11-21T01:02:03.456789012Z stdout F haproxy[4711]: ": PROXY | MICRO,
    b"2026-11-21T01:05:00.000000001Z stdout F <134>1 2026-11-21T01:02:03Z lb-1 haproxy 4711 - - ": LOCAL | NAMED | ISO,
    b"Nov 21 01:02:03 lb-1 syslogd: <134>": NAMED
    | {"appname": "syslogd", "priority": 134, "facility": 16, "severity": 6}
    | WALL,
    b"2026-11-21T01:05:00Z relay <13>Nov 21 01:04:00 lb-1 <134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | NAMED | WALL,
    # byte order marks
    BOM: {},
    BOM + b"<134>Nov 21 01:02:03 haproxy[4711]: ": LOCAL | WALL,
    b"<134>1 2026-11-21T01:02:03Z lb-1 haproxy 4711 - - " + BOM: LOCAL | NAMED | ISO,
    # what cannot be
    b"<999>Nov 21 01:02:03 haproxy[4711]: ": PROXY | WALL,
    b"<134>Xyz 21 01:02:03 haproxy[4711]: ": LOCAL,
    b"<134>1 2026-99-21T01:02:03Z - haproxy 4711 - - ": LOCAL,
    b"2026 Xyz 21 01:02:03 haproxy[4711]: ": PROXY,
}
"""Each header, and what it says; wall times as near the receipt."""

MESSAGES = [
    Values().line(),
    Values(ci=b"2001:db8::1").line(),
    Values(ci=b"unix", cp=b"1").line(),
    b'{"client":"10.0.0.1","status":200}',
    b"bf6469636c69656e7468",
    b'"10.0.0.1" - - [21/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 12 "" "" 4711 004 "www" "b" "s" 1 2 3 4 15',
    b"10.0.0.1 - - [21/Nov/2026:01:02:03 +0000] 200",
    b"[21/Nov/2026:01:02:03.004] 10.0.0.1 GET /",
    b"GET / 200 10.0.0.1",
    b"method=GET path=/ status=200",
    *(message.encode() for _, message, _ in EVENTS),
]


def said(header: bytes) -> dict[str, Any]:
    """Give what a header says."""
    found = read_header(header)
    names = {
        "priority": "syslog_priority",
        "facility": "syslog_facility",
        "severity": "syslog_severity",
        "hostname": "syslog_hostname",
        "appname": "syslog_appname",
        "procid": "syslog_procid",
        "pid": "process_pid",
    }
    attributes = {short: found.identity.attributes.get(name) for short, name in names.items()}
    times = {"wall": found.wall(RECEIVED_US), "moment": found.moment}
    return {name: value for name, value in (attributes | times).items() if value is not None}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_says_who_and_when(header: bytes) -> None:
    assert match_header(header) == header
    assert said(header) == HEADERS[header]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:40].decode())
def test_no_message_is_taken_for_a_header_behind_any_header(message: bytes) -> None:
    for header in HEADERS:
        assert match_header(header + message) == header


@given(st.sampled_from(sorted(HEADERS)), values)
def test_no_line_of_traffic_is_taken_for_a_header(header: bytes, printed: Values) -> None:
    assert match_header(header + printed.line()) == header


@given(
    st.lists(st.sampled_from([*HEADERS, *MESSAGES]), max_size=4).map(b"".join),
    st.integers(0, 80),
    st.one_of(st.binary(max_size=3), st.sampled_from([b"<134>", b" ", b"1 ", b"[", b"]", BOM, b"\n", b"\xff"])),
)
def test_what_was_found_is_found_again_in_the_header_alone(line: bytes, at: int, changed: bytes) -> None:
    line = line[:at] + changed + line[at:]
    header = match_header(line)
    assert line.startswith(header)
    assert read_header(header).end == len(header)


@given(st.binary())
def test_no_bytes_raise(line: bytes) -> None:
    read_header(match_header(line))
    read_header(line)


@pytest.mark.parametrize("length", [0, 1, 5, 20, 36])
def test_a_header_that_is_cut_is_no_other_header(length: int) -> None:
    cut = b"<134>Nov 21 01:02:03 haproxy[4711]: "[:length]
    assert match_header(cut) in {b"", b"<134>", b"<134>Nov 21 01:02:03 haproxy[4711]: "}


@pytest.mark.parametrize(
    "hostile",
    [
        b"<134>1 2026-11-21T01:02:03Z h a p m " + b"[" * 60_000,
        b"<134>1 2026-11-21T01:02:03Z h a p m " + b'["' * 30_000,
        b"<134>1 2026-11-21T01:02:03Z h a p m " + b"a=b " * 15_000,
        b"<134>1 2026-11-21T01:02:03Z h a p m " + b"[x] " * 15_000,
        b"<134>Nov 21 01:02:03 " * 3_000,
        b"Nov 21 01:02:03 h " * 3_000,
        b"9" * 60_000,
        b"a" * 60_000,
        b"<1>" * 20_000,
    ],
    ids=range(9),
)
def test_reading_takes_linear_time(hostile: bytes) -> None:
    started = datetime.now(UTC)
    for _ in range(20):
        read_header(match_header(hostile))
    assert (datetime.now(UTC) - started).total_seconds() < 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"Nov 21 01:02:03 lb-1 last message repeated 3 times", b"last message repeated 3 times"),
        (b"Nov 21 01:02:03 lb-1 haproxy[4711]: message repeated 2 times: [ x]", b"message repeated 2 times: [ x]"),
        (b"Nov 21 01:02:03 lb-1 10.0.0.1:1 [21/Nov/2026", b"10.0.0.1:1 [21/Nov/2026"),
        (b'<134>1 2026-11-21T01:02:03Z - haproxy 1 - bytes=12 ua="a b" 10.0.0.1:1 [', b"10.0.0.1:1 ["),
        (b"Nov 21 01:02:03 lb-1 haproxy: New worker[12]: x", b"New worker[12]: x"),
        (b"2026-11-21T01:02:03 10.0.0.1 GET /", b"2026-11-21T01:02:03 10.0.0.1 GET /"),
        (b"<134>Nov 21 01:02:03 haproxy[1]: 2026-11-21T01:02:03Z GET /", b"2026-11-21T01:02:03Z GET /"),
    ],
)
def test_a_message_begins_where_its_header_ends(line: bytes, message: bytes) -> None:
    assert line[len(match_header(line)) :] == message
