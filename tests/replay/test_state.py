"""What a direct replay keeps on disk: whole or not at all, and one replay at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shipper.errors import StateError
from shipper.journal import StateFolder
from shipper.replay import state
from shipper.replay.direct import Reached, Refused, State, Tally, Times
from shipper.replay.state import ReplayFolder

if TYPE_CHECKING:
    from pathlib import Path

STATE = State(
    "c",
    {"files": ["/a"], "limit": None},
    Reached(1, 20, 30, "id", Times(1, 2, 3, 4, 5)),
    Tally(read=3, dead_lettered=1, by_index={"i": 2}, refused={"kind": Refused(1, "why", ("f:1",))}),
    ("a: damaged",),
    1.5,
    finished=True,
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    folder = ReplayFolder(tmp_path, "r")
    with folder.lock():
        assert folder.load() is None
        folder.save(STATE)
        assert ReplayFolder(tmp_path, "r").load() == STATE
        folder.clear()
        assert folder.load() is None


def test_a_record_that_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    folder = ReplayFolder(tmp_path, "r")
    with folder.lock():
        folder.save(STATE)
        (folder.path / "state.json").write_bytes(b'{"conditions": "c", "reached"')
        assert folder.load() is None


def test_a_replay_is_refused_while_it_is_under_way_and_not_beside_a_running_shipper(tmp_path: Path) -> None:
    with StateFolder(tmp_path).lock(), ReplayFolder(tmp_path, "r").lock(), ReplayFolder(tmp_path, "other").lock():
        with pytest.raises(StateError, match=r"replay r is in use by process \d+"):
            ReplayFolder(tmp_path, "r").lock()
        (tmp_path / "file").touch()
        with pytest.raises(StateError, match="choose another with state_dir"):
            ReplayFolder(tmp_path / "file", "r").lock()


def test_the_oldest_finished_replays_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "REPLAYS_REMEMBERED_MAX", 2)
    for number in range(5):
        folder = ReplayFolder(tmp_path, f"r{number}")
        with folder.lock():
            folder.save(replace(STATE, finished=number != 1))
    with ReplayFolder(tmp_path, "r5").lock():
        pass
    assert sorted(path.parent.name for path in tmp_path.glob("replays/*/state.json")) == ["r1", "r3", "r4"]
