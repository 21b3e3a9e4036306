"""What the dashboard is measured on, and by."""

from __future__ import annotations

from itertools import islice

import pytest

from bench import day, digests
from bench.dashboard import SEARCHES
from shipper import config
from shipper.encode import Encoder
from shipper.query import USUAL, Dimension, exactly
from shipper.query.panels import _panels


def test_every_search_of_the_page_is_measured() -> None:
    assert {name for name, _ in SEARCHES} == set(_panels.SEARCHES)
    assert {options["field"] for name, options in SEARCHES if name == "values"} == set(Dimension)


def test_an_hour_is_the_same_each_time_and_all_of_it_is_understood() -> None:
    first, again = (next(day.batches(3)) for _ in range(2))
    encoded = Encoder(config.Interpretation(index=day.INDEX)).encode(first)
    assert first == again
    assert not encoded.unparsed
    assert sum(map(len, encoded.bodies)) == len(first)
    assert {body.index for body in encoded.bodies} == {"haproxy-2026.11.20"}


def test_no_line_has_the_id_of_another() -> None:
    batches = [batch for hour in (0, 23) for batch in islice(day.batches(hour), 2)]
    places = [line.position for batch in batches for line in batch.lines()]
    assert places == sorted(set(places))


@pytest.mark.parametrize(("value", "off"), [(101.0, 0.0), (102.0, 0.02)])
def test_an_error_counts_from_more_than_a_millisecond_on(value: float, off: float) -> None:
    truth = exactly({100: 10}, USUAL)
    assert {error for error, _ in digests.errors([{"value": value}] * len(USUAL.names), truth)} == {off}
