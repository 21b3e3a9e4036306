"""Percentiles, phases and the heat map, against the same counted by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from shipper.query import Phase
from tests.query.panels.site import DAY_MS, END_MS, HOUR_MS, INTERVAL_MS, START_MS, is_near, of_slots, per_slot, values

if TYPE_CHECKING:
    from tests.query.panels.site import Site

SHOWN = ("50", "75", "90", "95", "99", "99.9", "max")


@pytest.mark.parametrize("phase", list(Phase))
def test_percentiles_are_those_of_the_lines_with_the_phases_timer(site: Site, phase: Phase) -> None:
    found = site.panel("percentiles", phase=phase)
    timed = [document for document in site.traffic() if values([document], phase.field)]
    assert (found["lines"], found["population"]) == (len(site.traffic()), len(timed))
    assert 0 < len(timed) < len(site.traffic()) or phase is Phase.TOTAL
    assert tuple(found["whole"]) == SHOWN
    for percent in SHOWN[:-1]:
        assert is_near(found["whole"][percent], timed, phase, percent)
    assert found["whole"]["max"] == max(values(timed, phase.field))


def test_percentiles_of_each_slot_are_those_of_its_lines(site: Site) -> None:
    found = site.panel("percentiles")
    slots = of_slots(site.traffic(), tuple)
    assert found["window"] == {"from": START_MS, "to": END_MS, "interval_ms": INTERVAL_MS}
    assert found["times"] == list(range(START_MS, END_MS, INTERVAL_MS))
    assert found["counts"] == per_slot(site.traffic())
    for percent in SHOWN[:-1]:
        for value, slot in zip(found["percentiles"][percent], slots, strict=True):
            assert isinstance(slot, tuple)
            assert is_near(value, slot, Phase.TOTAL, percent)


def test_a_slot_without_lines_has_no_percentiles(site: Site) -> None:
    found = site.panel("percentiles", **{"from": str(END_MS + HOUR_MS), "to": str(END_MS + 2 * HOUR_MS)})
    assert (found["lines"], found["population"]) == (0, 0)
    assert found["whole"] == dict.fromkeys(SHOWN)
    assert all(set(column) == {None} for column in found["percentiles"].values())
    assert len(found["percentiles"]["50"]) == len(found["times"])


@pytest.mark.parametrize(("shift", "ms"), [("day", DAY_MS), ("week", 7 * DAY_MS)])
def test_an_earlier_time_is_moved_onto_the_window_that_is_looked_at(site: Site, shift: str, ms: int) -> None:
    later = {"from": str(START_MS + ms), "to": str(END_MS + ms)}
    found, now = site.panel("percentiles", shift=shift, **later), site.panel("percentiles")
    assert found["times"] == [time + ms for time in now["times"]]
    assert (found["whole"], found["percentiles"]) == (now["whole"], now["percentiles"])


def test_all_phases_come_in_their_order_each_with_its_population(site: Site) -> None:
    found = site.panel("phases")
    assert [row["phase"] for row in found["rows"]] == list(Phase)
    for row in found["rows"]:
        alone = site.panel("percentiles", phase=row["phase"])
        assert {name: row[name] for name in SHOWN} == alone["whole"]
        assert row["population"] == alone["population"]


@pytest.mark.parametrize("phase", [Phase.TOTAL, Phase.QUEUE])
def test_the_heat_map_counts_every_timer_once(site: Site, phase: Phase) -> None:
    found = site.panel("heatmap", phase=phase)
    timed = [document for document in site.traffic() if values([document], phase.field)]
    bounds = [*found["bounds_ms"], float("inf")]
    rows = []
    for low, high in pairwise(bounds):
        rows.append(per_slot([document for document in timed if low <= values([document], phase.field)[0] < high]))
    assert found["counts"] == [list(slot) for slot in zip(*rows, strict=True)]
    assert sum(map(sum, found["counts"])) == len(timed)
