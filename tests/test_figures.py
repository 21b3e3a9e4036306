"""The figures in the documentation: measured in one place, and the same wherever they are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from shipper.limits import MIB, SHARD_BYTES_MAX, UNSETTLED_BYTES_MAX
from shipper.setup import _templates

ROOT: Final = Path(__file__).parents[1]
PERFORMANCE: Final = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
SCALE: Final = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
UNITS: Final = {"million": 1e6, "billion": 1e9, "MB/s": 1e6, "GB": 1e9, "TB": 1e12}
DAY_S: Final = 86_400
ENTRY_BYTES: Final = 12
"""What a line takes in the journal beside its own bytes."""


def table(page: str, heading: str) -> list[list[str]]:
    """Give the cells of the first table below a heading; its head is the first row."""
    _, found, below = f"\n{page}".partition(f"\n{heading}\n")
    rows = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert found, heading
    assert rows is not None, heading
    head, _, *body = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows[0].splitlines())
    return [head, *body]


def number(text: str) -> float:
    found = re.match(r"([0-9.,]+) ?([A-Za-z/]*)", text)
    assert found is not None, text
    return float(found[1].rstrip(",").replace(",", "")) * UNITS.get(found[2], 1)


def measured(what: str) -> str:
    """Give a figure of the way into Elasticsearch."""
    return next(figure for name, figure in table(PERFORMANCE, "## Into Elasticsearch") if name == what)


def test_the_readme_tells_what_was_measured_beside_the_peers() -> None:
    figures = {
        (name, offered.partition(" (")[0]): f"{cpu}, {memory}" + ("" if lost == "none" else f", {lost} lost")
        for name, offered, lost, cpu, memory, *_ in table(PERFORMANCE, "## Beside its peers")
    }
    (_, *rates), *rows = table(README, "## What it costs")
    assert [name for name, *_ in rows] == ["shipper, native", "rsyslog", "syslog-ng"]
    for name, *told in rows:
        assert told == [figures.get((name, f"{rate} for 10 s"), "") for rate in rates], name


def test_the_sizes_follow_from_what_was_measured() -> None:
    here = {what: number(figure) for what, _, figure in table(SCALE, "# Scale")[1:]}
    line, stored = here["bytes of a line"], here["bytes of a line in the index"]
    sent = number(table(PERFORMANCE, "## Beside its peers")[1][5])
    assert stored == number(measured("bytes on disk a line, shipper's mapping"))
    for text, *told, shards in table(SCALE, "## From lines a second to machines")[1:]:
        rate = number(text)
        sizes = [DAY_S, line, (line + ENTRY_BYTES) * 3_600, sent, stored * DAY_S]
        assert [number(size) for size in told] == pytest.approx([rate * size for size in sizes], rel=0.03), text
        assert int(shards) == -(-rate * DAY_S * _templates.INDEX_BYTES_PER_LINE // SHARD_BYTES_MAX)


@pytest.mark.parametrize("what", ["documents a second", "CPU a document, Elasticsearch"])
def test_the_machines_follow_from_what_was_measured(what: str) -> None:
    assert measured(what).removesuffix(" us") in SCALE


def test_the_memory_that_an_outage_holds_is_the_default() -> None:
    assert f"`delivery.unsettled_bytes_max` ({UNSETTLED_BYTES_MAX // MIB} MiB)" in SCALE
