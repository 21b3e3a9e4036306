"""What is hidden of a line: nothing else changes, nothing is left, and hiding twice is hiding once."""

from __future__ import annotations

import hmac
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.formats import Format
from shipper.haproxy.privacy import Hider, example, hider_of
from shipper.haproxy.privacy._lines import WITHHELD
from shipper.haproxy.privacy_rules import Rules
from shipper.haproxy.stock import HTTPLOG
from shipper.haproxy.understand import Context, understand
from tests.encode.test_properties import any_line
from tests.haproxy.lines import Values

SAMPLES: Final = Path(__file__).parents[2] / "samples"
KEY: Final = b"a key of sixteen"
NAMES: Final = Format(
    name="named",
    log_format=HTTPLOG,
    request_captures=("Host", "X-Forwarded-For", "Cookie"),
    response_captures=("ETag",),
)
STRICT: Final = Rules(
    mask_addresses=True,
    parameters={"*": "hash", "token": "drop", "page": "keep"},
    cookies={"*": "hash"},
    headers={"*": "drop", "host": "keep"},
    labels={"*": "hash"},
)


def hidden(raw: bytes, *formats: Format, key: bytes | None = KEY, cut: bool = False, **rules: Any) -> bytes:  # noqa: ANN401 -- rules of every kind
    return Hider(Rules(**rules), key, formats).line(raw, cut=cut)


def hash_of(value: bytes) -> bytes:
    return b"hash-" + hmac.digest(KEY, value, "sha256").hex()[:16].encode()


def test_without_a_rule_every_line_stays() -> None:
    assert not Rules().active
    assert hider_of(Interpretation()) is None
    assert hidden(b"anything") == b"anything"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"192.0.2.77", b"192.0.2.0"),
        (b"2001:db8:1:2::5", b"2001:db8:1::"),
        (b"::ffff:192.0.2.77", b"::ffff:192.0.2.0"),
        (b"unix", b"unix"),
        (b"1.2.3.400", b"::"),
    ],
)
def test_a_masked_address_is_the_address_of_its_network(before: bytes, after: bytes) -> None:
    line = replace(Values(), ci=before)
    assert hidden(line.line(), mask_addresses=True) == replace(line, ci=after).line()


def test_so_many_bits_are_kept_as_configured() -> None:
    line = replace(Values(), ci=b"192.0.2.77")
    assert hidden(line.line(), mask_addresses=True, ipv4_bits=0) == replace(line, ci=b"0.0.0.0").line()
    assert hidden(line.line(), mask_addresses=True, ipv4_bits=32) == line.line()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"198.51.100.7, 10.1.2.3", b"198.51.100.0, 10.1.2.0"),
        (b"for=#22[2001:db8:1:2::5]:4711#22", b"for=#22[2001:db8:1::]:4711#22"),
        (b"for=#22192.0.2.77#22;by=_hidden", b"for=#22192.0.2.0#22;by=_hidden"),
        (b"010.001.002.003", b"10.1.2.0"),
        (b"C0A80107:1F90_7F000001:1F90_4F5A:0003", b"C0A80100:1F90_7F000000:1F90_4F5A:0003"),
        (b"Chrome/120.0.0.1 at 01:02:03", b"Chrome/120.0.0.1 at 01:02:03"),
        (b"1.2.3.4.5", b"1.2.3.4.5"),
    ],
)
def test_addresses_in_captured_headers_are_masked_and_versions_are_not(before: bytes, after: bytes) -> None:
    line = replace(Values(), ci=b"unix", hr=b"{" + before + b"}")
    assert hidden(line.line(), mask_addresses=True) == replace(line, hr=b"{" + after + b"}").line()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"GET /a?token=x&q=1 HTTP/1.1", b"GET /a?q=1 HTTP/1.1"),
        (b"GET /a?q=1&TOKEN=x;z HTTP/1.1", b"GET /a?q=1;z HTTP/1.1"),
        (b"GET /a?to%6Ben=x HTTP/1.1", b"GET /a HTTP/1.1"),
        (b"GET /a?token HTTP/1.1", b"GET /a HTTP/1.1"),
        (b"GET /a?tokens=x&q= HTTP/1.1", b"GET /a?tokens=x&q= HTTP/1.1"),
        (b"GET /a? HTTP/1.1", b"GET /a? HTTP/1.1"),
        (b"GET /a b?token=x y HTTP/1.1", b"GET /a b HTTP/1.1"),
        (b"GET /a?q=1&token=x", b"GET /a?q=1"),
        (b"<BADREQ>", b"<BADREQ>"),
    ],
)
def test_a_dropped_parameter_is_gone_and_the_others_stay(before: bytes, after: bytes) -> None:
    line = replace(Values(), r=before).line()
    assert hidden(line, parameters={"Token": "drop"}) == replace(Values(), r=after).line()


