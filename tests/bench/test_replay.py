"""The measurement of a replay's pace, at one that any machine keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench import replay
from bench.lines import lines
from bench.replay import Pace

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_sent_is_counted_where_it_comes(tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    capture.write_bytes(b"\n".join(lines(100, "local")) + b"\n")
    row = replay.run(Pace(("--rate", "300"), 300), capture, 1)
    assert (row.sent, row.received, row.offered) == (300, 300, 300.0)
    assert row.reached == pytest.approx(300, rel=0.5)


def test_a_pace_holds_within_a_hundredth_and_without_a_lost_line() -> None:
    row = replay.Row(Pace((), 1_000), 1_000.0, 991.0, 0.0, 1.0, 500, 500)
    assert row.held
    assert not replace(row, reached=989.0).held
    assert not replace(row, received=499).held
