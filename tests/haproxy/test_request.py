"""The usual request takes a shorter way, to the same fields."""

from __future__ import annotations

import re
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from shipper.haproxy import request

PIECES = [
    b" ",
    b"/",
    b"?",
    b"#",
    b"#22",
    b'"',
    b"%20",
    b"a",
    b"7",
    b"deadbeef",
    b"\\",
    b"\xff",
    b"\x01",
    b"://",
    b"@",
    b"=",
]
words = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)
methods = st.sampled_from([b"GET", b"POST", b"CONNECT", b"X-Y", b"get", b"", b"<BADREQ>"])
requests = st.builds(
    lambda method, uri, version: b" ".join((method, uri, version)),
    methods,
    st.one_of(words, words.map(b"/".__add__)),
    st.sampled_from([b"HTTP/1.1", b"HTTP/2.0", b"HTTP/1", b"HTTP/11", b""]),
)


@given(requests)
@example(b"GET / HTTP/1.1")
@example(b"GET /? HTTP/1.1")
@example(b"GET /a?b?c HTTP/1.1")
def test_the_shorter_way_gives_what_the_longer_gives(line: bytes) -> None:
    short = request.read_request(line)
    with mock.patch.object(request, "_USUAL", re.compile(rb"(?!)")):
        assert request.read_request(line) == short


def test_a_usual_request_takes_the_shorter_way() -> None:
    with mock.patch.object(request, "_method_and_uri", side_effect=AssertionError):
        assert request.read_request(b"GET /a/7?b=c HTTP/1.1") == {
            "http_request_method": "GET",
            "http_version": "1.1",
            "url_original": "/a/7?b=c",
            "url_path": "/a/7",
            "url_path_pattern": "/a/*",
            "url_query": "b=c",
        }
