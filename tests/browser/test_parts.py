from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

STATIC: Final = Path(__file__).parents[2] / "shipper" / "dashboard" / "static"

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_browser_renders_and_runs_what_it_is_given(page: Page, node_modules: Path) -> None:
    page.set_content("<!doctype html><html lang=en><title>t</title><main><h1>here</h1></main>")
    page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
    found = page.evaluate("axe.run()")
    assert json.dumps(found["violations"]) == "[]"


def test_what_the_page_ships_of_others_is_what_they_published(node_modules: Path) -> None:
    shipped = sorted((STATIC / "vendor").rglob("*.*"))
    assert shipped
    for file in shipped:
        assert file.read_bytes() == (node_modules / file.parent.name.lower() / "dist" / file.name).read_bytes()
    for folder in (STATIC / "vendor").iterdir():
        assert (folder / "LICENSE").is_file()
