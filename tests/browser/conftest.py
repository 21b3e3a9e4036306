"""A real browser for tests: Chromium, driven by playwright, with nothing fetched from elsewhere.

1. A page that logs an error, or raises one, fails its test.
2. What the browser tests bring along (axe, vega) comes from ``package-lock.json`` in this folder: ``npm ci``.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import sync_playwright

from tests.browser.dashboard_site import fill, served
from tests.conftest import cannot_run, delete_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

MODULES: Final = Path(__file__).parent / "node_modules"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a browser for the whole session."""
    binary = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if binary is None:
        cannot_run("there is no chromium; install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a fresh profile: no cookies, no storage, dates in UTC."""
    made = browser.new_context(timezone_id="UTC", locale="en-GB", viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Yield a page of which any error fails the test."""
    errors: list[str] = []
    made = context.new_page()

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            errors.append(message.text)

    made.on("console", listen)
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    assert errors == []


@pytest.fixture(scope="session")
def dashboard_url(elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a dashboard over two hours of a site's traffic, which tests only read."""
    folder = tmp_path_factory.mktemp("dashboard")
    prefix = f"test-{secrets.token_hex(6)}"
    fill(elasticsearch_url, prefix, folder)
    with served(elasticsearch_url, prefix, folder) as url:
        yield url
    with Elasticsearch(elasticsearch_url) as admin:
        delete_all(admin.options(ignore_status=404), f"{prefix}*")


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Give the folder of the npm packages that the tests bring along."""
    if not MODULES.is_dir():
        cannot_run("the npm packages of the browser tests are missing; run make fetch (it needs npm)")
    return MODULES
