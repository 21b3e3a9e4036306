"""Nearest rank, exactly."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import ConfigError
from shipper.query import USUAL, Percentiles, Percents, Phase, exactly, phase_aggregations, read_phase
from shipper.query._percentiles import rank

PERCENTS = st.lists(st.decimals("0.001", "100", places=3), min_size=1, max_size=5, unique=True)


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=300), PERCENTS)
def test_a_percentile_is_the_value_at_its_rank_among_the_sorted(values: list[int], percents: list[Decimal]) -> None:
    asked = Percents(tuple(percents))
    found = exactly(Counter(values), asked)
    ordered = sorted(values)
    for percent, value in zip(percents, found.values, strict=True):
        least = next(n for n in range(1, len(ordered) + 1) if Decimal(n) / len(ordered) * 100 >= percent)
        assert value == ordered[least - 1]
    assert (found.population, found.max) == (len(values), max(values))


def test_ranks_are_those_of_decimal_numbers() -> None:
    assert [rank(Decimal("99.9"), 1_000), rank(Decimal("99.9"), 1_001), rank(Decimal("0.1"), 1_000)] == [999, 1_000, 1]
    assert rank(Decimal(55), 100) == 55


def test_of_no_values_there_are_no_percentiles() -> None:
    assert exactly({}, USUAL) == Percentiles(0, (None,) * 6, None)


def test_percents_are_sorted_and_named_as_people_write_them() -> None:
    assert Percents.parse("99.90,50.0,100").names == ("50", "99.9", "100")


@pytest.mark.parametrize("text", ["", "0", "101", "50,50.0", "50,", "1e1", "NaN", "-1", "p99"])
def test_percents_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="are expected"):
        Percents.parse(text)


def test_an_answer_is_read_by_the_names_of_the_aggregations() -> None:
    percents = Percents.parse("50,99.9")
    names = set(phase_aggregations(Phase.TOTAL, percents))
    values = [{"key": 50.0, "value": 12.06}, {"key": 99.9, "value": 640.9}]
    answer = {
        "total_percentiles": {"values": values},
        "total_population": {"value": 3},
        "total_max": {"value": 639.0},
    }
    assert set(answer) == names
    assert read_phase(answer, Phase.TOTAL, percents) == Percentiles(3, (12, 639), 639)


def test_an_answer_about_nothing_is_nothing() -> None:
    answer = {"data_percentiles": {"values": []}, "data_population": {"value": 0}, "data_max": {"value": None}}
    assert read_phase(answer, Phase.DATA, USUAL) == exactly({}, USUAL)
