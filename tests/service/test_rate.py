"""How fast a count grows."""

from __future__ import annotations

from shipper.service._rate import Rate


def test_a_steady_growth_is_its_rate_from_the_beginning_on() -> None:
    rate = Rate(1_000, now_s=50.0)
    assert [rate.per_s(1_000 + 7 * second, 50.0 + second) for second in range(1, 200)] == [7.0] * 199


def test_what_is_longer_ago_than_a_minute_does_not_count() -> None:
    rate = Rate(0, now_s=0.0)
    for second in range(1, 101):
        rate.per_s(700 * second, float(second))
    assert [rate.per_s(70_000, 100.0 + second) for second in range(70)][-1] == 0.0


def test_a_growth_is_that_of_the_last_minute() -> None:
    rate = Rate(100, 0.0)
    assert [rate.growth(107, float(now_s)) for now_s in range(0, 180, 5)][-1] == 0
    assert rate.growth(110, 180.0) == 3


def test_a_rate_at_once_or_of_a_count_that_falls_is_0() -> None:
    rate = Rate(10, now_s=1.0)
    assert rate.per_s(20, 1.0) == 0.0
    assert rate.per_s(5, 2.0) == 0.0
