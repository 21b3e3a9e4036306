"""The state of a direct replay moves over what is settled, and its numbers add up at every moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.journal import Position, Verdicts
from shipper.limits import REFUSED_PLACES_MAX, SUMMARY_REASONS_MAX
from shipper.parking_totals import ParkingTotals
from shipper.replay.direct import OTHER_REASONS, Letter, Reached, Refused, Settling, State, Step, Tally, Times, in_all

if TYPE_CHECKING:
    import random

SEGMENT = bytes(12)


def step(number: int, documents: int, blank: int = 0) -> Step:
    """Give a batch whose lines lie at ``100 * number`` and behind it."""
    tally = Tally(read=documents + blank, blank=blank, by_index={"i": documents})
    return Step(Reached(0, end=100 * number + 100), Position(SEGMENT, 100 * number + 100), tally, documents)


def letters(number: int, count: int) -> list[Letter]:
    return [Letter(Position(SEGMENT, 100 * number + place), "k", "why", f"f:{number}") for place in range(count)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=8), st.randoms(use_true_random=False))
def test_the_state_passes_nothing_unsettled_and_always_adds_up(
    sizes: list[tuple[int, int]], chance: random.Random
) -> None:
    settling = Settling(State("c"))
    tickets = [settling.open(step(number, *size)) for number, size in enumerate(sizes)]
    order = [number for number, (documents, _) in enumerate(sizes) if documents]
    chance.shuffle(order)
    open_ = set(order)
    for number in order:
        documents = sizes[number][0]
        refused = chance.randrange(documents + 1)
        settling.refused(letters(number, refused))
        settling.settle(tickets[number], Verdicts(indexed=documents - refused, dead_lettered=refused))
        open_.remove(number)
        passed = min(open_, default=len(sizes))
        assert settling.state.reached.end == 100 * passed
        assert settling.state.tally.adds_up
        assert settling.state.tally.read == sum(map(sum, sizes[:passed]))
    settling.all_is_read()
    assert settling.done


def test_verdicts_that_are_not_those_of_the_batch_are_a_mistake() -> None:
    settling = Settling(State("c"))
    ticket = settling.open(step(0, 2))
    with pytest.raises(ValueError, match="batch of 2"):
        settling.settle(ticket, Verdicts(indexed=1))
    settling.settle(ticket, Verdicts(indexed=2))
    with pytest.raises(KeyError):
        settling.settle(ticket, Verdicts(indexed=2))


def test_a_batch_that_was_not_sent_can_be_taken_back() -> None:
    settling = Settling(State("c"))
    settling.forget(settling.open(step(0, 2)))
    assert settling.under_way == 0
    assert settling.state == State("c")


def test_letters_of_parked_lines_are_counted_when_they_come() -> None:
    settling = Settling(State("c"))
    settling.settle(settling.open(step(0, 2)), Verdicts(indexed=1, parked=1))
    assert settling.state.tally.adds_up
    settling.refused(letters(0, 1))
    tally = in_all(settling.state.tally, ParkingTotals(parked=1, dead_lettered=1))
    assert (tally.parked, tally.dead_lettered) == (0, 1)
    assert tally.adds_up


def test_reasons_and_places_are_bounded_and_still_counted() -> None:
    tally = Tally()
    for number in range(SUMMARY_REASONS_MAX + 7):
        tally += Tally(refused={f"kind {number}": Refused(1, "why", ("f:1",))})
    assert len(tally.refused) == SUMMARY_REASONS_MAX + 1
    assert tally.refused[OTHER_REASONS].lines == 7
    for _ in range(50):
        tally += Tally(refused={"kind 0": Refused(1, "another", ("f:2",))})
    assert tally.refused["kind 0"].lines == 51
    assert tally.refused["kind 0"].reason == "why"
    assert len(tally.refused["kind 0"].places) == REFUSED_PLACES_MAX


def test_a_round_follows_the_one_before_it_at_its_mean_gap() -> None:
    times = Times().with_line(1_000).with_line(3_000).with_line(2_000).next_round()
    assert times == Times(first_us=1_000, later_us=3_000)
    assert Times().next_round() == Times()
