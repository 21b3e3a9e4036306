from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper.errors import StateError
from shipper.journal import Commit, Committer, Position, StateFolder, load
from shipper.journal._segments import segments
from tests.journal.drafts import Clock, batches, draft, reader, writer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path)
    folder.journal.mkdir()
    return folder


def commit(offset: int) -> Commit:
    return Commit(Position(bytes(12), offset), journaled=offset, indexed=offset)


def write(state: StateFolder, *commits: Commit) -> None:
    for each in commits:
        Committer(state, lambda each=each: each, clock_us=Clock(), sync_interval_s=1.0).write()  # type: ignore[misc]


def test_where_there_is_no_record_everything_is_still_to_do(state: StateFolder) -> None:
    assert load(state.commit) == Commit()


def test_the_newest_record_is_loaded(state: StateFolder) -> None:
    write(state, commit(1), commit(2))
    assert load(state.commit) == commit(2)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"commit": {}, "crc32c": 0}'])
def test_a_damaged_record_is_kept_aside_and_the_one_before_it_taken(state: StateFolder, damage: bytes) -> None:
    write(state, commit(1), commit(2))
    state.commit.write_bytes(damage)
    assert load(state.commit) == commit(1)
    assert (state.root / "commit.json.damaged").read_bytes() == damage


def test_a_crash_between_the_two_renames_finds_the_record_before(state: StateFolder) -> None:
    write(state, commit(1), commit(2))
    state.commit.unlink()
    assert load(state.commit) == commit(1)


def test_a_record_that_cannot_be_read_is_said_not_overwritten(state: StateFolder) -> None:
    state.commit.mkdir()
    with pytest.raises(StateError, match="mend its permissions"):
        load(state.commit)


def test_a_record_is_written_only_when_it_moved_and_is_due(state: StateFolder) -> None:
    clock, current = Clock(), [commit(1)]
    committer = Committer(state, lambda: current[0], clock_us=clock, sync_interval_s=None)
    assert committer.tick() == commit(1)
    current[0] = commit(2)
    assert committer.tick() is None
    clock.now_us += 200_000
    assert committer.tick() == commit(2)
    clock.now_us += 200_000
    assert committer.tick() is None


def test_a_clock_that_jumps_back_does_not_stop_the_commits(state: StateFolder) -> None:
    clock, current = Clock(), [commit(1)]
    committer = Committer(state, lambda: current[0], clock_us=clock, sync_interval_s=None)
    committer.tick()
    current[0] = commit(2)
    clock.now_us -= 3_600_000_000
    assert committer.tick() == commit(2)


def test_a_disk_that_refuses_the_record_is_tried_again(state: StateFolder) -> None:
    obstacle = state.root / "commit.json.new"
    obstacle.mkdir()
    committer = Committer(state, lambda: commit(1), clock_us=Clock(), sync_interval_s=None)
    assert committer.write() is None
    obstacle.rmdir()
    assert committer.write() == commit(1)


def test_segments_are_deleted_once_passed_and_the_last_never(state: StateFolder) -> None:
    for line in (b"one", b"two", b"three"):
        journal = writer(state)
        journal.append(draft(line))
        journal.close()
    first, second, third = segments(state.journal)
    for batch in batches(reader(state)):
        write(state, Commit(batch.end))
        expected = {first: {first, second, third}, second: {second, third}, third: {third}}
        assert set(segments(state.journal)) == expected[batch.end.segment]