def test_a_hash_is_that_of_what_the_value_says_wherever_it_stands() -> None:
    line = replace(Values(), r=b"GET /?user=al%40x HTTP/1.1", cc=b"user=al@x", hr=b"{a|1.2.3.4|b=c; user=al@x}")
    done = hidden(line.line(), NAMES, parameters={"user": "hash"}, cookies={"user": "hash"})
    said = b"user=" + hash_of(b"al@x")
    expected = replace(line, r=b"GET /?" + said + b" HTTP/1.1", cc=said, hr=b"{a|1.2.3.4|b=c; " + said + b"}")
    assert done == expected.line()


def test_without_its_key_what_is_to_be_hashed_is_dropped() -> None:
    line = replace(Values(), cc=b"user=a")
    assert hidden(line.line(), key=None, cookies={"user": "hash"}) == replace(line, cc=b"-").line()


def test_a_header_goes_by_its_name() -> None:
    line = replace(Values(), hr=b"{a.example|192.0.2.7|s=1}", hs=b"{tag}")
    done = hidden(line.line(), NAMES, headers={"X-Forwarded-For": "drop", "etag": "hash"})
    assert done == replace(line, hr=b"{a.example||s=1}", hs=b"{" + hash_of(b"tag") + b"}").line()


def test_a_header_whose_name_nobody_knows_is_dropped_where_another_has_a_rule() -> None:
    line = replace(Values(), hr=b"{a.example|secret}")
    assert hidden(line.line(), headers={"authorization": "drop"}) == replace(line, hr=b"{|}").line()
    assert hidden(line.line(), headers={"authorization": "drop", "*": "keep"}) == line.line()


def test_one_block_that_may_be_of_either_side_is_hidden_as_the_stricter_one() -> None:
    names = Format(name="n", log_format=HTTPLOG, request_captures=("Host",), response_captures=("Location",))
    line = replace(Values(), hr=b"{value}")
    assert hidden(line.line(), names, headers={"location": "drop"}) == replace(line, hr=b"{}").line()


def test_a_label_goes_by_its_name_or_by_what_its_expression_reads() -> None:
    text = "%ci %[var(txn.user)] %[url_param(token)] %[req.cook(sid)] %[url,length] %ST"
    known = Format(name="mine", log_format=text, mode="http")
    done = hidden(
        b"1.2.3.4 alice secret cookie 17 200",
        known,
        labels={"var_txn_user": "hash", "url_length": "hash"},
        parameters={"token": "drop"},
        cookies={"sid": "drop"},
    )
    assert done == b"1.2.3.4 " + hash_of(b"alice") + b" - - - 200"


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({"labels": {"bc_src": "drop"}}, b"- 203.0.113.8"),
        ({"labels": {"*": "hash"}}, b"- -"),
        ({"labels": {"bc_src": "drop"}, "mask_addresses": True}, b"- 203.0.113.0"),
    ],
)
def test_a_label_that_is_an_address_goes_by_its_name_too(rules: dict[str, Any], left: bytes) -> None:
    known = Format(name="own", log_format="%ci:%cp [%tr] %ft %b/%s %ST %[bc_src] %[fc_dst]")
    front = b"192.0.2.0:51234 [21/Nov/2026:01:02:03.004] www shop/s1 200 "
    hider = Hider(Rules(**rules), b"a key of sixteen", (known,))
    assert hider.line(front + b"203.0.113.9 203.0.113.8") == front + left


