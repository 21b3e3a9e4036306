from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.deliver._window import Window
from shipper.errors import ConnectionFailed
from shipper.limits import BULK_BYTES_MAX, BULK_BYTES_MIN, MIB
from tests.deliver.bodies import Lines
from tests.deliver.fakes import bench, until, whole

if TYPE_CHECKING:
    from pathlib import Path


def settled(requests_max: int, servers: int, rounds: int = 400) -> Window:
    """Give the window after answers of a cluster that works on ``servers`` requests at a time, 10 ms each."""
    window = Window(requests_max)
    for _ in range(rounds):
        window.answered(MIB, 0.01 * max(1.0, window.requests / servers))
    return window


def test_the_window_grows_to_its_bound_while_answers_come_as_fast_as_ever() -> None:
    assert settled(8, servers=100).requests == 8


@pytest.mark.parametrize("rounds", [100, 400, 3_000])
def test_the_window_stops_where_requests_only_wait_for_one_another(rounds: int) -> None:
    assert 4 <= settled(64, servers=4, rounds=rounds).requests <= 8


def test_a_cluster_that_gets_slower_for_good_is_not_starved() -> None:
    window = settled(8, servers=100)
    for _ in range(300):
        window.answered(MIB, 0.1)
    assert window.requests == 8


def test_requests_that_were_under_way_together_halve_it_once() -> None:
    window = settled(8, servers=100)
    for _ in range(8):
        window.refused(sent_s=1.0, now_s=2.0)
    assert window.requests == 4
    window.refused(sent_s=2.0, now_s=3.0)
    assert window.requests == 2


def test_size_follows_what_was_too_large_and_grows_back() -> None:
    window = Window(4)
    window.too_large(4 * MIB)
    assert window.bytes_max == 2 * MIB
    for _ in range(100):
        window.too_large(MIB)
    assert window.bytes_max == BULK_BYTES_MIN
    for _ in range(100):
        window.answered(MIB, 0.01)
    assert window.bytes_max == BULK_BYTES_MAX


@given(
    st.integers(1, 64),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1 << 30), st.floats(0, 100)), max_size=200),
)
def test_there_is_always_room_for_one_and_never_for_more_than_the_bound(
    requests_max: int, answers: list[tuple[str, int, float]]
) -> None:
    window, now_s = Window(requests_max), 0.0
    for kind, size, took_s in answers:
        now_s += took_s
        if kind == "a":
            window.answered(size, took_s)
        elif kind == "b":
            window.refused(now_s - took_s, now_s)
        else:
            window.too_large(size)
        assert 1 <= window.requests <= requests_max
        assert BULK_BYTES_MIN <= window.bytes_max <= BULK_BYTES_MAX


def test_a_busy_cluster_gets_fewer_requests_at_a_time_and_more_when_it_has_room(tmp_path: Path) -> None:
    with bench(tmp_path, requests_in_flight_max=8) as made:
        for ticket in range(60):
            made.delivery.submit(ticket, [Lines(f"i{ticket % 3}", tuple(range(ticket * 5, ticket * 5 + 5)))])
        until(lambda: len(made.verdicts) == 60)
        assert made.delivery.status().in_flight_max > 2
        busy = iter([True] * 6)
        made.cluster.request = lambda _index, _numbers: whole(429) if next(busy, False) else None
        made.delivery.submit(99, [Lines("i0", tuple(range(1000, 1005)))])
        until(lambda: len(made.verdicts) == 61)
        assert made.delivery.status().in_flight_max <= 2
        assert made.total.indexed == 305


class Unanswered:
    """Leaves the first request without an answer."""

    def __init__(self) -> None:
        self.first = True

    def __call__(self, _index: str, _numbers: list[int]) -> None:
        if self.first:
            self.first = False
            raise ConnectionFailed("no answer in time")


def test_after_a_request_without_an_answer_the_next_ones_are_smaller_and_every_document_comes_once(
    tmp_path: Path,
) -> None:
    whole_body = Lines("i", tuple(range(3_000)), padding=700)
    with bench(tmp_path) as made:
        made.cluster.request = Unanswered()
        made.delivery.submit(1, [whole_body])
        until(lambda: bool(made.verdicts))
        assert made.total.indexed == len(made.cluster.documents) == len(whole_body)
        first, *others = [len(ids) for _, ids in made.cluster.requests]
        assert first == len(whole_body)
        assert max(others) <= first // 2
        until(lambda: made.delivery.status().unsettled_bytes == 0)
