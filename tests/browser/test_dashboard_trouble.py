"""The dashboard when something is wrong: Elasticsearch away, no index, a question that is none, its own server gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard_site import PANELS, RANGE, fill, served, settle, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, ConsoleMessage, Page

    from tests.conftest import OwnElasticsearch


@pytest.fixture
def troubled(context: BrowserContext) -> Iterator[Page]:
    """Yield a page that may hear of failed requests, which Chromium logs as errors, and of no other error."""
    errors: list[str] = []
    made = context.new_page()

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            errors.append(message.text)

    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", listen)
    yield made
    assert errors == []


@pytest.mark.chaos
def test_the_page_says_that_elasticsearch_is_lost_and_finds_it_again(
    troubled: Page, own_elasticsearch: OwnElasticsearch, tmp_path: Path
) -> None:
    node = own_elasticsearch()
    fill(node.url, "shown", tmp_path)
    with served(node.url, "shown", tmp_path) as url:
        show(troubled, url)
        before = troubled.locator("#percentiles .sub").inner_text()
        node.kill_node()
        troubled.keyboard.press("r")
        banner = troubled.locator("#banner")
        expect(banner).to_contain_text("What is shown is of", timeout=20_000)
        expect(troubled.locator("#percentiles .sub")).to_have_text(before)
        assert troubled.evaluate("getComputedStyle(document.querySelector('#rate .body')).opacity") == "0.45"
        node.start_node()
        expect(banner).to_be_hidden(timeout=60_000)
        expect(troubled.locator(".panel[data-state=ready]")).to_have_count(len(PANELS), timeout=60_000)
        expect(troubled.locator("#percentiles .sub")).to_have_text(before)


def test_the_page_says_that_its_own_server_is_gone(
    troubled: Page, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    with served(elasticsearch_url, index_prefix, tmp_path) as url:
        troubled.goto(url)
        expect(troubled.locator("#banner")).to_contain_text("index")
    troubled.keyboard.press("r")
    expect(troubled.locator("#banner")).to_contain_text("The dashboard's own server does not answer.")


def test_without_an_index_the_page_says_what_to_do_and_starts_by_itself(
    troubled: Page, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    with served(elasticsearch_url, index_prefix, tmp_path) as url:
        show(troubled, url)
        expect(troubled.locator("#banner")).to_contain_text("shipper")
        expect(troubled.locator("#rate .message")).to_have_text("Nothing to show yet.")
        fill(elasticsearch_url, index_prefix, tmp_path)
        troubled.goto(f"{url}?{RANGE}")
        settle(troubled)
        expect(troubled.locator("#banner")).to_be_hidden()


def test_a_panel_that_was_too_slow_leaves_the_others_alone_and_tries_again(troubled: Page, dashboard_url: str) -> None:
    slow = {"error": {"kind": "too_slow", "what": "It took too long.", "todo": "Choose a shorter range."}}
    troubled.route("**/api/rate?*", lambda route: route.fulfill(status=504, json=slow), times=1)
    show(troubled, dashboard_url)
    expect(troubled.locator("#rate .message")).to_contain_text("Choose a shorter range.")
    expect(troubled.locator("#heatmap")).to_have_attribute("data-state", "ready")
    expect(troubled.locator("#banner")).to_be_hidden()
    expect(troubled.locator("#rate")).to_have_attribute("data-state", "ready", timeout=20_000)


def test_a_question_that_is_none_is_answered_in_the_panel(troubled: Page, dashboard_url: str) -> None:
    show(troubled, dashboard_url, "from=yesterday&to=now")
    expect(troubled.locator("#rate .message")).to_contain_text("yesterday")
    expect(troubled.locator("#rate").get_by_role("button", name="Try again")).to_be_visible()
    troubled.keyboard.press("n")
    settle(troubled)
    assert "yesterday" not in troubled.url
