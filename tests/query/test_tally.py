"""Exact percentiles of groups of lines, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.errors import Permanent
from shipper.query import Dimension, Filters, Percents, Phase, Question, Tally, _tally
from tests.query.nearest_rank import nearest_rank

if TYPE_CHECKING:
    from collections.abc import Sequence

PERCENTS = Percents.parse("50,75,99.9")
TIMES = st.one_of(st.none(), st.integers(0, 50), st.integers(0, 100_000))


def document(backend: str | None, **more: object) -> dict[str, Any]:
    named = {} if backend is None else {"haproxy.backend_name": backend}
    return {"haproxy.line": "traffic", **named, **{f"haproxy.time.{name}_ms": ms for name, ms in more.items()}}


def tally(documents: Sequence[dict[str, Any]], **question: Any) -> Tally:  # noqa: ANN401 -- each field has its own type
    counted = Tally(Question(**{"percents": PERCENTS, **question}))
    for each in documents:
        counted.add(each)
    return counted


@given(st.lists(st.tuples(st.sampled_from(["shop", "api", None]), TIMES, TIMES), max_size=200))
@settings(max_examples=50)
def test_each_percentile_of_each_group_is_what_sorting_gives(
    lines: list[tuple[str | None, int | None, int | None]],
) -> None:
    documents = [document(backend, total=total, queue=queue) for backend, total, queue in lines]
    found = tally(documents, phases=(Phase.TOTAL, Phase.QUEUE), by=(Dimension.BACKEND,)).breakdown()
    naive: dict[tuple[str | int | None, ...], list[list[int]]] = defaultdict(lambda: [[], []])
    for backend, *times in lines:
        for place, ms in enumerate(times):
            naive[backend,][place] += [] if ms is None else [ms]
    assert {row.group for row in found.rows} == set(naive)
    assert found.whole.lines == sum(row.lines for row in found.rows) == len(lines)
    for row in found.rows:
        for phase, values in zip(row.phases, naive[row.group], strict=True):
            assert (phase.population, phase.max) == (len(values), max(values, default=None))
            assert phase.values == tuple(nearest_rank(values, percent) for percent in PERCENTS.values)


def test_groups_come_with_the_most_lines_first() -> None:
    documents = [document(name, total=1) for name in ["b", "a", "c", "c", "b", "c"]]
    rows = tally(documents, by=(Dimension.BACKEND,)).breakdown().rows
    assert [(row.group, row.lines) for row in rows] == [(("c",), 3), (("b",), 2), (("a",), 1)]


def test_what_does_not_count_or_fit_is_in_no_group() -> None:
    other_step = document("shop", total=9) | {"haproxy.log_step": "txn_request"}
    event = document("shop", total=9) | {"haproxy.line": "event"}
    documents = [document("shop", total=1), document("api", total=5), other_step, event]
    found = tally(documents, filters=Filters.parse(["backend:shop"])).breakdown()
    assert (found.whole.lines, found.whole.phases[0].max) == (1, 1)


def test_lower_bounds_count_and_are_told() -> None:
    found = tally([document("shop", total=1), document("shop", total=2) | {"haproxy.partial": True}]).breakdown()
    assert (found.whole.phases[0].population, found.partial) == (2, 1)


def test_groups_beyond_the_bound_are_counted_in_the_whole_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tally, "GROUPS_MAX", 2)
    found = tally([document(name, total=1) for name in "abcac"], by=(Dimension.BACKEND,)).breakdown()
    assert [row.group for row in found.rows] == [("a",), ("b",)]
    assert (found.whole.lines, found.lines_beyond) == (5, 2)


def test_too_many_different_values_end_it_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tally, "TALLY_VALUES_MAX", 100)
    monkeypatch.setattr(_tally, "_LOOK_LINES", 8)
    with pytest.raises(Permanent, match="fewer phases or groups"):
        tally([document("shop", total=ms) for ms in range(200)])
