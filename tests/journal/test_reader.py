from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from shipper.journal import Entry, ReceiveTally, StateFolder, codec
from shipper.journal._segment_file import SegmentFile
from shipper.journal._segments import path_of, segments, size
from shipper.limits import QUARANTINE_BYTES_MAX
from tests.journal.drafts import INTERPRETATION, batches, draft, raw_lines, reader, writer

if TYPE_CHECKING:
    from pathlib import Path

HEADER = codec.SEGMENT_HEADER_BYTES + len(INTERPRETATION)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def newest(state: StateFolder) -> Path:
    return path_of(state.journal, segments(state.journal)[-1])


def entries(state: StateFolder) -> list[Entry]:
    return [entry for batch in batches(reader(state)) for entry in batch.entries]


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(data)


def three_entries(state: StateFolder, *, close: bool = True) -> tuple[Path, list[int]]:
    """Write entries of 1, 2 and 3 lines; give the segment's path and where each entry begins."""
    journal = writer(state)
    starts = []
    for lines in ([b"a"], [b"b", b"b"], [b"c", b"c", b"c"]):
        starts.append(newest(state).stat().st_size)
        journal.append(draft(*lines, tally=ReceiveTally(empty=1)))
    path = newest(state)
    if close:
        journal.close()
    return path, starts


def test_an_empty_folder_holds_nothing(state: StateFolder) -> None:
    state.journal.mkdir()
    assert reader(state).read(10, 10) is None


def test_a_batch_carries_the_interpretation_of_its_segment(state: StateFolder) -> None:
    writer(state).append(draft(b"line"))
    batch = reader(state).read(10, 1000)
    assert batch is not None
    assert batch.interpretation == INTERPRETATION
    assert [line.position.id() for line in batch.lines()] == [line.position.id() for line in batch.lines()]
    assert all(len(line.position.id()) == 22 for line in batch.lines())


def test_a_position_is_the_lines_first_byte_in_the_file(state: StateFolder) -> None:
    path, _ = three_entries(state)
    data = path.read_bytes()
    for batch in batches(reader(state)):
        for line in batch.lines():
            assert data[line.position.offset : line.position.offset + 1] == line.raw


def test_batches_hold_whole_entries_within_the_bounds(state: StateFolder) -> None:
    three_entries(state)
    assert [len(batch) for batch in batches(reader(state), lines_max=3)] == [3, 3]
    assert [len(batch) for batch in batches(reader(state), bytes_max=1)] == [1, 2, 3]
    assert [len(batch) for batch in batches(reader(state))] == [6]


@pytest.mark.parametrize(
    ("bounds", "more"), [((3, 1000), [True, False]), ((5000, 1), [True, True, False]), ((5000, 1000), [False])]
)
def test_a_read_says_whether_it_stopped_at_a_bound_or_took_all_there_was(
    state: StateFolder, bounds: tuple[int, int], more: list[bool]
) -> None:
    three_entries(state, close=False)
    follower = reader(state)
    assert [follower.more for _ in batches(follower, *bounds)] == more
    assert not follower.more


def test_counts_behind_a_full_batch_come_once_with_the_next(state: StateFolder) -> None:
    journal = writer(state)
    journal.append(draft(b"a", b"a"))
    journal.append(draft(tally=ReceiveTally(empty=3)))
    follower = reader(state)
    found = [(len(batch), batch.tally.empty, follower.more) for batch in batches(follower, lines_max=1)]
    assert found == [(2, 0, True), (0, 3, False)]


def test_a_read_that_ends_with_a_finished_segment_says_that_there_may_be_more(state: StateFolder) -> None:
    three_entries(state)
    writer(state).append(draft(b"next"))
    follower = reader(state)
    assert [(len(batch), follower.more) for batch in batches(follower)] == [(6, True), (1, False)]
    assert not follower.more


def test_a_read_goes_on_at_any_batchs_end(state: StateFolder) -> None:
    three_entries(state)
    writer(state).append(draft(b"d"))
    everything = raw_lines(reader(state))
    seen = 0
    for batch in batches(reader(state), lines_max=1):
        seen += len(batch)
        assert raw_lines(reader(state, batch.end)) == everything[seen:]


