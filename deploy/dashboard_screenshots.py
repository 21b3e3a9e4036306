"""Makes the pictures in docs/images: `python -m deploy.dashboard_screenshots`.

A local Elasticsearch gets 27 hours of made-up traffic from a replay; Chromium looks at the last three of them, on the
dashboard. The traffic and the range are fixed, so a picture changes with the page and with nothing else.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from playwright.sync_api import expect, sync_playwright

from deploy.local_elasticsearch import LocalElasticsearch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
SHIPPER: Final = str(Path(sys.executable).with_name("shipper"))
TRAFFIC: Final = ("--start", "2026-11-19T09:00:00Z", "--seconds", "97200", "--rate", "1.5", "--seed", "11")
RANGE: Final = "from=2026-11-20T09:00:00Z&to=2026-11-20T12:00:00Z&zone=utc"
DESKTOP: Final = (1360, 1180)
PHONE: Final = (390, 844)
PICTURES: Final[tuple[tuple[str, Literal["light", "dark"], tuple[int, int], str], ...]] = (
    ("dashboard-light", "light", DESKTOP, RANGE),
    ("dashboard-dark", "dark", DESKTOP, f"{RANGE}&compare=day&backend=shop&phase=response"),
    ("dashboard-phone", "light", PHONE, RANGE),
)


def main() -> None:
    """Make them all."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, LocalElasticsearch(heap="512m") as node:
        _fill(node.url, Path(folder))
        with _served(node.url, folder) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            _picture(browser, url)


def _fill(url: str, folder: Path) -> None:
    capture = folder / "capture.log"
    where = ("-e", url, "--timezone", "UTC")
    made = ("generate", "--format", "httpslog", "--header", "rfc5424", "--timezone", "UTC", *TRAFFIC, "-o", capture)
    for command in (made, ("setup", "-e", url), ("replay", *where, capture)):
        subprocess.run([SHIPPER, *command], check=True)


@contextmanager
def _served(elasticsearch: str, state_dir: str) -> Iterator[str]:
    command = [SHIPPER, "dashboard", "-e", elasticsearch, "--state-dir", state_dir, "--listen", "http://127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 -- it is a pipe
            yield re.findall(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()


def _picture(browser: Browser, url: str) -> None:
    for name, scheme, (width, height), query in PICTURES:
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}, timezone_id="UTC", reduced_motion="reduce"
        )
        page = context.new_page()
        _show(page, f"{url}?{query}")
        page.screenshot(path=IMAGES / f"{name}.png")
        if name == "dashboard-light":
            page.locator("#lines").scroll_into_view_if_needed()
            page.locator("#lines tbody a").first.click()
            expect(page.locator("#line .headline")).to_be_visible()
            page.screenshot(path=IMAGES / "dashboard-request.png", clip={"x": 0, "y": 0, "width": width, "height": 800})
        context.close()


def _show(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#percentiles")).to_have_attribute("data-state", "ready", timeout=30_000)
    expect(page.locator("[aria-busy]")).to_have_count(0, timeout=30_000)


if __name__ == "__main__":
    main()
