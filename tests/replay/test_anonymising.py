"""Captures that may be shared: nothing of what was replaced is left, and the documents keep their shape."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.formats import Format
from shipper.haproxy.understand import Context, understand
from shipper.replay.anonymising import Anonymiser
from shipper.replay.anonymising._words import Words
from shipper.replay.generating import Scenario, generate
from tests.haproxy.lines import HEADERS, RECEIVED_US, Values, headers, values

SAMPLES: Final = Path(__file__).parents[2] / "samples"
KEY: Final = b"one key"
MARKER: Final = b"Zq7xMarkerWord"
TEXTS: Final = {"timestamp", "log_format", "line", "mode", "termination_state", "http_request_method", "http_version"}
"""Fields of text that are kept as they are."""


def shape(raw: bytes, settings: Interpretation, *, cut: bool = False) -> dict[str, Any]:
    """Give the fields of a line's document: numbers and what is kept as they are, of texts only that they are."""
    record = understand(raw, Context("UTC", RECEIVED_US, cut=cut), settings).record
    fields = record.model_dump(exclude_none=True)
    return {
        name: value if name in TEXTS or isinstance(value, int | bool) else len(value) if isinstance(value, list) else ""
        for name, value in fields.items()
    }


def anonymous(raw: bytes, *formats: Format, names: bool = False) -> bytes:
    done = Anonymiser(KEY, Interpretation(formats=formats), names=names).line(raw)
    assert done is not None
    return done


def document(raw: bytes, *formats: Format) -> dict[str, Any]:
    return understand(raw, Context("UTC", RECEIVED_US), Interpretation(formats=formats)).record.model_dump()


# -- shape -----------------------------------------------------------------------------------------------------------


@given(headers, values)
def test_a_line_keeps_the_shape_of_its_document(header: bytes, line: Values) -> None:
    raw = header + line.line()
    for names in (False, True):
        assert shape(anonymous(raw, names=names), Interpretation()) == shape(raw, Interpretation())


@given(headers, values, st.integers(20, 150))
def test_a_cut_line_keeps_the_shape_of_its_document_or_is_dropped(header: bytes, line: Values, size: int) -> None:
    raw = (header + line.line())[: len(header) + size]
    done = Anonymiser(KEY, Interpretation()).line(raw)
    if done is not None:
        after, before = shape(done, Interpretation()), shape(raw, Interpretation())
        assert after == before


@pytest.mark.parametrize("log_format", ["httplog", "httpslog", "tcplog", "httpclf", "tcpclf", "error"])
def test_made_up_lines_keep_their_shape_whatever_their_format(log_format: str) -> None:
    known = Format(name="mine", log_format=log_format)
    for raw in generate(Scenario(RECEIVED_US, lines=300, rate=1, log_format=known)):
        settings = Interpretation(formats=(known,))
        assert shape(anonymous(raw, known), settings) == shape(raw, settings)


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_samples_of_a_real_haproxy_keep_their_shape(sample: Path) -> None:
    work = Anonymiser(KEY, Interpretation())
    kept = understood = 0
    for raw in sample.read_bytes().splitlines():
        done = work.line(raw)
        understood += document(raw)["line"] != "unparsed"
        if done is not None:
            kept += 1
            assert shape(done, Interpretation()) == shape(raw, Interpretation())
    assert kept > 0.8 * understood


# -- what is gone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        Values(cc=b"S=" + MARKER),
        Values(cs=MARKER + b"=x y"),
        Values(hr=b"{" + MARKER + b"|x}", hs=b"{a " + MARKER + b"}"),
        Values(r=b"GET /" + MARKER + b"/17 HTTP/1.1"),
        Values(r=b"GET /a?" + MARKER + b"=1&b=" + MARKER + b" HTTP/1.1"),
        Values(r=b"GET http://u:" + MARKER + b"@" + MARKER + b".example:80/ HTTP/1.1"),
        Values(r=b"CONNECT " + MARKER + b":443 HTTP/1.1"),
        Values(r=MARKER),
        Values(r=MARKER + b" / HTTP/1.1"),
    ],
)
@pytest.mark.parametrize("header", sorted(HEADERS))
def test_what_was_said_of_whom_is_gone(line: Values, header: str) -> None:
    done = anonymous(HEADERS[header] + line.line())
    assert MARKER not in done
    assert MARKER.lower() not in done.lower()


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        ("%ci %ID %H %ST", b"1.2.3.4 %b %b 200"),
        ("%ci %[req.hdr(user-agent)]|%ST", b"1.2.3.4 %b|200"),
        ("%ci %[var(txn.user)]|%ST", b"1.2.3.4 %b|200"),
        ("%{+json}o %(c)ci %(path)HP %(own)[var(txn.user)]", b'{"c": "1.2.3.4", "path": "/%b", "own": "%b"}'),
        ("%ci %ST %[ssl_fc_sni]", b"1.2.3.4 200 %b"),
    ],
)
def test_fields_of_formats_of_ones_own_are_replaced(log_format: str, line: bytes) -> None:
    known = Format(name="mine", log_format=log_format, mode="http")
    raw = line.replace(b"%b", MARKER)
    done = anonymous(raw, known)
    assert MARKER not in done
    settings = Interpretation(formats=(known,))
    assert shape(done, settings) == shape(raw, settings)


