"""Which format a line has, and what it says cut at each of its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.formats import STOCK, Format
from shipper.haproxy.stock import NEVER_GUESSED, STOCK_FORMATS
from tests.haproxy import values
from tests.haproxy.lines import HEADERS, Values, interpreted
from tests.haproxy.printing import cbor_line, json_line, named, parts_of

JSON = (
    "%(client_ip)ci %(client_port)cp %(frontend_name)f %(request_date)t %(status_code)ST %(http_request)r"
    " %(captured_request_headers)hr %(retries)rc"
)
CUSTOM = {
    "words": "%ci %cp %[accept_date] %f %b %s %HM %HU %HV %ST %B %Ta %ID !",
    "quoted": "%{+Q}o %t %ci:%{-Q}cp %f %b/%s %r %hr %hs %ID %HM %HU .",
    "escaped": '%{+Q,+E}o %[request_date(us)] %ci %CC %[capture.req.hdr(0)] "%{-Q}ST" .',
    "labelled": "%Ts client=%{+X}ci status=%ST id=%ID trace=%[txn.timer.user] up=%U;",
}
TOLD_APART = st.sampled_from(sorted(STOCK_FORMATS)).flatmap(
    lambda name: st.tuples(st.just(name), values.lines_of(STOCK_FORMATS[name], raw=name != "httpclf"))
)


@settings(max_examples=400)
@given(TOLD_APART)
def test_no_line_fits_two_stock_formats(told: tuple[str, bytes]) -> None:
    name, line = told
    assert [known.name for known in STOCK if known.plan.match(line) is not None] == [name]


@settings(max_examples=50)
@given(values.lines_of(NEVER_GUESSED["httplog-1.6"]))
def test_the_httplog_of_before_1_7_is_never_guessed(line: bytes) -> None:
    assert interpreted(line)["haproxy.log_format"] == "httplog"
    old = Interpretation(formats=(Format(name="old", log_format="httplog-1.6"),))
    assert interpreted(line, interpretation=old)["haproxy.log_format"] == "old"


# -- cut lines -------------------------------------------------------------------------------------------------------

MAY_DIFFER = {
    "haproxy.truncated",
    "event.original",
    "event.original_base64",
    "haproxy.captures_ambiguous",
    "haproxy.http.request.raw_request_line",
    "tls.established",
}
"""What hangs on more than one value, or on that there is a cut."""


def check_cuts(line: bytes, interpretation: Interpretation) -> None:
    """Hold each beginning of a line to what the whole says."""
    whole = interpreted(line, interpretation=interpretation)
    assert whole["haproxy.line"] == "traffic"
    before: set[str] = set()
    for end in range(len(line)):
        cut = interpreted(line[:end], interpretation=interpretation)
        if cut["haproxy.line"] == "unparsed":
            assert before == set(), line[:end]
            continue
        if "haproxy.truncated" not in cut:
            continue  # what is left is a complete line as well
        same = {name: value for name, value in cut.items() if name not in MAY_DIFFER}
        if cut["@timestamp"] in {cut["event.created"], whole["@timestamp"][:19] + ".000000Z"}:
            del same["@timestamp"]  # the date was cut, or its milliseconds
        assert cut["haproxy.truncated"] == "line"
        assert same == {name: whole.get(name) for name in same}, line[:end]
        assert before <= set(cut) - MAY_DIFFER, line[:end]
        before = set(same)


@pytest.mark.parametrize("name", STOCK_FORMATS)
@settings(max_examples=6)
@given(st.data())
def test_a_cut_line_of_a_stock_format_keeps_what_was_complete(name: str, data: st.DataObject) -> None:
    check_cuts(data.draw(values.lines_of(STOCK_FORMATS[name])), Interpretation())


@pytest.mark.parametrize("name", CUSTOM)
@settings(max_examples=8)
@given(st.data())
def test_a_cut_line_of_a_configured_format_keeps_what_was_complete(name: str, data: st.DataObject) -> None:
    known = Interpretation(formats=(Format(name=name, log_format=CUSTOM[name]),))
    check_cuts(data.draw(values.lines_of(CUSTOM[name])), known)


@pytest.mark.parametrize("encoding", ["json", "cbor"])
@settings(max_examples=6)
@given(st.data())
def test_a_cut_line_of_named_values_keeps_what_was_complete(encoding: str, data: st.DataObject) -> None:
    parts = parts_of(JSON)
    members, _ = named(parts, data.draw(values.all_values(parts)))
    line = (json_line if encoding == "json" else cbor_line)(members)
    check_cuts(line, Interpretation(formats=(Format(name="mine", log_format=f"%{{+{encoding}}}o {JSON}"),)))


# -- which lines a format is for -------------------------------------------------------------------------------------


def test_a_format_is_for_its_frontends_and_leaves_the_others_to_the_next() -> None:
    one = Format(name="one", log_format="%ci %f %[var(txn.a)]", frontends=("www", "shop"))
    two = Format(name="two", log_format="%ci %b %[var(txn.b)]")
    known = Interpretation(formats=(one, two))
    assert interpreted(b"10.0.0.1 shop x", interpretation=known)["labels.var_txn_a"] == "x"
    assert interpreted(b"10.0.0.1 api x", interpretation=known)["labels.var_txn_b"] == "x"


def test_a_format_is_for_its_tags() -> None:
    known = Interpretation(formats=(Format(name="mine", log_format="httplog", tags=("h",)),))
    assert interpreted(HEADERS["ipv6 host"] + Values().line(), interpretation=known)["haproxy.log_format"] == "mine"
    assert interpreted(HEADERS["local"] + Values().line(), interpretation=known)["haproxy.log_format"] == "httplog"


@pytest.mark.parametrize(
    ("log_format", "frontends", "reason"),
    [("httpplog", (), "is neither a log-format string nor one of"), ("%ci %b", ("www",), "use tags")],
)
def test_a_format_that_says_nothing_is_refused(log_format: str, frontends: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Format(name="mine", log_format=log_format, frontends=frontends)


def test_quotes_that_a_relay_escaped_are_read_as_quotes() -> None:
    line = Values(cc=b'S="a"').line().replace(b'"', b'\\"')
    document = interpreted(HEADERS["rfc3164"] + line)
    assert (document["haproxy.log_format"], document["url.path"]) == ("httplog", "/item/17")
    assert document["haproxy.http.request.captured_cookie"] == 'S="a"'


FORGED = b'X - - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1" 0/0000000000000000/0/0/0 b'


def test_a_forged_server_name_does_not_hide_the_request() -> None:
    line = Values().line() + b" 0/0000000000000000/0/0/0 a/TLSv1.3/" + FORGED + b"/TLSv1.3/TLS_AES_256_GCM_SHA384"
    document = interpreted(line)
    assert (document["haproxy.log_format"], document["url.path"]) == ("httpslog", "/item/17")
    assert document["tls.client.server_name"] == "a/TLSv1.3/" + FORGED.decode()


def test_a_forged_server_name_makes_no_request_of_a_failed_handshake() -> None:
    name = b'200 1 - - ---- 1/1/0/0/0 0/0 "GET /forged HTTP/1.1" 0/0000000000000000/0/0/0 x'
    line = b"10.0.0.1:1 [21/Nov/2026:01:02:03.004] tls~ 1/1 34/0000000000000000/0/0/0 " + name + b"/TLSv1.3/(NONE)"
    assert interpreted(line)["haproxy.log_format"] == "error"
