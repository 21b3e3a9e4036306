"""The measurement beside the peers, with a load that is none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from bench import side_by_side
from bench.contestants import NATIVE, PYTHON, contestants
from bench.endpoints import build, write_capture
from tests.conftest import cannot_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    if shutil.which("cargo") is None:
        cannot_run("what measures is built with cargo, and there is none")
    build()
    write_capture(tmp_path / "lines")
    return tmp_path / "lines"


@pytest.mark.parametrize("name", [NATIVE, PYTHON, "rsyslog"])
def test_every_line_is_counted_once(name: str, capture: Path) -> None:
    found = [each for each in contestants() if each.name == name]
    if not found:
        pytest.skip(f"{name} is not installed")
    row = side_by_side.run(found[0], capture, side_by_side.Load(500, 2))
    assert (row.sent, row.seen.documents) == (1_000, 1_000)
    assert row.pss_mib > 1
    assert row.seen.bytes / row.seen.documents > 500


def test_what_comes_while_the_sink_is_away_comes_later(capture: Path) -> None:
    native = contestants()[0]
    row = side_by_side.run(native, capture, side_by_side.Load(200, 4, away_s=2))
    assert not row.lost
    assert row.seen.latency_ms_max > 1_000
