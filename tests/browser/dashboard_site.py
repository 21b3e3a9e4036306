"""A dashboard over a made-up site's traffic, which a replay put into Elasticsearch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from elasticsearch import Elasticsearch
from playwright.sync_api import expect

from tests.cli.commands import shipper
from tests.dashboard.test_command import dashboard
from tests.query.lines import settings
from tests.query.panels.site import made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

RANGE: Final = "from=2026-11-20T10:00:00Z&to=2026-11-20T12:00:00Z&zone=utc"
PANELS: Final = (
    "percentiles",
    "phases",
    "rate",
    "heatmap",
    "backends",
    "paths",
    "clients",
    "lines",
    "terminations",
    "pressure",
    "tls",
    "events",
    "health",
)
WIDE: Final = {"width": 1280, "height": 3600}
"""High enough for every panel to be in sight."""
PHONE: Final = {"width": 390, "height": 844}


def fill(elasticsearch: str, prefix: str, folder: Path) -> None:
    """Make the templates, and replay two hours of 20 November 2026."""
    made(settings(elasticsearch, prefix), folder)
    where = ("-e", elasticsearch, "--index-prefix", prefix)
    for command in (("setup", *where), ("replay", *where, "--timezone", "UTC", "--no-verify", folder / "site.log")):
        done = shipper(*command)
        assert done.returncode == 0, done.stderr.decode()
    with Elasticsearch(elasticsearch) as client:
        client.indices.refresh(index=f"{prefix}-*")


@contextmanager
def served(elasticsearch: str, prefix: str, folder: Path) -> Iterator[str]:
    """Give the URL of a dashboard beside which no shipper runs."""
    arguments = ("-e", elasticsearch, "--index-prefix", prefix, "--state-dir", folder)
    with dashboard(*arguments) as (url, _):
        yield url


def show(page: Page, url: str, query: str = RANGE) -> None:
    """Open the page, with every panel in sight, and wait for all of them."""
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(f"{url}?{query}")
    settle(page)


def settle(page: Page) -> None:
    """Wait until no panel waits."""
    expect(page.locator(".panel")).to_have_count(len(PANELS))
    expect(page.locator(".panel[data-state=new], .panel[aria-busy]")).to_have_count(0, timeout=20_000)
