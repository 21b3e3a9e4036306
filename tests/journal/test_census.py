"""The census counts what the reader will find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.journal import Commit, Ledger, ReceiveTally, StateFolder, Verdicts, bytes_on_disk
from shipper.journal._segments import path_of, segments
from shipper.journal.census import Census
from shipper.limits import MIB
from tests.journal.drafts import INTERPRETATION, draft, reader, writer

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal import Draft


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def settle(state: StateFolder, commit: Commit, *, batches_max: int = 10_000, lines_max: int = 1) -> Commit:
    """Read on from ``commit`` and index what is read; give the record after it."""
    ledger, source = Ledger(commit), reader(state, commit.position)
    while batches_max and (batch := source.read(lines_max, MIB)) is not None:
        ledger.settle(ledger.open(batch), Verdicts(indexed=len(batch)))
        batches_max -= 1
    source.close()
    return ledger.commit


def counts(census: Census) -> tuple[int, ReceiveTally]:
    assert census.look(10_000)
    return census.journaled, census.tally


def counts_of(commit: Commit) -> tuple[int, ReceiveTally]:
    beside = commit.dropped_full, commit.refused_sender, commit.empty, commit.kernel_drops
    return commit.journaled, ReceiveTally(commit.received, *beside)


def drafts(numbers: list[int]) -> list[Draft]:
    return [draft(*[b"line"] * lines, tally=ReceiveTally(empty=lines % 2, kernel_drops=1)) for lines in numbers]


def test_an_empty_journal_adds_nothing_to_the_commit(state: StateFolder) -> None:
    state.journal.mkdir()
    commit = Commit(received=7, journaled=5, empty=2, kernel_drops=3)
    assert counts(Census(state.journal, commit)) == (5, ReceiveTally(7, empty=2, kernel_drops=3))


def test_what_is_appended_between_two_looks_is_counted_by_the_second(state: StateFolder) -> None:
    journal = writer(state)
    census = Census(state.journal, Commit())
    assert census.look(10)
    journal.append(draft(b"a", b"b", tally=ReceiveTally(dropped_full=4)))
    assert counts(census) == (2, ReceiveTally(6, dropped_full=4))
    journal.append(draft(b"c"))
    assert counts(census) == (3, ReceiveTally(7, dropped_full=4))


def test_a_long_journal_is_counted_in_several_looks(state: StateFolder) -> None:
    journal = writer(state)
    for one in drafts([1] * 10):
        journal.append(one)
    census = Census(state.journal, Commit())
    assert [census.look(4) for _ in range(3)] == [False, False, True]
    assert census.journaled == 10


def test_segments_that_are_deleted_are_passed_over(state: StateFolder) -> None:
    for one in drafts([1, 2, 3]):
        journal = writer(state)
        journal.append(one)
        journal.close()
    census = Census(state.journal, Commit())
    assert not census.look(1)
    for segment in segments(state.journal)[:2]:
        path_of(state.journal, segment).unlink()
    assert counts(census)[0] == 1 + 3


def test_the_bytes_of_the_journal_are_those_of_its_files(state: StateFolder) -> None:
    writer(state).append(draft(b"a"))
    assert bytes_on_disk(state.journal) == sum(file.stat().st_size for file in state.journal.iterdir())


@given(
    lives=st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=4),
    settled=st.integers(0, 8),
    damage=st.none() | st.tuples(st.integers(0, 1000), st.integers(0, 2000), st.integers(0, 7)),
)
def test_it_counts_what_a_reader_from_the_same_commit_finds(
    tmp_path_factory: pytest.TempPathFactory,
    lives: list[list[int]],
    settled: int,
    damage: tuple[int, int, int] | None,
) -> None:
    state = StateFolder(tmp_path_factory.mktemp("state"))
    for life in lives:
        journal = writer(state)
        for one in drafts(life):
            journal.append(one)
        journal.close()
    commit = settle(state, Commit(), batches_max=settled)
    if damage is not None:
        flip(path_of(state.journal, segments(state.journal)[damage[0] % len(lives)]), *damage[1:])
    writer(state).append(draft(b"last"))  # so that all damage is known as such
    census, after = Census(state.journal, commit), settle(state, commit)
    if counts(census)[0] < after.journaled:  # the damage lies right behind the commit
        assert after.journal_lost
        census = Census(state.journal, after)
    assert counts(census) == counts_of(after)


def flip(path: Path, offset: int, bit: int) -> None:
    """Flip a bit behind the header of a segment."""
    data = bytearray(path.read_bytes())
    front = 36 + len(INTERPRETATION)
    data[front + offset % (len(data) - front)] ^= 1 << bit
    path.write_bytes(data)
