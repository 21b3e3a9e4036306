from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import StateError
from shipper.journal import Position, StateFolder, survey
from shipper.journal._segments import path_of, segments
from shipper.journal.survey import HEADER_DAMAGED, MISSING, NO_ENTRY, PAYLOAD_DAMAGED, Fault
from tests.journal.drafts import batches, draft, reader, writer

LINES = [[b"one", b"two"], [b"three"], [b"four", b"five", b"six"]]


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def filled(state: StateFolder) -> Path:
    """Write a segment of three entries and its seal."""
    journal = writer(state)
    for lines in LINES:
        journal.append(draft(*lines))
    journal.close()
    return path_of(state.journal, segments(state.journal)[-1])


def ends(state: StateFolder) -> list[Position]:
    """Give the end of each entry with lines."""
    return [batch.end for batch in batches(reader(state), lines_max=1)]


def faults(state: StateFolder, committed: Position | None = None, *, growing: bool = False) -> list[Fault]:
    return list(survey.verify(state.journal, committed, growing=growing))


def change(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), data, at)


def test_segments_are_counted_and_what_is_not_committed_is_pending(state: StateFolder) -> None:
    path = filled(state)
    filled(state)
    first, second = survey.stat(state.journal, ends(state)[0])
    assert (first.entries, first.lines, first.pending_lines) == (4, 6, 4)
    assert (second.lines, second.pending_lines, second.pending_bytes) == (6, 6, second.bytes)
    assert (first.bytes, first.damaged_bytes) == (path.stat().st_size, 0)
    assert first.oldest_us == first.newest_us == 1_763_000_000_000_000
    passed, last = survey.stat(state.journal, ends(state)[-1])
    assert (passed.pending_lines, passed.pending_bytes, last.pending_lines) == (0, 0, 0)


def test_a_whole_journal_has_no_fault(state: StateFolder) -> None:
    filled(state)
    filled(state)
    assert faults(state) == []


def test_a_folder_that_is_not_there_holds_nothing(state: StateFolder) -> None:
    assert list(survey.stat(state.journal, None)) == []
    assert faults(state) == []


@given(st.data())
def test_no_changed_byte_is_overlooked(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = StateFolder(Path(folder))
        path = filled(state)
        at = data.draw(st.integers(0, path.stat().st_size - 1))
        byte = path.read_bytes()[at]
        change(path, at, bytes([byte ^ data.draw(st.integers(1, 255))]))
        (fault,) = faults(state)
        assert fault.offset <= at < fault.offset + fault.bytes
        assert fault.segment == path.stem


def test_a_damaged_payload_costs_the_lines_that_its_header_counts(state: StateFolder) -> None:
    path = filled(state)
    first, second, third = ends(state)
    change(path, third.offset - 1, b"\0")
    (fault,) = faults(state)
    assert (fault.what, fault.offset, fault.lines, fault.settled) == (PAYLOAD_DAMAGED, second.offset, 3, False)
    assert faults(state, third)[0].settled
    assert not faults(state, first)[0].settled


def test_a_damaged_header_costs_the_lines_that_the_next_one_misses(state: StateFolder) -> None:
    path = filled(state)
    first, second, _ = ends(state)
    change(path, first.offset + 8, b"\xff")
    (fault,) = faults(state)
    assert (fault.what, fault.offset, fault.bytes, fault.lines) == (
        NO_ENTRY,
        first.offset,
        second.offset - first.offset,
        1,
    )


def test_entries_that_were_cut_out_are_missed(state: StateFolder) -> None:
    path = filled(state)
    first, second, _ = ends(state)
    content = path.read_bytes()
    path.write_bytes(content[: first.offset] + content[second.offset :])
    (fault,) = faults(state)
    assert (fault.what, fault.offset, fault.bytes, fault.lines) == (MISSING, first.offset, 0, 1)


def test_a_segment_whose_header_is_damaged_is_lost_as_a_whole(state: StateFolder) -> None:
    change(filled(state), 0, b"S")
    (fault,) = faults(state)
    assert (fault.what, fault.offset, fault.lines) == (HEADER_DAMAGED, 0, 6)


@pytest.mark.parametrize("left", [1, 40, 90])
def test_a_torn_end_is_a_fault_unless_somebody_writes_there(state: StateFolder, left: int) -> None:
    path = filled(state)
    _, second, _ = ends(state)
    path.write_bytes(path.read_bytes()[: second.offset + left])
    (fault,) = faults(state)
    assert (fault.what, fault.offset, fault.bytes) == (NO_ENTRY, second.offset, left)
    assert fault.lines == (3 if left >= 76 else None)
    assert faults(state, growing=True) == []
    (counted,) = survey.stat(state.journal, None)
    assert (counted.lines, counted.damaged_bytes) == (3, left)
    filled(state)
    assert len(faults(state, growing=True)) == 1


def test_a_segment_that_is_deleted_in_this_moment_is_passed_over(state: StateFolder) -> None:
    first, second = filled(state), filled(state)
    looked = survey.stat(state.journal, None)
    assert next(looked).id == first.stem
    second.unlink()
    assert list(looked) == []


def test_a_journal_that_cannot_be_read_is_said(state: StateFolder) -> None:
    path = filled(state)
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(StateError, match="look as the user of shipper"):
        faults(state)
