"""What Kibana does to a Vega specification before it draws it: fills in range and filters, searches, hands over.

Written after Kibana's documentation ("Vega reference", "Writing Elasticsearch queries in Vega"): its words are
``%timefilter%`` with `shift` and `unit`, ``%autointerval%``, and the three ``%dashboard_context-…_clause%``.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.dashboards.conftest import Filled

_DAY_MS: Final = 86_400_000
_UNITS_MS: Final = {"day": _DAY_MS}
_ROUNDED: Final = ((500, "100ms"), (5_000, "1s"), (7_500, "5s"), (15_000, "10s"), (45_000, "30s"), (180_000, "1m"))
_LONGER: Final = ((450_000, "5m"), (1_200_000, "10m"), (2_700_000, "30m"), (7_200_000, "1h"), (21_600_000, "3h"))

DRAW: Final = """async (spec) => {
  const said = [];
  const logger = { level: () => logger, error: (...m) => (said.push(m.join(" ")), logger),
    warn: (...m) => (said.push(m.join(" ")), logger), info: () => logger, debug: () => logger };
  const compiled = vegaLite.compile(spec, { logger }).spec;
  document.body.replaceChildren(Object.assign(document.createElement("div"), { id: "panel" }));
  const view = new vega.View(vega.parse(compiled), { renderer: "canvas", logger, hover: true });
  await view.initialize("#panel").runAsync();
  const drawn = {};
  const walk = (group) => {
    for (const mark of group.items || []) {
      for (const item of mark.items || []) {
        if (mark.role === "mark" && mark.marktype !== "group") {
          const layer = mark.name || mark.marktype;
          drawn[layer] = (drawn[layer] || 0) + 1;
        }
        if (item.items) walk(item);
      }
    }
  };
  for (const group of view.scenegraph().root.items) walk(group);
  const texts = [];
  const read = (node) => {
    if (node.text !== undefined) texts.push(String(node.text));
    (node.items || []).forEach(read);
  };
  read(view.scenegraph().root);
  return { drawn, said, texts };
}"""


def searches(spec: object) -> Iterator[dict[str, Any]]:
    """Give every object of a specification whose data Kibana fetches."""
    if isinstance(spec, dict):
        if isinstance(spec.get("url"), dict):
            yield spec
        for value in spec.values():
            yield from searches(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from searches(value)


def resolve(value: Any, filled: Filled, key: str = "") -> Any:  # noqa: ANN401 -- JSON can be anything
    """Put Kibana's values in the places of its words; a dashboard without filters gives no clause."""
    if isinstance(value, list):
        return [resolve(each, filled) for each in value if not str(each).startswith("%dashboard_context-")]
    if not isinstance(value, dict):
        return value
    if "%timefilter%" in value:
        return _in_time(value, filled)
    found = {name: resolve(inner, filled, name) for name, inner in value.items()}
    if key == "date_histogram":
        slots = found.pop("interval")["%autointerval%"]
        found["fixed_interval"] = _rounded((filled.to_ms - filled.from_ms) / slots)
    return found


def fetch(spec: dict[str, Any], filled: Filled, index: str) -> dict[str, Any]:
    """Give the specification with the answers in it, as Vega gets it."""
    told = copy.deepcopy(spec)
    told.get("config", {}).pop("kibana", None)
    for place in list(searches(told)):  # a document has a `url` of its own
        request = place["url"]
        assert request["index"] == index
        place["values"] = filled.search(resolve(request["body"], filled))
    return told


def draw(page: Page, node_modules: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Draw a specification in the page as it is; give the items of each mark, what Vega said, and the texts."""
    if not page.evaluate("typeof vega === 'object'"):
        page.set_content("<!doctype html><html lang=en><title>panel</title><body></body></html>")
        page.add_script_tag(path=node_modules / "vega" / "build" / "vega.min.js")
        page.add_script_tag(path=node_modules / "vega-lite" / "build" / "vega-lite.min.js")
    sized = {"autosize": {"type": "fit", "contains": "padding"}, "width": 900, "height": 320, "background": "white"}
    found: dict[str, Any] = page.evaluate(DRAW, json.loads(json.dumps({**spec, **sized})))
    return found


def _in_time(value: dict[str, Any], filled: Filled) -> Any:  # noqa: ANN401 -- a moment or a range
    shift = value.get("shift", 0) * _UNITS_MS[value.get("unit", "day")]
    bounds = {"min": filled.from_ms + shift, "max": filled.to_ms + shift}
    if value["%timefilter%"] is not True:
        return bounds[value["%timefilter%"]]
    return {"gte": _iso(bounds["min"]), "lte": _iso(bounds["max"]), "format": "strict_date_optional_time"}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rounded(ms: float) -> str:
    return next((text for most, text in (*_ROUNDED, *_LONGER) if ms <= most), "12h")
