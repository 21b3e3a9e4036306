from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.errors import StateError
from shipper.journal import StateFolder
from shipper.journal._segments import path_of, segments
from shipper.journal.follow import Follower
from tests.journal.drafts import INTERPRETATION, Clock, draft, writer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path)
    state.journal.mkdir()
    return state


def news(follower: Follower) -> list[bytes]:
    """Give all lines that can be read now."""
    lines = []
    while found := follower.find():
        for place in found:
            entry = follower.read(place)
            assert entry is not None
            assert len(entry) == place.header.lines
            lines += [line.raw for line in entry.lines()]
        assert follower.interpretation == INTERPRETATION
    return lines


def newest(state: StateFolder) -> Path:
    return path_of(state.journal, segments(state.journal)[-1])


def test_it_begins_at_the_end_and_gives_what_comes_after(state: StateFolder) -> None:
    journal = writer(state)
    journal.append(draft(b"old"))
    follower = Follower(state.journal)
    assert news(follower) == []
    journal.append(draft(b"a", b"b"))
    journal.append(draft(b"c"))
    assert news(follower) == [b"a", b"b", b"c"]
    assert news(follower) == []


def test_it_begins_with_whole_entries_when_it_goes_back_a_little(state: StateFolder) -> None:
    journal = writer(state)
    journal.append(draft(b"first" * 100))
    journal.append(draft(b"second"))
    journal.append(draft(b"third"))
    assert news(Follower(state.journal, back_bytes=500)) == [b"second", b"third"]
    assert news(Follower(state.journal, back_bytes=1 << 30))[1:] == [b"second", b"third"]


def test_it_waits_for_a_journal_that_is_still_empty(state: StateFolder) -> None:
    follower = Follower(state.journal)
    assert follower.find() == []
    writer(state).append(draft(b"first"))
    assert news(follower) == [b"first"]


def test_it_goes_through_all_segments_that_are_begun_behind_it(state: StateFolder) -> None:
    journal = writer(state, segment_bytes=4096)
    follower = Follower(state.journal)
    lines = [b"%d" % number * 300 for number in range(40)]
    for line in lines:
        journal.append(draft(line))
    assert len(segments(state.journal)) > 3
    assert news(follower) == lines


def test_a_restart_of_the_writer_loses_it_nothing(state: StateFolder) -> None:
    first = writer(state)
    follower = Follower(state.journal)
    first.append(draft(b"before"))
    first.close()
    writer(state, Clock(1_763_000_001_000_000)).append(draft(b"after"))
    assert news(follower) == [b"before", b"after"]


def test_segments_that_are_deleted_under_it_are_read_to_their_end_or_passed_over(state: StateFolder) -> None:
    follower = None
    for number in range(4):
        journal = writer(state, Clock(1_763_000_000_000_000 + number * 1_000_000))
        follower = follower or Follower(state.journal)
        journal.append(draft(b"%d" % number))
        journal.close()
    for segment in segments(state.journal)[:-1]:
        path_of(state.journal, segment).unlink()
    assert follower is not None
    assert news(follower) == [b"0", b"3"]


def test_an_entry_is_given_once_all_of_it_is_there(state: StateFolder) -> None:
    journal = writer(state)
    follower = Follower(state.journal)
    path = newest(state)
    start = path.stat().st_size
    journal.append(draft(b"torn" * 50))
    whole = path.read_bytes()
    for size in range(start, len(whole), 7):
        path.write_bytes(whole[:size])
        assert follower.find() == []
    path.write_bytes(whole)
    assert news(follower) == [b"torn" * 50]


def test_damage_is_passed_over(state: StateFolder) -> None:
    journal = writer(state)
    follower = Follower(state.journal)
    start = newest(state).stat().st_size
    journal.append(draft(b"bad"))
    journal.append(draft(b"good"))
    data = bytearray(newest(state).read_bytes())
    data[start + 5] ^= 1
    newest(state).write_bytes(data)
    assert news(follower) == [b"good"]


def test_a_damaged_payload_is_none_and_its_lines_are_known(state: StateFolder) -> None:
    journal = writer(state)
    follower = Follower(state.journal)
    journal.append(draft(b"bad"))
    data = bytearray(newest(state).read_bytes())
    data[-1] ^= 1
    newest(state).write_bytes(data)
    [found] = follower.find()
    assert found.header.lines == 1
    assert follower.read(found) is None


def test_a_segment_whose_header_is_damaged_is_left_for_the_next(state: StateFolder) -> None:
    follower = Follower(state.journal)
    journal = writer(state)
    journal.append(draft(b"unreadable"))
    data = bytearray(newest(state).read_bytes())
    data[2] ^= 1
    newest(state).write_bytes(data)
    assert follower.find() == []
    writer(state, Clock(1_763_000_001_000_000)).append(draft(b"next"))
    assert news(follower) == [b"next"]


def test_it_leaves_everything_as_it_is(state: StateFolder, tmp_path: Path) -> None:
    journal = writer(state)
    journal.append(draft(b"line"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    follower = Follower(state.journal, back_bytes=1 << 20)
    assert news(follower) == [b"line"]
    follower.close()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_folder_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="--state-dir"):
        Follower(tmp_path / "journal")


def test_a_folder_that_goes_away_is_an_error_that_says_so(state: StateFolder) -> None:
    follower = Follower(state.journal)
    state.journal.rmdir()
    with pytest.raises(StateError, match="--state-dir"):
        follower.find()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error_that_says_so(state: StateFolder) -> None:
    state.journal.chmod(0)
    with pytest.raises(StateError, match="as the user of shipper"):
        Follower(state.journal)
    state.journal.chmod(0o700)


@given(
    steps=st.lists(
        st.one_of(st.lists(st.binary(max_size=40), max_size=5), st.just("look"), st.just("restart")), max_size=30
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
def test_every_line_is_given_once_and_in_order(tmp_path_factory: pytest.TempPathFactory, steps: list[object]) -> None:
    state = StateFolder(tmp_path_factory.mktemp("state"))
    clock = Clock()
    journal = writer(state, clock, segment_bytes=1024)
    follower = Follower(state.journal)
    written: list[bytes] = []
    seen: list[bytes] = []
    for step in [*steps, "look"]:
        clock.now_us += 1_000_000
        if step == "look":
            seen += news(follower)
        elif step == "restart":
            journal.close()
            journal = writer(state, clock, segment_bytes=1024)
        elif isinstance(step, list):
            journal.append(draft(*step))
            written += step
    journal.close()
    follower.close()
    assert seen == written
