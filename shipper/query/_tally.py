"""Percentiles of lines, exactly: every value is counted.

1. Memory grows with the groups and with the different milliseconds of each, never with the number of lines.
2. Both have a bound: groups beyond GROUPS_MAX are not told apart; with more than TALLY_VALUES_MAX different values
   there is no answer, rather than one that is not exact.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import Permanent
from shipper.limits import GROUPS_MAX, TALLY_VALUES_MAX
from shipper.query._breakdown import PARTIAL, Breakdown, Row
from shipper.query._percentiles import exactly
from shipper.query._population import counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.query._breakdown import Group, Question

_LOOK_LINES: Final = 1 << 15
"""Between two looks at the number of values."""


class _Counted:
    """A group's lines, and its values of each phase."""

    def __init__(self, phases: int) -> None:
        self.lines = 0
        self.values: list[Counter[int]] = [Counter() for _ in range(phases)]

    def add(self, times: list[int | None]) -> None:
        self.lines += 1
        for values, ms in zip(self.values, times, strict=True):
            if ms is not None:
                values[ms] += 1


class Tally:
    """Counts documents, whose members are named by their paths: ``{"haproxy.time.total_ms": 12, …}``."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._timers = [phase.field for phase in question.phases]
        self._names = [by.field for by in question.by]
        self.fields = frozenset({PARTIAL, *self._timers, *self._names, *(by.field for by in question.filters.wanted)})
        """What a document has to tell, beside what ``counts`` looks at."""
        self._whole = _Counted(len(self._timers))
        self._groups: dict[Group, _Counted] = {}
        self._partial = 0
        self._unparsed = 0

    def add(self, document: Mapping[str, Any]) -> None:
        """Count a document if it is asked for. Raises Permanent when there are too many different values."""
        if not (counts(document) and self._question.filters.fit(document)):
            self._unparsed += document.get("haproxy.line") == "unparsed"
            return
        times = [document.get(name) for name in self._timers]
        self._whole.add(times)
        self._partial += document.get(PARTIAL) is True
        if self._names:
            self._add_to_group(tuple([document.get(name) for name in self._names]), times)
        if not self._whole.lines % _LOOK_LINES:
            self._look()

    def breakdown(self) -> Breakdown:
        """Give the percentiles of what was counted."""
        rows = (self._row(group, counted) for group, counted in self._groups.items())
        return Breakdown.of(self._row((), self._whole), rows, self._partial, self._unparsed)

    def _add_to_group(self, group: Group, times: list[int | None]) -> None:
        counted = self._groups.get(group)
        if counted is None:
            if len(self._groups) >= GROUPS_MAX:
                return
            counted = self._groups[group] = _Counted(len(self._timers))
        counted.add(times)

    def _look(self) -> None:
        size = sum(len(values) for counted in (self._whole, *self._groups.values()) for values in counted.values)
        if size > TALLY_VALUES_MAX:
            raise Permanent(
                f"more than {TALLY_VALUES_MAX:,} different values after {self._whole.lines:,} lines: "
                "ask for fewer phases or groups, or filter the lines"
            )

    def _row(self, group: Group, counted: _Counted) -> Row:
        phases = (exactly(values, self._question.percents) for values in counted.values)
        return Row(group, counted.lines, tuple(phases))
