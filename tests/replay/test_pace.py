from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import ConfigError
from shipper.replay.pace import (
    Burst,
    Evenly,
    Original,
    Poisson,
    Ramp,
    Steady,
    Unpaced,
    read_burst,
    read_duration_s,
    read_ramp,
)

RATES = st.floats(0.1, 1e6)


def test_the_original_gaps_are_divided_by_the_speed() -> None:
    pace = Original(10)
    assert [pace.due_s(n, us) for n, us in enumerate((5_000_000, 6_000_000, 5_500_000))] == [0, 0.1, 0.05]


def test_an_even_rate_is_absolute_and_never_drifts() -> None:
    assert Evenly(Steady(7_000)).due_s(7_000 * 86_400, 0) == 86_400


def test_without_a_pace_everything_is_due_at_once() -> None:
    assert Unpaced().due_s(1_000_000, 10**15) == 0


def test_a_burst_comes_together_and_the_next_an_interval_later() -> None:
    pace = Evenly(Burst(3, 0.5))
    assert [pace.due_s(n, 0) for n in range(7)] == [0, 0, 0, 0.5, 0.5, 0.5, 1.0]


@given(first=st.one_of(st.just(0.0), RATES), last=RATES, duration_s=st.floats(0.1, 1e4), share=st.floats(0, 1))
def test_a_ramp_has_sent_what_lies_under_its_curve(first: float, last: float, duration_s: float, share: float) -> None:
    ramp, at_s = Ramp(first, last, duration_s), share * duration_s
    under = first * at_s + (last - first) / duration_s * at_s * at_s / 2
    again = ramp.reaches_s(under)
    assert first * again + (last - first) / duration_s * again * again / 2 == pytest.approx(under, rel=1e-6, abs=1e-6)


def test_after_a_ramp_its_last_rate_stays() -> None:
    ramp = Ramp(1_000, 3_000, 10)
    assert ramp.reaches_s(20_000) == pytest.approx(10)
    assert ramp.reaches_s(23_000) == pytest.approx(11)


@given(st.one_of(st.builds(Steady, RATES), st.builds(Ramp, RATES, RATES, st.floats(0.1, 1e4))))
def test_a_later_line_is_never_due_earlier(curve: Steady | Ramp) -> None:
    for pace in (Evenly(curve), Poisson(curve, random.Random(3))):
        dues = [pace.due_s(number, 0) for number in range(500)]
        assert all(a <= b for a, b in pairwise(dues))


def test_random_arrivals_keep_the_rate_and_have_the_gaps_of_chance() -> None:
    pace = Poisson(Steady(1_000), random.Random(1))
    dues = [pace.due_s(number, 0) for number in range(100_000)]
    gaps = [b - a for a, b in pairwise(dues)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert dues[-1] == pytest.approx(100, rel=0.02)
    assert deviation == pytest.approx(mean, rel=0.02)


def test_the_same_seed_gives_the_same_arrivals() -> None:
    first, again = (Poisson(Steady(10), random.Random(7)) for _ in range(2))
    assert [first.due_s(n, 0) for n in range(50)] == [again.due_s(n, 0) for n in range(50)]


def test_paces_are_read_as_they_are_written() -> None:
    assert read_ramp("1000:20000:60s") == Ramp(1_000, 20_000, 60)
    assert read_burst("5000/200ms") == Burst(5_000, 0.2)
    assert [read_duration_s(text) for text in ("1h", "5m", "1.5s")] == [3_600, 300, 1.5]


@pytest.mark.parametrize("text", ["", "1000", "1000:2000", "1000:2000:60", "a:b:1s", "1:0:1s", "-1:5:1s", "nan:5:1s"])
def test_a_ramp_that_is_none_says_what_is_expected(text: str) -> None:
    with pytest.raises(ConfigError, match="like 1000:20000:60s"):
        read_ramp(text)


@pytest.mark.parametrize("text", ["", "5000", "0/1s", "5000/0s", "5000/1", "x/1s"])
def test_a_burst_that_is_none_says_what_is_expected(text: str) -> None:
    with pytest.raises(ConfigError, match="like 5000/1s"):
        read_burst(text)
