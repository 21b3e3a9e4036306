"""Percentiles of the groups that lines fall into: what is asked, what is found, and the same asked of Elasticsearch.

1. A group is one value of each dimension; lines without a value are a group as well (None).
2. Groups come by their number of lines, most first. Beyond GROUPS_MAX they are not told apart, and their lines are
   counted: ``whole`` has them.
3. Elasticsearch gives groups in pages, each of which holds a bounded number of histograms in its memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shipper.limits import GROUPS_MAX, HISTOGRAMS_OF_A_PAGE
from shipper.query._percentiles import USUAL, phase_aggregations, read_phase
from shipper.query._population import Dimension, Filters, Phase, Span, population_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shipper.query._percentiles import Percentiles, Percents
    from shipper.query._reading import Documents

Group: TypeAlias = "tuple[str | int | None, ...]"

PARTIAL: Final = "haproxy.partial"


@dataclass(frozen=True, slots=True)
class Question:
    """Which percentiles of which lines."""

    phases: tuple[Phase, ...] = (Phase.TOTAL,)
    by: tuple[Dimension, ...] = ()
    percents: Percents = USUAL
    filters: Filters = field(default_factory=Filters)
    span: Span = field(default_factory=Span)


@dataclass(frozen=True, slots=True)
class Row:
    """The lines of a group, and the percentiles of each phase in the order of the question."""

    group: Group
    lines: int
    phases: tuple[Percentiles, ...]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What was found of all lines, and of each group."""

    whole: Row
    rows: tuple[Row, ...]
    partial: int
    """Lines that were logged before their end (`option logasap`): their totals are lower bounds."""
    unparsed: int = 0
    """Lines of files that nothing understood."""

    @classmethod
    def of(cls, whole: Row, rows: Iterable[Row], partial: int, unparsed: int = 0) -> Breakdown:
        """Put groups into their order."""
        return cls(whole, tuple(sorted(rows, key=_place)), partial, unparsed)

    @property
    def lines_beyond(self) -> int:
        """Lines of the groups that are not told apart."""
        return max(self.whole.lines - sum(row.lines for row in self.rows), 0) if self.rows else 0


def ask(documents: Documents, pattern: str, question: Question) -> Breakdown | None:
    """Ask Elasticsearch; None where there is no index. Raises as ``Documents`` does."""
    query = population_query(question.filters, question.span)
    phases: dict[str, Any] = {}
    for phase in question.phases:
        phases |= phase_aggregations(phase, question.percents)
    found = documents.aggregate(pattern, query, {**phases, "partial": {"filter": {"term": {PARTIAL: True}}}})
    if found is None:
        return None
    whole = _row((), found.documents, found.answers, question)
    rows: list[Row] = []
    if question.by:
        buckets = islice(_buckets(documents, pattern, query, question, phases), GROUPS_MAX)
        rows = [_row(_group_of(each, question), each["doc_count"], each, question) for each in buckets]
    return Breakdown.of(whole, rows, found.answers["partial"]["doc_count"])


def _buckets(
    documents: Documents, pattern: str, query: Mapping[str, Any], question: Question, phases: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Give each group's bucket, page after page."""
    sources = [{by.value: {"terms": {"field": by.field, "missing_bucket": True}}} for by in question.by]
    composite: dict[str, Any] = {"sources": sources, "size": HISTOGRAMS_OF_A_PAGE // len(question.phases)}
    while True:
        page = documents.aggregate(pattern, query, {"groups": {"composite": composite, "aggs": phases}})
        groups = page.answers.get("groups", {}) if page else {}
        yield from groups.get("buckets", ())
        if "after_key" not in groups:
            return
        composite = {**composite, "after": groups["after_key"]}


def _group_of(bucket: Mapping[str, Any], question: Question) -> Group:
    return tuple(bucket["key"][by.value] for by in question.by)


def _row(group: Group, lines: int, answer: Mapping[str, Any], question: Question) -> Row:
    return Row(group, lines, tuple(read_phase(answer, phase, question.percents) for phase in question.phases))


def _place(row: Row) -> tuple[Any, ...]:
    return -row.lines, [(value is not None, "" if value is None else str(value)) for value in row.group]
