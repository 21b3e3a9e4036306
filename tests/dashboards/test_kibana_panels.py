"""Every Vega panel: its searches run against a real Elasticsearch, its marks are drawn in a real browser."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.dashboards.kibana_vega import draw, fetch

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.dashboards.conftest import Filled

FILE: Final = Path(__file__).parents[2] / "dashboards" / "kibana" / "haproxy.ndjson"
OBJECTS: Final[list[dict[str, Any]]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
SPECS: Final[dict[str, dict[str, Any]]] = {
    each["id"]: json.loads(json.loads(each["attributes"]["visState"])["params"]["spec"])
    for each in OBJECTS
    if each["type"] == "visualization"
}
SCREENSHOTS: Final = os.environ.get("SCREENSHOTS")
"""A folder, to look at the panels."""


@pytest.mark.parametrize("name", SPECS)
def test_a_panel_is_drawn_with_what_elasticsearch_answers(
    name: str,
    filled: Filled,
    page: Page,
    node_modules: Path,
) -> None:
    spec = fetch(SPECS[name], filled, "haproxy-*")
    found = draw(page, node_modules, spec)
    if SCREENSHOTS:
        page.locator("#panel").screenshot(path=Path(SCREENSHOTS) / f"{name}.png")
    assert found["said"] == []
    assert found["drawn"]
    assert all(count for count in found["drawn"].values())