def test_values_of_json_and_cbor_are_hidden_where_they_stand() -> None:
    known = Format(name="mine", log_format="%{+json}o %(client)ci %(request)r %(h)hrl", mode="http")
    raw = rb'{"client": "192.0.2.1", "request": "GET /?token=\"x HTTP/1.1", "h": ["x", "y"]}'
    done = hidden(raw, known, mask_addresses=True, parameters={"token": "drop"}, headers={"*": "drop"})
    assert done == rb'{"client": "192.0.2.0", "request": "GET / HTTP/1.1", "h": ["", ""]}'


def test_an_event_loses_the_address_of_its_client_alone() -> None:
    raw = b"Connect from 192.0.2.77:33000 to 10.0.0.1:80 (www/HTTP)"
    assert hidden(raw, mask_addresses=True) == raw.replace(b"2.77", b"2.0")


@pytest.mark.parametrize(
    ("unparsed", "after"),
    [
        ("keep", b"from 192.0.2.77 with token=abc, and q=1"),
        ("redact", b"from 192.0.2.0 with token=-, and q=1"),
        ("drop", WITHHELD),
        (None, WITHHELD),
    ],
)
def test_a_line_that_nothing_understands_is_kept_redacted_or_loses_its_text(unparsed: str, after: bytes) -> None:
    header = b"<134>Nov 21 01:02:03 haproxy[4711]: "
    done = hidden(
        header + b"from 192.0.2.77 with token=abc, and q=1",
        mask_addresses=True,
        parameters={"token": "drop"},
        unparsed=unparsed,
    )
    assert done == header + after


def test_of_a_cut_line_the_request_is_hidden_and_anything_else_behind_what_is_sure_is_gone() -> None:
    whole = replace(Values(), r=b"GET /a?token=secret&q=1 HTTP/1.1").line()
    at = whole.index(b"secret")
    assert hidden(whole[: at + 3], parameters={"token": "drop"}) == whole[: at - 7]
    cookie = replace(Values(), cc=b"sid=secret").line()
    at = cookie.index(b"secret")
    assert b"sec" not in hidden(cookie[: at + 3], cookies={"sid": "drop"})


def test_a_line_over_which_this_code_falls_loses_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipper.haproxy.privacy._lines.locate", lambda *_, **__: 1 / 0)
    assert hidden(Values().line(), mask_addresses=True) == WITHHELD


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_a_hidden_line_of_the_samples_is_still_of_its_format(sample: Path) -> None:
    hider = Hider(STRICT.model_copy(update={"unparsed": "keep"}), KEY, ())
    for raw in sample.read_bytes().splitlines():
        before, after = (
            understand(line, Context("UTC", 0), Interpretation()).record for line in (raw, hider.line(raw))
        )
        assert (after.line, after.log_format, after.total_ms) == (before.line, before.log_format, before.total_ms)


@given(any_line, st.booleans())
def test_hiding_a_whole_line_twice_is_hiding_it_once(raw: bytes, with_names: bool) -> None:  # noqa: FBT001 -- drawn
    hider = Hider(STRICT, KEY, (NAMES,) if with_names else ())
    once = hider.line(raw)
    if understand(raw, Context("UTC", 0), Interpretation()).record.truncated != "line":
        assert hider.line(once) == once


def test_the_example_shows_what_each_rule_does() -> None:
    rules = Rules(
        mask_addresses=True, parameters={"token": "drop"}, cookies={"sid": "hash"}, headers={"authorization": "drop"}
    )
    (line, hidden_line), (_, unparsed) = example(rules, KEY)
    assert b"192.0.2.77" in line
    assert b"token=abc" in line
    for secret in (b".77", b"token", b"sid=abc", b"|abc"):
        assert secret not in hidden_line
    assert unparsed == WITHHELD