def test_a_reader_follows_the_writer_into_the_next_segments(state: StateFolder) -> None:
    journal = writer(state, segment_bytes=2000)
    follower = reader(state)
    for number in range(50):
        assert follower.read(10, 1000) is None
        journal.append(draft(b"%d" % number))
        batch = follower.read(10, 1000)
        assert batch is not None
        assert [line.raw for line in batch.lines()] == [b"%d" % number]
    assert len(segments(state.journal)) > 2


def test_an_entry_that_is_only_partly_written_is_waited_for_at_every_byte(state: StateFolder) -> None:
    path, starts = three_entries(state, close=False)
    whole = path.read_bytes()
    path.write_bytes(b"")
    follower = reader(state)
    seen = []
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        batch = follower.read(10, 1000)
        if batch is not None:
            assert batch.lost == 0
            seen.append((end, len(batch)))
    assert seen == [(starts[1], 1), (starts[2], 2), (len(whole), 3)]
    assert not state.quarantine.exists()


@pytest.mark.parametrize("piece_bytes", [1, 100, 150, 1_000])
def test_an_entry_is_the_same_in_pieces_of_any_size(state: StateFolder, piece_bytes: int) -> None:
    path, starts = three_entries(state)
    for flipped in (None, starts[2] + codec.ENTRY_HEADER_BYTES, path.read_bytes().rindex(b"ccc")):
        if flipped is not None:
            flip(path, flipped)
        with contextlib.closing(SegmentFile(path, segments(state.journal)[-1], piece_bytes)) as file:
            for lines, start in enumerate(starts, 1):
                header = file.header(start)
                assert header is not None
                entry = codec.decode_entry(header, *file.payload(start, header), file.segment, start)
                damaged = flipped is not None and start == starts[2]
                assert (entry is None) if damaged else (entry is not None and len(entry) == lines)
        if flipped is not None:
            flip(path, flipped)


@pytest.mark.parametrize("finished_by", ["the next entry", "the next segment"])
@pytest.mark.parametrize("moment", range(7))
@pytest.mark.parametrize("seen_first", [3, codec.ENTRY_HEADER_BYTES - 1, codec.ENTRY_HEADER_BYTES, 100])
def test_a_write_that_is_finished_while_it_is_read_is_no_damage(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch, seen_first: int, moment: int, finished_by: str
) -> None:
    path, starts = three_entries(state, close=False)
    whole = path.read_bytes()
    path.write_bytes(whole[: starts[1] + seen_first])
    follower, reads = reader(state), 0

    def pread(fd: int, size: int, offset: int) -> bytes:
        nonlocal reads
        seen, reads = read(fd, size, offset), reads + 1
        if reads == moment:
            path.write_bytes(whole if finished_by == "the next entry" else whole[: starts[2]])
            if finished_by == "the next segment":
                writer(state).append(draft(b"c"))
        return seen

    read = os.pread
    assert raw_lines(follower) == [b"a"]
    monkeypatch.setattr(os, "pread", pread)
    if moment == 0:
        path.write_bytes(whole)
    found = [batch for _ in range(5) if (batch := follower.read(10, 1000))]
    assert sum(batch.lost for batch in found) == 0
    assert {line.raw for batch in found for line in batch.lines()} == {b"b", b"c"}
    assert not state.quarantine.exists()


def test_a_tail_torn_at_any_byte_loses_only_what_is_torn(state: StateFolder) -> None:
    path, starts = three_entries(state, close=False)
    whole = path.read_bytes()
    writer(state).append(draft(b"next life"))
    for end in range(starts[2], len(whole)):
        path.write_bytes(whole[:end])
        assert raw_lines(reader(state)) == [b"a", b"b", b"b", b"next life"]
        header_is_whole = end >= starts[2] + codec.ENTRY_HEADER_BYTES
        assert sum(entry.lost for entry in entries(state)) == (3 if header_is_whole else 0)


@pytest.mark.parametrize("within", [0, 5, 9, 13, 60, 64, 68, 90])
@pytest.mark.parametrize("entry", [0, 1, 2])
def test_a_flipped_bit_loses_one_entry_and_counts_its_lines(state: StateFolder, entry: int, within: int) -> None:
    path, starts = three_entries(state)
    flip(path, starts[entry] + within)
    survivors = [line for number, line in enumerate((b"a", b"b", b"c")) if number != entry]
    assert sorted(set(raw_lines(reader(state)))) == survivors
    assert sum(entry.lost for entry in entries(state)) == entry + 1
    assert size(state.quarantine) > 0


