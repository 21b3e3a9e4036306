"""Percentiles: their definition, exactly from counted values, and as an aggregation of Elasticsearch.

1. Nearest rank: of n sorted values the p-th percentile is the one at rank ceil(p/100*n). It is a value that occurred.
2. Percents are decimal numbers: 99.9% of 1,000 is rank 999, which binary floating point makes 1,000 of.
3. Elasticsearch counts in an HDR histogram, whose error is bounded and known (docs/percentiles.md); its default,
   t-digest, has no bound.
4. A percentile comes with its population; of none there is no percentile.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from shipper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.query._population import Phase

Aggregations: TypeAlias = "dict[str, Mapping[str, Any]]"

DIGITS: Final = 2
"""Significant digits of Elasticsearch's histograms: within 0.8%, in an eighth of the memory that a third one takes."""
MAX: Final = "max"
_ALL: Final = 100
_PERCENT: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Percents:
    """Which percentiles are asked for, each above 0 and at most 100."""

    values: tuple[Decimal, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a list like `50,75,99.9`; it is sorted. Raises ConfigError."""
        found = {Decimal(part).normalize() for part in text.split(",") if _PERCENT.fullmatch(part)}
        if len(found) != text.count(",") + 1 or not all(0 < value <= _ALL for value in found):
            raise ConfigError(f"percents {text}: different numbers above 0 and up to 100 are expected, like 50,99,99.9")
        return cls(tuple(sorted(found)))

    @property
    def names(self) -> tuple[str, ...]:
        """As people write them: `50`, `99.9`."""
        return tuple(f"{value:f}" for value in self.values)


USUAL: Final = Percents.parse("50,75,90,95,99,99.9")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of ``population`` values: the percentiles, in the order of the percents, and the largest; None without any."""

    population: int
    values: tuple[int | None, ...]
    max: int | None

    def as_json(self, percents: Percents) -> dict[str, int | None]:
        """Give the values by the names of their percents, and the largest as `max`."""
        return {**dict(zip(percents.names, self.values, strict=True)), MAX: self.max}


def rank(percent: Decimal, population: int) -> int:
    """Give the place, from 1 on, of a percentile among sorted values."""
    return math.ceil(percent * population / _ALL)


def exactly(counted: Mapping[int, int], percents: Percents) -> Percentiles:
    """Give the percentiles of values, by how often each is there."""
    if not counted:
        return Percentiles(0, (None,) * len(percents.values), None)
    values = sorted(counted)
    ranks = list(accumulate(counted[value] for value in values))
    found = (values[bisect_left(ranks, rank(percent, ranks[-1]))] for percent in percents.values)
    return Percentiles(ranks[-1], tuple(found), values[-1])


def percentiles_aggregation(field: str, percents: Percents) -> Mapping[str, Any]:
    """Give the aggregation of a field's percentiles."""
    return {
        "percentiles": {
            "field": field,
            "percents": [float(value) for value in percents.values],
            "keyed": False,
            "hdr": {"number_of_significant_value_digits": DIGITS},
        }
    }


def phase_aggregations(phase: Phase, percents: Percents) -> Aggregations:
    """Give what ``read_phase`` reads: a phase's percentiles, its population and its largest value."""
    return {
        f"{phase}_percentiles": percentiles_aggregation(phase.field, percents),
        f"{phase}_population": {"value_count": {"field": phase.field}},
        f"{phase}_max": {"max": {"field": phase.field}},
    }


def read_phase(answer: Mapping[str, Any], phase: Phase, percents: Percents) -> Percentiles:
    """Read the answer to ``phase_aggregations``: the aggregations themselves, or a bucket of them."""
    population = int(answer[f"{phase}_population"]["value"])
    if not population:
        return exactly({}, percents)
    largest = int(answer[f"{phase}_max"]["value"])
    by_percent = {float(each["key"]): each["value"] for each in answer[f"{phase}_percentiles"]["values"]}
    found = (min(int(by_percent[float(value)]), largest) for value in percents.values)
    return Percentiles(population, tuple(found), largest)
