"""Who may ask, how, and what every answer says to the browser."""

from __future__ import annotations

import pytest

from shipper.limits import DASHBOARD_QUERY_STRING_BYTES_MAX
from tests.dashboard.browsing import MARKUP, Browser

EVERYTHING = (
    "/",
    "/static/index.html",
    "/static/vendor",
    "/nothing",
    "/api/echo",
    "/api/away",
    "/api/bug",
    "/api/none",
)
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", EVERYTHING)
def test_every_answer_lets_the_browser_run_nothing_but_the_pages_own_files(method: str, path: str) -> None:
    client = Browser()
    headers = client.request(method, path).headers
    assert set(headers["content-security-policy"].split("; ")) == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-store" if path.startswith("/api/") else "no-cache")
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_only_reading_is_answered(method: str) -> None:
    client = Browser()
    answer = client.request(method, "/api/echo", content=b"{}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8899",
        "evil.example:8899",
        "user@localhost",
        "localhost:8899:80",
        "localhost:x",
        "localhost/",
        "localhost?",
        "[::1",
        "192.0.2.7",
        "",
        " ",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/echo", "/static/index.html"])
def test_a_name_that_is_not_known_gets_nothing(host: str, path: str) -> None:
    client = Browser()
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert "--allowed-host" in answer.json()["error"]["todo"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1:8899", "[::1]:8899", "localhost."])
def test_this_machines_own_names_are_known_behind_any_port(host: str) -> None:
    client = Browser()
    assert client.get("/api/echo", headers={"host": host}).status_code == 200


def test_names_that_were_allowed_are_known() -> None:
    client = Browser("192.0.2.7", "logs.example.org", "Other.Example")
    for host in ("192.0.2.7:8899", "logs.example.org", "other.example:443"):
        assert client.get("/api/echo", headers={"host": host}).status_code == 200
    assert client.get("/api/echo", headers={"host": "example.org"}).status_code == 421


def test_the_address_that_a_connection_came_to_is_known() -> None:
    client = Browser("0.0.0.0", base="http://192.0.2.7:8899")
    assert client.get("/api/echo").status_code == 200
    assert client.get("/api/echo", headers={"host": "192.0.2.8"}).status_code == 421


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_other_sites_may_not_ask_and_may_link_to_the_page(site: str, status: int) -> None:
    client = Browser()
    assert client.get("/api/echo", headers={"sec-fetch-site": site}).status_code == status
    assert client.get("/", headers={"sec-fetch-site": site}).status_code == 200


def test_parameters_have_a_bound() -> None:
    client = Browser()
    assert client.get("/api/echo", params={"path": "x" * DASHBOARD_QUERY_STRING_BYTES_MAX}).status_code == 414


def test_markup_in_a_value_is_json_of_a_type_that_nothing_runs() -> None:
    client = Browser()
    answer = client.get("/api/echo", params={"path": MARKUP})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"path": [MARKUP]}


def test_nothing_that_was_sent_is_in_a_refusal() -> None:
    client = Browser()
    for answer in (
        client.get(f"/{MARKUP}"),
        client.get(f"/api/{MARKUP}"),
        client.get("/", headers={"host": MARKUP}),
        client.request(MARKUP, "/"),
    ):
        assert answer.status_code >= 400
        assert "<" not in answer.text
