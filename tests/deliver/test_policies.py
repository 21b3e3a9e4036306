from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Delivery
from shipper.deliver._answers import Cause
from shipper.deliver._backoff import Backoff
from shipper.deliver._fuse import Fuse, Fuses
from shipper.deliver._queue import Job
from shipper.deliver._state import State
from tests.deliver.bodies import Lines


@given(st.integers(1, 10_000), st.integers())
def test_a_delay_stays_within_its_bounds(attempt: int, seed: int) -> None:
    assert 0.2 <= Backoff(0.2, 30.0).delay_s(attempt, random.Random(seed)) <= 30.0


def test_the_longest_delay_doubles_up_to_its_bound() -> None:
    rng = random.Random(1)
    longest = [max(Backoff(0.2, 3.0).delay_s(attempt, rng) for _ in range(500)) for attempt in range(1, 6)]
    assert [round(delay, 1) for delay in longest] == [0.4, 0.8, 1.6, 3.0, 3.0]


def test_delays_are_spread_over_their_whole_range() -> None:
    rng = random.Random(1)
    delays = [Backoff(0.2, 30.0).delay_s(9, rng) for _ in range(500)]
    assert min(delays) < 1.0
    assert max(delays) > 29.0


def test_a_maximum_below_the_minimum_wins() -> None:
    assert Backoff(5.0, 1.0).delay_s(3, random.Random(1)) == 1.0


def test_the_fuse_blows_when_more_than_its_share_of_the_window_is_refused_for_one_reason() -> None:
    fuse = Fuse(10, 0.5)
    fuse.record("a", 5)
    assert fuse.blown_by() is None
    fuse.record("a", 1)
    assert fuse.blown_by() == "a"


def test_two_reasons_below_the_share_do_not_blow_the_fuse() -> None:
    fuse = Fuse(10, 0.5)
    fuse.record("a", 5)
    fuse.record("b", 5)
    assert fuse.blown_by() is None


def test_old_items_leave_the_window() -> None:
    fuse = Fuse(10, 0.5)
    fuse.record("a", 6)
    fuse.record(None, 5)
    assert fuse.blown_by() is None
    fuse.record("a", 5)
    assert fuse.blown_by() is None
    fuse.record("a", 1)
    assert fuse.blown_by() == "a"


def test_a_blown_fuse_concerns_its_index_alone() -> None:
    fuses = Fuses(10, 0.5)
    assert not fuses.hold("i", 0, {"a": 5}, counted=False)
    assert not fuses.hold("j", 0, {"a": 5}, counted=False)
    assert fuses.hold("i", 0, {"a": 1}, counted=False)
    assert not fuses.hold("j", 10, {}, counted=False)
    assert fuses.hold("i", 0, {}, counted=False)


def test_what_was_counted_is_not_counted_again() -> None:
    fuses = Fuses(10, 0.5)
    assert not fuses.hold("i", 0, {"a": 5}, counted=False)
    assert not fuses.hold("i", 0, {"a": 5}, counted=True)


def test_a_fuse_is_mended_by_an_answer_that_is_mostly_good_and_has_then_seen_nothing() -> None:
    fuses = Fuses(10, 0.5)
    assert fuses.hold("i", 0, {"a": 10}, counted=False)
    assert fuses.hold("i", 4, {"a": 5}, counted=False)
    assert not fuses.hold("i", 5, {"a": 5}, counted=False)
    assert not fuses.hold("i", 0, {"a": 5}, counted=False)


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 30)), max_size=30))
def test_the_fuse_agrees_with_a_plain_list_of_the_last_items(runs: list[tuple[str | None, int]]) -> None:
    fuse = Fuse(20, 0.5)
    items: list[str | None] = []
    for reason, count in runs:
        fuse.record(reason, count)
        items = [*items, *([reason] * count)][-20:]
    blown = {reason for reason in ("a", "b") if items.count(reason) > 10}
    assert ({fuse.blown_by()} - {None}) == blown


def test_once_elasticsearch_answers_again_nothing_waits_for_its_own_long_back_off() -> None:
    now_s = [0.0]
    settings = Delivery(retry_delay_s_min=1.0, retry_delay_s_max=1_000.0, requests_in_flight_max=1)
    state = State(settings, clock_s=lambda: now_s[0], rng=random.Random(1))
    for ticket in range(5):
        assert state.admit(ticket, [Lines("i", (ticket,))], 0)
        job = state.next()
        assert job is not None
        state.failed(Cause(0, "", "connection refused"))
        state.retry(replace(job, attempt=30))
        state.done(job)
    state.answered(Job(5, Lines("i", (5,))), 1, Counter())
    now_s[0] = settings.retry_delay_s_min
    for _ in range(5):
        waiting = state.next()
        assert waiting is not None
        state.done(waiting)
