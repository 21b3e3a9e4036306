"""The definition of a percentile, as naively as it can be written."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal


def nearest_rank(values: Sequence[int], percent: Decimal) -> int | None:
    """Give the value at rank ceil(percent/100*n) of n sorted values; None of none."""
    return sorted(values)[ceil(percent * len(values) / 100) - 1] if values else None


def near_ranks(values: Sequence[int], percent: Decimal) -> list[int]:
    """Give that value and its neighbours: those at most one rank away."""
    place = ceil(percent * len(values) / 100) - 1
    return sorted(values)[max(place - 1, 0) : place + 2]


def agrees(ms: int | None, values: Sequence[int], percent: Decimal) -> bool:
    """Tell whether a percentile is within 1% or 1 ms of an exact value at most one rank away."""
    if ms is None:
        return not values
    return any(abs(ms - exact) <= max(1, exact / 100) for exact in near_ranks(values, percent))
