"""Every line that a real HAProxy writes when it is provoked is understood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.provoke import FORGED, STATES, documents, provoke

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.haproxy, pytest.mark.timeout(60)]
Lines = dict[tuple[str, str], list[bytes]]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    return provoke(tmp_path_factory.mktemp("provoked"))


def read(raws: list[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    return zip(raws, map(json.loads, documents(raws)), strict=True)


def requests(lines: Lines, holding: bytes) -> list[str | None]:
    """Give the URLs in the documents of lines that hold something."""
    found = [raw for (_, header), raws in lines.items() if header == "rfc5424" for raw in raws if holding in raw]
    return [document.get("url", {}).get("original") for _, document in read(found)]


def test_no_line_is_left_without_a_type(lines: Lines) -> None:
    unknown = [raw for raws in lines.values() for raw, d in read(raws) if d["haproxy"]["line"] == "unparsed"]
    assert unknown == []


def test_every_header_carries_as_many_lines(lines: Lines) -> None:
    counts = {(name, len(raws)) for (name, _), raws in lines.items()}
    assert len(counts) == len({name for name, _ in lines})
    assert all(count for _, count in counts)


def test_no_line_is_said_to_be_cut_that_is_not(lines: Lines) -> None:
    whole = [raw for (_, header), raws in lines.items() if not header.startswith("cut-") for raw in raws]
    cut = [raw for raw, document in read(whole) if document["haproxy"].get("truncated") == "line"]
    assert cut == []


def test_captures_of_a_clf_line_are_told_from_its_cookies(lines: Lines) -> None:
    found = [
        (said["request"].get("captured_cookie"), said["request"]["captured_headers"], said["response"])
        for _, document in read([raw for raw in lines["httpclf", "local"] if b'"apache-captured"' in raw])
        if "captured_headers" in (said := document["haproxy"].get("http", {})).get("request", {})
    ]
    answer = {"captured_headers": ["text/html", ""], "headers": {"content_type": "text/html"}}
    expected = [
        ("S=two words", ["a.example", '"a" b'], answer | {"captured_cookie": "S=two words"}),
        (FORGED.decode(), ["a.example", ""], answer),
        (None, ["a.example", ""], answer),
        (None, ["a.example", ""], answer),
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)  # two threads of HAProxy write in no order


def test_every_termination_state_comes_and_is_read(lines: Lines) -> None:
    whole = [raw for (_, header), raws in lines.items() if header == "local" for raw in raws]
    assert {document["haproxy"].get("termination_state") for _, document in read(whole)} >= STATES


def test_a_forged_cookie_or_server_name_does_not_hide_the_request(lines: Lines) -> None:
    assert set(requests(lines, b"GET /forged")) == {"/real", "/forged-sni"}


def test_a_line_says_the_same_under_every_header(lines: Lines) -> None:
    for name in {name for name, _ in lines}:
        said = [
            sorted(json.dumps(document["haproxy"] | {"url": document.get("url")}) for _, document in read(raws))
            for raws in (lines[name, header] for header in ("local", "rfc3164", "priority", "short", "raw"))
        ]  # in no order: two threads of HAProxy may write to two targets in another
        assert all(each == said[0] for each in said)
