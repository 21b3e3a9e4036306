"""The committed files: that they are what is generated, whole, and about fields that there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from deploy.dashboards._files import FOLDER, files
from deploy.dashboards._kibana import VERSIONS
from deploy.dashboards._vocabulary import BLAME, EVENTS, HDR
from shipper.query import Dimension
from shipper.query.panels import _events, _search
from shipper.setup._templates import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
FIELDS: Final = frozenset(mapping()["properties"])
_NAME: Final = re.compile(r"(?<![.\w])(?:haproxy|http|url|event|tls|source|error|log|observer)\.[a-z_]+(?:\.[a-z_]+)*")
_NOT_FIELDS: Final = {"haproxy.cfg", "haproxy.ndjson"}
KIBANA: Final = [json.loads(line) for line in (FOLDER / "kibana" / "haproxy.ndjson").read_text().splitlines()]
OWN: Final = "shipper"
"""The dashboard of shipper itself, which asks Prometheus."""
BOARDS: Final = {
    path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "grafana").glob("*.json")) if path.stem != OWN
}


def strings(value: object) -> Iterator[str]:
    """Give every string in it, those that are JSON taken apart, and every key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        if value[:1] in {"{", "["}:
            try:
                yield from strings(json.loads(value))
            except ValueError:
                yield value
        else:
            yield value


def test_the_committed_files_are_what_is_generated() -> None:
    committed = {path for path in FOLDER.rglob("*") if path.is_file() and path.name != "README.md"}
    made = files()
    assert committed == set(made)
    changed = [path.name for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    assert changed == [], "run `python -m deploy.dashboards`"


@pytest.mark.parametrize("board", [KIBANA, *BOARDS.values()], ids=["kibana", *BOARDS])
def test_every_field_that_is_named_is_one_of_the_mapping(board: Any) -> None:  # noqa: ANN401 -- JSON can be anything
    named = {name for text in strings(board) for name in _NAME.findall(text)} - _NOT_FIELDS
    assert len(named) > 5
    assert named <= FIELDS


def test_documents_are_taken_apart_along_fields_of_the_mapping() -> None:
    path = re.compile(r"datum\._source((?:\['[^']+'\]|\.[a-z_]+)+)")
    found = {".".join(re.findall(r"[a-z_@]+", steps)) for text in strings(KIBANA) for steps in path.findall(text)}
    assert {name for name in found if not any(field.startswith(f"{name}.") for field in FIELDS)} <= FIELDS
    assert "haproxy.termination_state" in found


def test_blame_and_marks_are_those_of_the_page() -> None:
    assert {who: values for who, (values, _) in BLAME.items()} == {
        who: tuple(sorted(values, key=list(BLAME[who][0]).index)) for who, values in _search.BLAME.items()
    }
    kinds = {action: kind for kind, (actions, _) in EVENTS.items() for action in actions}
    assert kinds == {action: kind for action, kind in _events._KINDS.items() if kind != "other"}


# -- Kibana ----------------------------------------------------------------------------------------------------------


def test_every_object_is_of_a_version_that_kibana_8_19_and_9_know() -> None:
    assert {each["coreMigrationVersion"] for each in KIBANA} == {"8.8.0"}
    assert {each["type"]: each["typeMigrationVersion"] for each in KIBANA} == VERSIONS


def test_every_reference_leads_to_an_object_of_the_file() -> None:
    known = {(each["type"], each["id"]) for each in KIBANA}
    assert len(known) == len(KIBANA)
    for each in KIBANA:
        assert {(pointer["type"], pointer["id"]) for pointer in each["references"]} <= known


def test_the_dashboard_shows_every_panel_once_and_none_over_another() -> None:
    [board] = [each for each in KIBANA if each["type"] == "dashboard"]
    panels = json.loads(board["attributes"]["panelsJSON"])
    pointers = {pointer["name"]: pointer["id"] for pointer in board["references"]}
    shown = [pointers[f"{panel['panelIndex']}:{panel['panelRefName']}"] for panel in panels]
    assert sorted(shown) == sorted(each["id"] for each in KIBANA if each["type"] == "visualization")
    taken = [
        (x, y)
        for place in (panel["gridData"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 48


def test_the_controls_filter_by_every_dimension() -> None:
    [board] = [each for each in KIBANA if each["type"] == "dashboard"]
    controls = json.loads(board["attributes"]["controlGroupInput"]["panelsJSON"])
    assert {control["explicitInput"]["fieldName"] for control in controls.values()} == {by.field for by in Dimension}
    pointers = {pointer["name"] for pointer in board["references"]}
    assert {f"controlGroup_{name}:optionsListDataView" for name in controls} <= pointers


# -- Grafana ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_links_lead_to_dashboards_and_variables_that_there_are(board: dict[str, Any]) -> None:
    uids = {each["uid"]: {v["name"] for v in each["templating"]["list"]} for each in BOARDS.values()}
    for link in (text for text in strings(board) if text.startswith("/d/")):
        uid, variables = re.findall(r"^/d/([a-z-]+)\?", link)[0], re.findall(r"var-([a-z]+)=", link)
        assert uid in uids
        assert set(variables) <= uids[uid]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_panel_takes_the_data_source_and_the_variables_of_its_dashboard(board: dict[str, Any]) -> None:
    known = {each["name"] for each in board["templating"]["list"]}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            assert panel["datasource"] == target["datasource"] == {"type": "elasticsearch", "uid": "${datasource}"}
            assert set(re.findall(r"\$\{?([a-z]+)", target["query"])) <= known
            assert target["refId"] == "A"


def test_every_percentile_that_grafana_asks_for_is_counted_in_an_hdr_histogram() -> None:
    metrics = [m for b in BOARDS.values() for p in b["panels"] for t in p.get("targets", []) for m in t["metrics"]]
    asked = [metric["settings"] for metric in metrics if metric["type"] == "percentiles"]
    assert asked
    assert [settings["hdr"] for settings in asked] == [HDR] * len(asked)


def test_what_grafana_cannot_ask_for_is_said_in_the_dashboards_with_percentiles() -> None:
    for name in ("overview", "phases"):
        [said] = [panel["options"]["content"] for panel in BOARDS[name]["panels"] if panel["type"] == "text"]
        assert "cannot" in said
        assert "shipper percentiles" in said


def test_the_dashboards_travel_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]["dashboards"] == "shipper/dashboards"
