from __future__ import annotations

import os
import threading
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from shipper.errors import ConfigError, JournalFull
from shipper.journal import Bounds, ReceiveTally, StateFolder, Writer
from shipper.journal._segments import path_of, segments, size
from shipper.limits import KIB, MIB
from tests.journal.drafts import Clock, batches, draft, raw_lines, reader, writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def test_every_start_begins_a_fresh_segment(state: StateFolder) -> None:
    clock = Clock()
    for line in (b"first", b"second", b"third"):
        writer(state, clock).append(draft(line))
    assert len(segments(state.journal)) == 3
    assert raw_lines(reader(state)) == [b"first", b"second", b"third"]


def test_a_clock_that_was_set_back_makes_no_older_segment(state: StateFolder) -> None:
    writer(state, Clock(2_000_000_000_000_000))
    writer(state, Clock(1_000_000_000_000_000))
    first, second = segments(state.journal)
    assert int.from_bytes(second[:6], "big") == int.from_bytes(first[:6], "big") + 1


def test_segments_are_newer_than_the_commit_even_in_an_empty_folder(state: StateFolder) -> None:
    clock = Clock(1_000_000_000_000_000)
    committed = (2_000_000_000_000).to_bytes(6, "big") + bytes(6)
    writer(state, clock, newer_than=committed).close()
    assert segments(state.journal)[-1] > committed


def test_an_interpretation_that_could_not_be_read_again_stops_the_start(state: StateFolder) -> None:
    with pytest.raises(ConfigError):
        Writer(state.journal, bytes(MIB + 1), Bounds(sync_interval_s=None), clock_us=Clock())
    assert segments(state.journal) == []


def test_a_full_segment_is_left_for_the_next(state: StateFolder) -> None:
    clock = Clock()
    journal = writer(state, clock, segment_bytes=4 * KIB)
    written = [bytes([65 + n]) * 500 for n in range(20)]
    for line in written:
        journal.append(draft(line))
    assert len(segments(state.journal)) == 4
    assert all(path_of(state.journal, each).stat().st_size <= 4 * KIB + 100 for each in segments(state.journal))
    assert raw_lines(reader(state)) == written


def test_a_full_journal_refuses_writes_nothing_and_goes_on_when_segments_are_deleted(state: StateFolder) -> None:
    clock = Clock()
    journal = writer(state, clock, bytes_max=64 * KIB)
    for _ in range(50):
        journal.append(draft(bytes(1000)))
    with pytest.raises(JournalFull, match="the bound"):
        journal.append(draft(bytes(20_000)))
    assert len(raw_lines(reader(state))) == 50
    path_of(state.journal, segments(state.journal)[0]).unlink()
    clock.now_us += 100_000
    journal.append(draft(b"goes on"))
    assert raw_lines(reader(state))[-1] == b"goes on"


def test_a_full_journal_still_takes_counts(state: StateFolder) -> None:
    journal = writer(state, bytes_max=4 * KIB)
    with pytest.raises(JournalFull):
        journal.append(draft(bytes(5000)))
    journal.append(draft(tally=ReceiveTally(dropped_full=1)))
    assert [batch.tally.dropped_full for batch in batches(reader(state))] == [1]


def test_counts_have_a_bound_too(state: StateFolder) -> None:
    journal = writer(state, bytes_max=8 * KIB)
    counts = draft(tally=ReceiveTally(empty=1))
    for _ in range(70):
        journal.append(counts)
    with pytest.raises(JournalFull):
        deque(map(journal.append, repeat(counts)))
    assert size(state.journal) <= 8 * KIB


def test_counts_alone_fill_a_segment_too(state: StateFolder) -> None:
    journal = writer(state, segment_bytes=KIB)
    for _ in range(100):
        journal.append(draft(tally=ReceiveTally(empty=1)))
    assert len(segments(state.journal)) > 5
    assert all(path_of(state.journal, each).stat().st_size <= KIB + 100 for each in segments(state.journal))
    assert sum(batch.tally.empty for batch in batches(reader(state))) == 100


def test_an_entry_larger_than_a_segment_has_one_for_itself(state: StateFolder) -> None:
    journal = writer(state, segment_bytes=KIB)
    for _ in range(3):
        journal.append(draft(bytes(2 * KIB)))
    assert len(segments(state.journal)) == 3


def test_starts_without_end_make_no_segments_beyond_the_bound(state: StateFolder) -> None:
    for _ in range(200):
        writer(state, bytes_max=8 * KIB).close()
    assert size(state.journal) <= 8 * KIB + 100


def test_the_disk_keeps_its_reserve(state: StateFolder) -> None:
    journal = writer(state, free_share_min=1.0)
    with pytest.raises(JournalFull, match="reserve"):
        journal.append(draft(b"no room"))


def test_a_write_that_the_disk_cuts_leaves_nothing_and_the_next_goes_on(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = writer(state)
    journal.append(draft(b"before"))

    def half(fd: int, parts: Sequence[bytes]) -> int:
        entry = b"".join(parts)
        return os.write(fd, entry[: len(entry) // 2])

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", half)
        with pytest.raises(JournalFull, match="full"):
            journal.append(draft(b"cut"))
    journal.append(draft(b"after"))
    assert raw_lines(reader(state)) == [b"before", b"after"]
    assert len(segments(state.journal)) == 1


def test_a_disk_that_is_full_at_the_start_stops_no_start(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_fd: int, _parts: Sequence[bytes]) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", no_space)
        journal = writer(state)
        with pytest.raises(JournalFull, match="No space left"):
            journal.append(draft(b"refused"))
    assert size(state.journal) == 0
    journal.append(draft(b"later"))
    assert raw_lines(reader(state)) == [b"later"]


@pytest.mark.parametrize(("interval_s", "synced_at_once"), [(0.0, True), (3600.0, False), (None, False)])
def test_syncs_come_as_the_policy_says(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch, interval_s: float | None, *, synced_at_once: bool
) -> None:
    synced: list[int] = []
    journal = writer(state, sync_interval_s=interval_s)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", synced.append)
        journal.append(draft(b"line"))
        assert bool(synced) == synced_at_once
        journal.close()
        assert bool(synced) == (interval_s is not None)


def test_an_interval_is_kept_while_nothing_is_appended(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", lambda _fd: synced.set())
        journal = writer(state, sync_interval_s=0.01)
        journal.append(draft(b"line"))
        assert synced.wait(5)
        journal.close()


def test_a_sync_that_fails_loses_no_line(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        journal = writer(state, sync_interval_s=0.0)
        journal.append(draft(b"line"))
        journal.close()
    assert raw_lines(reader(state)) == [b"line"]
