from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shipper.journal import Commit, Committer, StateFolder
from shipper.journal._segments import path_of, segments
from tests.cli.commands import shipper
from tests.journal.drafts import Clock, batches, draft, reader, writer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """Give a journal of three entries, of which the first is committed."""
    state = StateFolder(tmp_path)
    journal = writer(state)
    for lines in ([b"one", b"two"], [b"three"], [b"four", b"five", b"six"]):
        journal.append(draft(*lines))
    journal.close()
    first = next(batches(reader(state), lines_max=1))
    commit = Commit(first.end, received=2, journaled=2, indexed=2)
    Committer(state, lambda: commit, clock_us=Clock(), sync_interval_s=None).write()
    return state


def damage(state: StateFolder) -> Path:
    path = path_of(state.journal, segments(state.journal)[0])
    content = bytearray(path.read_bytes())
    content[-80] ^= 1
    path.write_bytes(content)
    return path


def files(state: StateFolder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in state.root.rglob("*") if path.is_file()}


def test_stat_counts_what_is_there_and_what_is_pending(state: StateFolder) -> None:
    before = files(state)
    done = shipper("journal", "stat", "--state-dir", state.root, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["lines"], found["pending_lines"], found["settled_lines"]) == (6, 4, 2)
    assert found["running"] is None
    assert [segment["id"] for segment in found["segments"]] == [found["committed"]["segment"]]
    assert found["oldest"] == "2025-11-13T02:13:20.000000Z"
    shown = shipper("journal", "stat", "--state-dir", state.root).stdout.decode()
    assert "no shipper runs here" in shown
    assert found["committed"]["segment"] in shown
    assert files(state) == before


def test_stat_says_who_has_the_folder(state: StateFolder) -> None:
    with state.lock():
        done = shipper("journal", "stat", "--state-dir", state.root)
    assert b"in use by process" in done.stdout


def test_a_folder_without_a_journal_holds_nothing(tmp_path: Path) -> None:
    for command in ("stat", "verify"):
        done = shipper("journal", command, "--state-dir", tmp_path)
        assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for command in ("stat", "verify"):
        done = shipper("journal", command, "--state-dir", tmp_path / "none")
        assert done.returncode == 1
        assert (
            f"state folder {tmp_path / 'none'}: No such file or directory; give the state_dir".encode() in done.stderr
        )


def test_verify_names_what_is_damaged_and_changes_nothing(state: StateFolder) -> None:
    assert shipper("journal", "verify", "--state-dir", state.root).returncode == 0
    path = damage(state)
    before = files(state)
    done = shipper("journal", "verify", "--state-dir", state.root, "--json")
    assert done.returncode == 1
    fault = json.loads(done.stdout)
    assert (fault["segment"], fault["lines"], fault["settled"]) == (path.stem, 3, False)
    told = shipper("journal", "verify", "--state-dir", state.root).stdout.decode()
    assert f"{path.stem}.segment: offset {fault['offset']}" in told
    assert "3 lines lost" in told
    assert files(state) == before


def test_a_commit_record_that_is_damaged_is_left_where_it_is(state: StateFolder) -> None:
    state.commit.write_bytes(b"{}")
    done = shipper("journal", "stat", "--state-dir", state.root, "--json")
    assert json.loads(done.stdout)["pending_lines"] == 6
    assert state.commit.read_bytes() == b"{}"
