"""The page, its files and its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper.dashboard import Trouble
from shipper.dashboard._contract import STATUSES
from tests.dashboard.browsing import Browser

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_and_its_files_are_served(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>x</title>")
    (tmp_path / "app.js").write_text("export {};")
    client = Browser(static=tmp_path)
    page, script = client.get("/?from=now-1h"), client.get("/static/app.js")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


@pytest.mark.parametrize(
    "path", ["/static/../secret", "/static/%2e%2e/secret", "/static/..%2fsecret", "/static//etc/passwd", "/secret"]
)
def test_no_other_file_is_served(tmp_path: Path, path: str) -> None:
    static = tmp_path / "static"
    static.mkdir()
    (static / "index.html").write_text("page")
    (tmp_path / "secret").write_text("secret")
    (static / "linked").symlink_to(tmp_path / "secret")
    client = Browser(static=static)
    for asked in (path, "/static/linked"):
        answer = client.get(asked)
        assert (answer.status_code, "secret" in answer.text) == (404, False)


def test_parameters_come_as_they_were_given_each_as_often() -> None:
    client = Browser()
    answer = client.get("/api/echo?backend=shop&backend=api&path=%2Fa%26b&empty=")
    assert answer.json() == {"backend": ["shop", "api"], "path": ["/a&b"], "empty": [""]}


def test_what_no_encoding_can_hold_is_answered_all_the_same() -> None:
    assert Browser().get("/api/half").json() == {"text": "?"}


def test_trouble_is_said_with_its_status() -> None:
    client = Browser()
    away, wrong = client.get("/api/away"), client.get("/api/wrong")
    assert away.status_code == 503
    assert away.json() == {"error": {"kind": "unreachable", "what": "Nothing answers.", "todo": "Wait."}}
    assert (wrong.status_code, wrong.json()["error"]["kind"]) == (400, "bad_request")


@pytest.mark.parametrize("kind", STATUSES)
def test_every_kind_of_trouble_is_a_fault_of_http_too(kind: str) -> None:
    assert 400 <= Trouble(kind, "", "").status < 600


def test_what_is_no_panel_is_said_not_to_be() -> None:
    client = Browser()
    assert client.get("/api/_search").status_code == 400
    assert client.get("/api/echo/_search").status_code == 404


def test_a_bug_tells_nothing_of_the_inside() -> None:
    client = Browser()
    answer = client.get("/api/bug")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
