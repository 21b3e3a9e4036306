"""A line cut at each of its bytes: what was complete stays, nothing is half."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipper.config import Interpretation
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import HEADERS, RECEIVED_US, Values, interpreted
from tests.haproxy.test_events import EVENTS

FULL = Values(hr=b"{a.example|curl #7B}", hs=b"{text/html}", r=b"GET /a?x HTTP/1.1")
PLAIN = [Values(), FULL, Values(cp=b"-", s=b"<NOSRV>", timers=(b"-1",) * 4 + (b"+5",), status=b"-1", r=b"<BADREQ>")]
ALWAYS = {"haproxy.truncated", "event.original", "haproxy.captures_ambiguous", "haproxy.http.request.raw_request_line"}
SAMPLES = Path(__file__).parents[2] / "samples"
MESSAGES = [line.split(b"]: ", 1)[1] for line in (SAMPLES / "events-local.log").read_bytes().splitlines()]
WITHOUT_END = ["another version", "haproxy version is ", "SSL handshake failure (error"]
"""What they name has no end that could be seen, or is whole without the rest."""


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


@pytest.mark.parametrize("message", dict.fromkeys(MESSAGES), ids=lambda message: message[:60].decode())
@pytest.mark.parametrize("cut", [False, True])
def test_a_cut_event_of_a_real_haproxy_has_no_value_that_the_whole_one_has_not(message: bytes, *, cut: bool) -> None:
    seems_whole = held_to_the_whole(HEADERS["rfc5424"], message, cut=cut)
    assert not cut or not seems_whole
    assert all(beginning.endswith(b".") for beginning in seems_whole)
    assert len(seems_whole) <= 1


@pytest.mark.parametrize(
    "message",
    [message for _, message, _ in EVENTS if not any(words in message for words in WITHOUT_END)],
    ids=lambda message: message[:60],
)
def test_a_cut_event_has_no_value_that_the_whole_one_has_not(message: str) -> None:
    held_to_the_whole(HEADERS["local"], message.encode(), cut=False)


def held_to_the_whole(header: bytes, message: bytes, *, cut: bool) -> list[bytes]:
    """Cut a message everywhere; give the beginnings that are not told from a whole one."""
    whole = interpreted(header + message)
    assert "haproxy.truncated" not in whole
    traffic_until = message.find(b"/", message.index(b"]")) if b"] " in message else 0
    seems_whole = []
    for end in range(1, len(message)):
        found = interpreted(header + message[:end], cut=cut)
        if found["haproxy.line"] == "event":
            same = {name: value for name, value in found.items() if name not in ALWAYS | {"message"}}
            assert same == {name: whole.get(name) for name in same}
            if found.get("haproxy.truncated") != "line":
                seems_whole.append(message[:end])
        else:
            assert found["haproxy.line"] == "unparsed" or end <= traffic_until
    return seems_whole
