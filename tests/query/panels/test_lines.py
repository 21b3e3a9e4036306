"""Lines and marks, from a real Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.haproxy.explain import explain, read_document
from shipper.query import Phase
from shipper.query._compare import value_at
from shipper.query.panels import UnansweredError
from shipper.query.panels._lines import read_line
from tests.query.panels.site import MARKUP, START_MS, time_of, values

if TYPE_CHECKING:
    from tests.query.panels.site import Site


def test_the_latest_lines_come_first(site: Site) -> None:
    rows = site.panel("lines", order="latest", limit="30")["rows"]
    assert [row["time"] for row in rows] == sorted(map(time_of, site.traffic()), reverse=True)[:30]


@pytest.mark.parametrize("phase", [Phase.TOTAL, Phase.QUEUE])
def test_the_slowest_lines_come_first(site: Site, phase: Phase) -> None:
    rows = site.panel("lines", order="slowest", phase=phase)["rows"]
    assert [row["phase_ms"] for row in rows] == sorted(values(site.traffic(), phase.field), reverse=True)[:50]


def test_lines_within_bounds_of_a_timer_are_those_of_a_cell_of_the_heat_map(site: Site) -> None:
    rows = site.panel("lines", at_least_ms="200", below_ms="2000", limit="500")["rows"]
    within = [value for value in values(site.traffic(), Phase.TOTAL.field) if 200 <= value < 2_000]
    assert sorted(row["phase_ms"] for row in rows) == sorted(within)
    assert 0 < len(within) < 500


@pytest.mark.parametrize(
    "filters",
    [
        {"status": ["5xx"]},
        {"status": ["404", "2xx"], "backend": ["shop"]},
        {"status": ["none"]},
        {"frontend": ["www"], "method": ["POST"]},
        {"server": ["shop-1", "shop-2"], "termination": ["----", "--"]},
        {"path": ["/checkout"]},
        {"backend": ["nobody"]},
    ],
)
def test_filters_leave_the_lines_that_fit_all_of_them(site: Site, filters: dict[str, list[str]]) -> None:
    rows = site.panel("lines", limit="500", **filters)["rows"]
    fitting = sorted((time_of(one) for one in site.traffic(**filters)), reverse=True)
    assert [row["time"] for row in rows] == fitting[:500]
    assert site.panel("rate", **filters)["lines"] == len(fitting)


def test_a_line_is_read_as_the_command_explains_it(site: Site) -> None:
    row = next(row for row in site.panel("lines", status="504")["rows"] if row["path"] == "/slow")
    assert (row["termination"], row["total_ms"]) == ("sH--", 50_001)
    found = line(site, row)
    document = next(one for one in site.documents if value_at(one, "url.path") == "/slow")
    said = explain(read_document(document))
    assert found["document"] == document
    assert found["reading"]["headline"] == said.headline
    assert [one["id"] for one in found["reading"]["findings"]] == [one.id for one in said.findings]
    assert [one["name"] for one in found["reading"]["phases"]] == [one.name for one in said.phases]
    assert found["reading"]["time"] == document["@timestamp"]


def test_markup_in_a_line_stays_text(site: Site) -> None:
    row = next(row for row in site.panel("lines", limit="500", server="shop-2")["rows"] if MARKUP in str(row["path"]))
    assert value_at(line(site, row)["document"], "url.path") == f"/{MARKUP}"


def line(site: Site, row: dict[str, Any]) -> Any:  # noqa: ANN401 -- JSON
    return site.panel("line", index=row["index"], id=row["id"])


def test_a_document_that_others_wrote_is_shown_as_it_is() -> None:
    document = {"@timestamp": "2026-11-21", "message": "GET /", "event": {"original": "raw"}}
    found = read_line(document, {})
    assert (found["reading"], found["document"], found["original"]) == (None, document, "raw")
    assert found["why"].startswith("This document was not written by this version")


def test_a_line_that_is_gone_is_said_to_be(site: Site) -> None:
    row = site.panel("lines")["rows"][0]
    with pytest.raises(UnansweredError, match="not there any more"):
        site.panel("line", index=row["index"], id="gone")


def test_servers_and_reloads_are_marks_on_the_time_axis(site: Site) -> None:
    found = site.panel("events")
    marks = [mark for mark in found["marks"] if START_MS + 1_800_000 <= mark["time"] < START_MS + 1_810_000]
    assert [(mark["kind"], mark["backend"], mark["server"], mark["count"]) for mark in marks] == [
        ("reload", None, None, 2),
        ("up", "api", "api-1", 1),
        ("down", "shop", "shop-3", 1),
    ]
    assert marks[0]["text"].endswith("started. (and 1 more)")
    assert marks[2]["text"].startswith("Server shop/shop-3 is DOWN")
    times = [mark["time"] for mark in found["marks"]]
    assert times == sorted(times, reverse=True)
    assert found["more"] == 0


def test_marks_of_other_backends_go_and_those_of_everybody_stay(site: Site) -> None:
    marks = site.panel("events", backend="shop")["marks"]
    assert {mark["backend"] for mark in marks} == {None, "shop"}