def test_counts_stand_while_the_entrys_header_does(state: StateFolder) -> None:
    path, starts = three_entries(state)
    flip(path, starts[1] + codec.ENTRY_HEADER_BYTES)
    assert sum(entry.tally.empty for entry in entries(state)) == 3


def test_lines_lost_before_the_start_are_not_counted_again(state: StateFolder) -> None:
    path, starts = three_entries(state)
    flip(path, starts[1])
    seen = list(batches(reader(state), lines_max=1))
    lost = [batch.lost for batch in seen]
    assert sum(lost) == 2
    for number, batch in enumerate(seen):
        assert sum(b.lost for b in batches(reader(state, batch.end), lines_max=1)) == sum(lost[number + 1 :])


def test_garbage_between_entries_is_passed_and_kept_aside(state: StateFolder) -> None:
    path, starts = three_entries(state)
    whole = path.read_bytes()
    garbage = codec.ENTRY_MAGIC * 1000 + bytes(3_000_000)
    path.write_bytes(whole[: starts[1]] + garbage + whole[starts[1] :])
    assert raw_lines(reader(state)) == [b"a", b"b", b"b", b"c", b"c", b"c"]
    kept = list(state.quarantine.iterdir())
    assert [file.read_bytes() for file in kept] == [garbage]


def test_damage_in_the_newest_segment_is_passed_once_something_good_follows(state: StateFolder) -> None:
    journal = writer(state)
    start = newest(state).stat().st_size
    journal.append(draft(b"bad"))
    flip(newest(state), start + codec.ENTRY_HEADER_BYTES)
    follower = reader(state)
    assert follower.read(10, 1000) is None
    journal = writer(state)
    journal.append(draft(b"good"))
    batch = follower.read(10, 1000)
    assert batch is not None
    assert (len(batch), batch.lost) == (0, 1)
    assert raw_lines(follower) == [b"good"]


@pytest.mark.parametrize("content", [b"", b"shipper\n", bytes(200)])
def test_a_segment_without_a_header_stops_nothing(state: StateFolder, content: bytes) -> None:
    state.journal.mkdir()
    path_of(state.journal, bytes(12)).write_bytes(content)
    writer(state).append(draft(b"line"))
    assert raw_lines(reader(state)) == [b"line"]


def test_the_lines_behind_a_damaged_segment_header_are_counted_and_kept_aside(state: StateFolder) -> None:
    path, _ = three_entries(state)
    flip(path, HEADER - 1)
    whole = path.read_bytes()
    writer(state).append(draft(b"next"))
    batch = reader(state).read(10, 1000)
    assert batch is not None
    assert (len(batch), batch.lost) == (1, 6)
    assert [file.read_bytes() for file in state.quarantine.iterdir()] == [whole]


def test_the_copies_of_damage_are_bounded(state: StateFolder) -> None:
    state.journal.mkdir()
    for number in range(3):
        path_of(state.journal, bytes([0] * 11 + [number])).write_bytes(bytes(QUARANTINE_BYTES_MAX // 2 + 1))
    writer(state).append(draft(b"line"))
    assert raw_lines(reader(state)) == [b"line"]
    assert size(state.quarantine) <= QUARANTINE_BYTES_MAX


def test_a_journal_that_was_cut_before_the_commit_goes_on_with_the_next_segment(state: StateFolder) -> None:
    path, starts = three_entries(state)
    end = [batch.end for batch in batches(reader(state))][-1]
    path.write_bytes(path.read_bytes()[: starts[1]])
    writer(state).append(draft(b"after the power cut"))
    assert raw_lines(reader(state, end)) == [b"after the power cut"]


def test_a_commit_in_a_segment_that_is_gone_goes_on_with_the_next(state: StateFolder) -> None:
    path, _ = three_entries(state)
    writer(state).append(draft(b"next"))
    end = next(batches(reader(state))).end
    path.unlink()
    assert raw_lines(reader(state, end)) == [b"next"]
