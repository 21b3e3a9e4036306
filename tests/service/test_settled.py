"""What became of all lines: the commit record and the parking log, together."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.journal import Commit
from shipper.parking_totals import ParkingTotals
from shipper.service._settled import Settled, Sums

COMMIT = Commit(journaled=100, indexed=80, already_there=3, dead_lettered=2, parked=14, journal_lost=1)
LOG = ParkingTotals(parked=14, indexed=5, already_there=1, dead_lettered=2)


def test_what_was_parked_counts_where_it_ended() -> None:
    assert Settled(COMMIT, LOG).as_of(COMMIT, LOG) == Sums(85, 4, 4, parked=6, journal_lost=1)


def test_what_is_parked_before_the_commit_passes_it_counts_once_it_has() -> None:
    settled = Settled(COMMIT, LOG)
    parked = replace(LOG, parked=20)
    assert settled.as_of(COMMIT, parked).parked == 6
    passed = replace(COMMIT, journaled=106, parked=20)
    assert settled.as_of(passed, parked).parked == 12


def test_a_log_that_was_deleted_has_lost_its_lines() -> None:
    assert Settled(COMMIT, ParkingTotals()).as_of(COMMIT, ParkingTotals()) == Sums(80, 3, 2, parked=0, journal_lost=15)


def test_without_the_commit_record_counting_begins_at_0() -> None:
    log = replace(LOG, parked=8)  # at the start it drops what the journal brings again
    assert Settled(Commit(), log).as_of(Commit(), log) == Sums(0, 0, 0, parked=0, journal_lost=0)


def totals(parked: int) -> st.SearchStrategy[ParkingTotals]:
    cuts = st.lists(st.integers(0, parked), min_size=3, max_size=3).map(sorted)
    return cuts.map(lambda cut: ParkingTotals(parked, cut[0], cut[1] - cut[0], cut[2] - cut[1]))


@given(log=st.integers(0, 30).flatmap(totals), known=st.integers(0, 30))
def test_whatever_of_the_two_was_lost_each_line_that_the_commit_passed_counts_once(
    log: ParkingTotals, known: int
) -> None:
    missing = max(0, log.parked - known)
    if log.settled < missing:  # what is parked still and not committed, the log drops at the start
        log = replace(log, parked=known + log.settled)
    commit = Commit(indexed=7, parked=known)
    sums = Settled(commit, log).as_of(commit, log)
    assert sum(astuple(sums)) == 7 + known
    assert min(astuple(sums)) >= 0


@pytest.mark.parametrize("later", [ParkingTotals(14, 13, 1, 0), ParkingTotals(14, 5, 1, 8)])
def test_each_line_that_leaves_the_log_changes_its_place_and_no_sum(later: ParkingTotals) -> None:
    sums = Settled(COMMIT, LOG).as_of(COMMIT, later)
    assert sum(astuple(sums)) == 100
    assert sums.parked == 0
