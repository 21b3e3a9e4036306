from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.journal import Batch, Commit, Entry, Ledger, Position, ReceiveTally, Verdicts
from shipper.journal.commit import COUNTERS
from shipper.journal.committer import decode, encode
from shipper.journal.entry import LINE_HEADER

SEGMENT = bytes(12)


def batch(lines: int, end: int, lost: int = 0, tally: ReceiveTally | None = None) -> Batch:
    table = LINE_HEADER.pack(0, 0, 0, 0) * lines
    entry = Entry(SEGMENT, end, 0, (), table, b"", 0, tally or ReceiveTally(received=lines))
    return Batch((entry.behind(lost),), b"{}", Position(SEGMENT, end))


def test_the_commit_waits_for_the_lowest_batch_that_is_not_settled() -> None:
    ledger = Ledger(Commit())
    first, second, third = (ledger.open(batch(10, end)) for end in (100, 200, 300))
    ledger.settle(second, Verdicts(indexed=10))
    assert ledger.commit == Commit()
    assert ledger.open_lines == 30
    ledger.settle(first, Verdicts(indexed=9, dead_lettered=1))
    assert ledger.commit == Commit(Position(SEGMENT, 200), received=20, journaled=20, indexed=19, dead_lettered=1)
    ledger.settle(third, Verdicts(already_there=8, parked=2))
    assert ledger.commit.position == Position(SEGMENT, 300)
    assert ledger.open_lines == 0


def test_a_batch_without_lines_settles_itself() -> None:
    ledger = Ledger(Commit())
    ticket = ledger.open(batch(0, 50, lost=3, tally=ReceiveTally(7, 1, 2, 4, 8)))
    assert ledger.commit == Commit(
        Position(SEGMENT, 50),
        received=10,
        journaled=3,
        journal_lost=3,
        dropped_full=1,
        refused_sender=2,
        empty=4,
        kernel_drops=8,
    )
    commit = ledger.commit
    ledger.settle(ticket, Verdicts())
    assert ledger.commit == commit


def test_verdicts_that_do_not_add_up_are_refused() -> None:
    ledger = Ledger(Commit())
    ticket = ledger.open(batch(2, 10))
    with pytest.raises(ValueError, match="3 verdicts for a batch of 2 lines"):
        ledger.settle(ticket, Verdicts(indexed=3))


def test_a_batch_settles_only_once() -> None:
    ledger = Ledger(Commit())
    ledger.open(batch(1, 10))
    ticket = ledger.open(batch(2, 20))
    ledger.settle(ticket, Verdicts(indexed=2))
    with pytest.raises(KeyError):
        ledger.settle(ticket, Verdicts(indexed=2))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), st.randoms(use_true_random=False))
def test_any_order_of_settling_ends_in_the_same_sums(sizes: list[tuple[int, int]], shuffle: object) -> None:
    ledger = Ledger(Commit())
    tickets = [(ledger.open(batch(lines, 10 * n + 10, lost)), lines) for n, (lines, lost) in enumerate(sizes)]
    shuffle.shuffle(tickets)  # type: ignore[attr-defined]
    for ticket, lines in tickets:
        ledger.settle(ticket, Verdicts(indexed=lines // 2, parked=lines - lines // 2))
        commit = ledger.commit
        settled = Verdicts(commit.indexed, commit.already_there, commit.dead_lettered, commit.parked)
        assert commit.received == commit.journaled == settled.total + commit.journal_lost
    assert ledger.commit.journaled == sum(map(sum, sizes))
    assert ledger.commit.position == (Position(SEGMENT, 10 * len(sizes)) if sizes else None)


def test_verdicts_add_up() -> None:
    assert Verdicts(1, 2, 3, 4) + Verdicts(10, 20, 30, 40) == Verdicts(11, 22, 33, 44)
    assert Verdicts(1, 2, 3, 4).total == sum(astuple(Verdicts(1, 2, 3, 4)))


counters = st.fixed_dictionaries(dict.fromkeys(COUNTERS, st.integers(0, 2**63)))
positions = st.none() | st.builds(Position, st.binary(min_size=12, max_size=12), st.integers(0, 2**32 - 1))


@given(positions, counters)
def test_a_record_is_read_as_it_was_written(position: Position | None, counts: dict[str, int]) -> None:
    commit = Commit(position, **counts)
    assert decode(encode(commit)) == commit


@given(st.data())
def test_a_damaged_record_is_never_believed(data: st.DataObject) -> None:
    commit = Commit(Position(SEGMENT, 77), journaled=12, indexed=12)
    record = bytearray(encode(commit))
    bit = data.draw(st.integers(0, len(record) * 8 - 1))
    record[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(record)) in {None, commit}


@given(st.binary() | st.sampled_from([b"[" * 100_000, b"null", b"{}", b'{"commit": 1, "crc32c": 2}']))
def test_no_bytes_raise(data: bytes) -> None:
    assert decode(data) is None