@pytest.mark.parametrize(
    "header", [b"<134>Nov 21 01:02:03 %b h[1]: ", b'<129>1 2026-11-21T02:02:03Z %b h - 7 [x@1 a="%b"] ']
)
def test_hosts_and_structured_data_of_headers_are_replaced(header: bytes) -> None:
    assert MARKER not in anonymous(header.replace(b"%b", MARKER) + Values().line())


def test_names_of_proxies_are_kept_and_replaced_on_demand() -> None:
    raw = Values(ft=b"front~", b=b"back", s=b"web1").line()
    assert b" front~ back/web1 " in anonymous(raw)
    hidden = anonymous(raw, names=True)
    assert not any(name in hidden for name in (b"front", b"back/", b"web1"))
    assert document(hidden)["tls_established"] is True
    assert b"/<NOSRV> " in anonymous(Values(s=b"<NOSRV>").line(), names=True)


def test_an_event_loses_its_addresses_and_what_the_check_said() -> None:
    raw = b'Server b/s is DOWN, reason: Layer7 wrong status, code: 500, info: "Error of db1.lan", check duration: 3ms.'
    done = anonymous(raw)
    assert b"db1" not in done
    assert (document(done)["check_code"], document(done)["server_name"]) == (500, "s")
    moved = anonymous(b"b/s changed its IP from 10.1.2.3 to 10.1.2.4 by DNS cache.")
    assert b"10.1.2." not in moved
    assert document(moved)["event_action"] == "server_address_changed"


@pytest.mark.parametrize(
    "line",
    [b"no line of HAProxy", b"[ALERT] (1) : parsing [/etc/secret.cfg:1] : oops", b"last message repeated 2 times: [x]"],
)
def test_free_text_is_dropped(line: bytes) -> None:
    assert Anonymiser(KEY, Interpretation()).line(line) is None


# -- consistency -----------------------------------------------------------------------------------------------------


def test_the_same_is_replaced_by_the_same_under_one_key_and_by_other_under_another() -> None:
    line = Values(ci=b"192.0.2.7", hr=b"{www.example.com|192.0.2.7}", r=b"GET http://www.example.com/ HTTP/1.1").line()
    named = Format(
        name="mine", log_format="httplog", request_captures=("Host", "X-Forwarded-For"), response_captures=()
    )
    found = document(anonymous(line, named), named)
    assert found["source_ip"] == found["client_ip"]
    assert found["request_captures"][0] == found["url_domain"]
    other = Anonymiser(b"another key", Interpretation()).line(line)
    assert other not in {None, anonymous(line)}


def test_path_patterns_are_kept() -> None:
    uri = b"/shop/17/0a1b2c3d4e/550e8400-e29b-41d4-a716-446655440000/" + b"x" * 40 + b"/decade"
    found = document(anonymous(replace(Values(), r=b"GET " + uri + b" HTTP/1.1").line()))
    hidden = found["url_path_pattern"].split("/")
    assert [part == "*" for part in hidden[1:]] == [False, True, True, True, True, False]


@given(st.lists(st.binary(min_size=1, max_size=6), max_size=30, unique=True))
def test_no_two_words_become_one(words: list[bytes]) -> None:
    work = Words(KEY)
    assert len({work.text(word) for word in words}) == len(words)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_addresses_share_as_many_bits_as_before(one: ipaddress.IPv4Address, other: ipaddress.IPv4Address) -> None:
    work = Words(KEY)
    hidden = [int(ipaddress.IPv4Address(work.address(str(each).encode()).decode())) for each in (one, other)]
    assert (hidden[0] ^ hidden[1]).bit_length() == (int(one) ^ int(other)).bit_length()


@given(st.binary(max_size=200))
def test_any_bytes_can_be_anonymised(raw: bytes) -> None:
    Anonymiser(KEY, Interpretation()).line(raw)
