"""A line cut at each of its bytes: what was complete stays, nothing is half."""

from __future__ import annotations

import pytest

from shipper.config import Interpretation
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import HEADERS, RECEIVED_US, Values, interpreted

FULL = Values(hr=b"{a.example|curl #7B}", hs=b"{text/html}", r=b"GET /a?x HTTP/1.1")
PLAIN = [Values(), FULL, Values(cp=b"-", s=b"<NOSRV>", timers=(b"-1",) * 4 + (b"+5",), status=b"-1", r=b"<BADREQ>")]
ALWAYS = {"haproxy.truncated", "event.original", "haproxy.captures_ambiguous", "haproxy.http.request.raw_request_line"}


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
@pytest.mark.parametrize("values", PLAIN)
def test_a_cut_line_keeps_what_was_complete_and_never_half_a_value(header: bytes, values: Values) -> None:
    line = header + values.line()
    whole = interpreted(line)
    for end in range(line.index(b"]", len(header)) + 1, len(line)):
        cut = interpreted(line[:end])
        assert cut["haproxy.truncated"] == "line"
        assert cut["event.original"] == line[:end].decode()
        same = {name: value for name, value in cut.items() if name not in ALWAYS}
        if header != HEADERS["structured"]:  # there %Ta helps to tell the offset
            assert same == {name: whole.get(name) for name in same}


def test_a_cut_line_loses_fields_only_from_its_end() -> None:
    line = FULL.line()
    before: set[str] = set()
    for end in range(line.index(b"]") + 1, len(line) + 1):
        now = set(interpreted(line[:end])) - ALWAYS
        assert before <= now
        before = now


@pytest.mark.parametrize(
    ("kept", "field", "value"),
    [
        (b"/2/3/4/15 200 12", "haproxy.bytes_read", None),
        (b"/2/3/4/15 200 1234 ", "haproxy.bytes_read", 1234),
        (b" 6/", "haproxy.backend_queue", None),
        (b" 6/", "haproxy.server_queue", 6),
        (b'"GET /item/17?x=1', "url.original", None),
        (b'"GET /item/17?x=1', "haproxy.http.request.raw_request_line", "GET /item/17?x=1"),
        (b'"GET /item/17?x=1 ', "url.original", "/item/17?x=1"),
        (b'"GET /item/17?x=1 HTTP/1.1', "http.version", None),
    ],
)
def test_a_value_is_there_once_its_end_was_seen(kept: bytes, field: str, value: object) -> None:
    line = Values().line()
    assert interpreted(line[: line.index(kept) + len(kept)]).get(field) == value


FORGED = b'S=a b - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'


@pytest.mark.parametrize("cookie", [b"S=a b", b"S=a -", b"S=a - ----", FORGED])
def test_after_a_cookie_that_goes_on_nothing_is_sure_on_a_cut_line(cookie: bytes) -> None:
    line = Values(cc=cookie, tsc=b"CD--").line()
    for end in range(line.index(b" S=") + 1, len(line)):
        cut = interpreted(line[:end])
        assert cut.get("haproxy.http.request.captured_cookie") is None or b"1/1/0/0/0 0/0" in cookie
        assert cut["haproxy.time.total_ms"] == 15


def test_a_forged_tail_on_a_cut_line_is_not_believed_once_the_real_one_is_in_sight() -> None:
    line = Values(cc=FORGED).line()
    cut = interpreted(line[: line.rindex(b'"')])
    assert "url.original" not in cut
    assert "haproxy.termination_state" not in cut


def test_a_cookie_without_blanks_and_what_follows_are_kept() -> None:
    cut = interpreted(Values(cc=b"S=abc").line()[:-1])
    assert cut["haproxy.http.request.captured_cookie"] == "S=abc"
    assert cut["haproxy.termination_state"] == "--NI"


def test_a_line_that_the_listener_cut_is_flagged_even_where_it_looks_whole() -> None:
    assert interpreted(Values().line(), cut=True)["haproxy.truncated"] == "line"
    assert interpreted(b"what", cut=True)["haproxy.truncated"] == "line"
    assert interpreted(Values().line(), cut=True)["url.path"] == "/item/17"


def test_a_line_cut_inside_its_date_keeps_the_client_and_one_cut_before_it_is_not_understood() -> None:
    line = Values().line()
    document = interpreted(line[: line.index(b"]")])
    assert (document["haproxy.truncated"], document["source.ip"]) == ("line", "10.0.0.1")
    document = interpreted(line[: line.index(b"[") + 1])
    assert document["haproxy.line"] == "unparsed"
    assert "cut" in document["error.message"]


def test_a_cut_line_is_not_kept_where_no_line_is() -> None:
    context = Context("UTC", RECEIVED_US, RECEIVED_US)
    record = understand(Values().line()[:-1], context, Interpretation(keep_original="never")).record
    assert record.event_original is None
