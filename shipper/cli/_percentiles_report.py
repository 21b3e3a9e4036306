"""Percentiles for people, as JSON and as CSV. A percentile never stands without its population."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from shipper.cli._screen import print_whole, visible
from shipper.haproxy.timestamps import SECOND_US, format_second, format_timestamp
from shipper.query import DIGITS, Phase, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from shipper.query import Breakdown, Percentiles, Question, Row

_BAR_CELLS: Final = (24, 12, 0)
"""Of the longest bar: as many as there is room for."""
_NAME_CELLS_MAX: Final = 40
"""A longer name goes on in the next line."""
_SHADES: Final = (("█", "green"), ("▓", "yellow"), ("▒", "red"), ("░", "bright_black"))
"""Of a bar's parts, from the lowest percentile to the largest."""
_NONE: Final = "-"


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked of what (files, or a pattern of indices), what was found, and what could not be read."""

    source: Sequence[str] | str
    question: Question
    breakdown: Breakdown
    faults: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether every value was counted."""
        return not isinstance(self.source, str)


def as_json(report: Report) -> str:
    """Give all of it as one object; milliseconds, and null where there is no percentile."""
    question, breakdown = report.question, report.breakdown
    first, last = (
        None if us is None else format_timestamp(us) for us in (question.span.from_us, question.span.until_us)
    )
    whole = {
        ("files" if report.exact else "index"): report.source,
        "from": first,
        "until": last,
        "filters": {by.value: list(values) for by, values in question.filters.wanted.items()},
        "by": list(question.by),
        "percents": [float(value) for value in question.percents.values],
        "significant_digits": None if report.exact else DIGITS,
        "whole": _row_as_json(breakdown.whole, question),
        "rows": [_row_as_json(row, question) for row in breakdown.rows],
        "lines_beyond": breakdown.lines_beyond,
        "lower_bounds": breakdown.partial,
        "unparsed": breakdown.unparsed,
        "faults": list(report.faults),
    }
    return json.dumps(whole)


def _row_as_json(row: Row, question: Question) -> dict[str, Any]:
    phases = {
        phase.value: {"population": found.population, **found.as_json(question.percents)}
        for phase, found in zip(question.phases, row.phases, strict=True)
    }
    group = {by.value: value for by, value in zip(question.by, row.group, strict=False)}
    return {"group": group, "lines": row.lines, "phases": phases}


def as_csv(report: Report) -> str:
    """Give a line for each group and phase, or for each phase of the whole when nothing is told apart."""
    question = report.question
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*question.by, "phase", "lines", "population", *_headings(question)])
    for row in report.breakdown.rows if question.by else (report.breakdown.whole,):
        group = ["" if value is None else visible(str(value)) for value in row.group]
        for phase, found in zip(question.phases, row.phases, strict=True):
            writer.writerow([*group, phase.value, row.lines, found.population, *_values(found)])
    return out.getvalue()


def show(report: Report, screen: Console) -> None:
    """Print a table for a person, with a bar for each row; the whole comes last, below its groups."""
    question, breakdown = report.question, report.breakdown
    screen.print(Text(_heading(report), "bold"), soft_wrap=True)
    if not breakdown.whole.lines:
        _show_unparsed(breakdown.unparsed, screen)
        chosen = question.span != Span() or question.filters.wanted
        soon = "" if report.exact else " New documents are found after their index's refresh, some seconds later."
        fitting = f"No line fits: widen the time (--since, --from), or leave filters out.{soon}"
        screen.print(fitting if chosen else "No line is of traffic: shipper parse says what they are.", soft_wrap=True)
        return
    print_whole(screen, [_table(report, cells) for cells in _BAR_CELLS])
    _show_unparsed(breakdown.unparsed, screen)
    if breakdown.lines_beyond:
        screen.print(f"{breakdown.lines_beyond:,} lines are of further groups than these.", soft_wrap=True)
    if breakdown.partial and Phase.TOTAL in question.phases:
        screen.print(
            f"{breakdown.partial:,} lines were logged before their end (logasap): their totals are lower bounds.",
            soft_wrap=True,
        )
    if not report.exact:
        screen.print(f"Within {10**-DIGITS:.0%} of a value at most one rank away.", soft_wrap=True)


def _show_unparsed(lines: int, screen: Console) -> None:
    if lines:
        advice = "`shipper parse --summary` says why; --format or --haproxy-cfg tell of a format of your own"
        screen.print(f"Lines that were not understood: {lines:,}; {advice}.", soft_wrap=True)


def _heading(report: Report) -> str:
    span = report.question.span
    ends = {"from": span.from_us, "until": span.until_us}
    times = [f"{word} {format_second(us // SECOND_US)}Z" for word, us in ends.items() if us is not None]
    wanted = [f"{by}:{value}" for by, values in report.question.filters.wanted.items() for value in values]
    source = report.source if isinstance(report.source, str) else " ".join(report.source)
    return visible(" · ".join([f"milliseconds in {source}", *times, *wanted]))


def _table(report: Report, bar_cells: int) -> Table:
    question, breakdown = report.question, report.breakdown
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for by in question.by:
        table.add_column(by.value, overflow="fold", max_width=_NAME_CELLS_MAX)
    if len(question.phases) > 1:
        table.add_column("phase", no_wrap=True)
    for name in ("lines", "with timer", *_headings(question)):
        table.add_column(name, justify="right", no_wrap=True)
    if bar_cells:
        table.add_column("", no_wrap=True)
    rows = [*breakdown.rows, breakdown.whole] if question.by else [breakdown.whole]
    most = max((found.max or 0 for row in rows for found in row.phases), default=0)
    for row in rows:
        for cells, style in _cells(row, question, most, bar_cells):
            table.add_row(*cells, style=style)
    return table


def _cells(row: Row, question: Question, most: int, bar_cells: int) -> Iterator[tuple[list[str | Text], str]]:
    """Give the cells of each phase's line, and their style."""
    is_whole = bool(question.by) and not row.group
    names = [_NONE if value is None else visible(str(value)) for value in row.group]
    group: list[str | Text] = (
        [Text(name) for name in names] if not is_whole else ["all", *[""] * (len(question.by) - 1)]
    )
    for number, (phase, found) in enumerate(zip(question.phases, row.phases, strict=True)):
        first = number == 0
        yield (
            [
                *(group if first else [Text()] * len(group)),
                *([phase.value] if len(question.phases) > 1 else []),
                f"{row.lines:,}" if first else "",
                f"{found.population:,}",
                *(_NONE if value is None else f"{value:,}" for value in _values(found)),
                *([_bar(found, most, bar_cells)] if bar_cells else []),
            ],
            "bold" if is_whole else "",
        )


def _bar(found: Percentiles, most: int, cells: int) -> Text:
    """Draw where the percentiles lie, on a logarithmic scale: one shade up to the lowest, another up to the next."""
    bar = Text()
    ends = [value for value in _values(found) if value is not None]
    for number, ms in enumerate(ends):
        shade, colour = _SHADES[number * len(_SHADES) // len(ends)]
        bar.append(shade * (_length(ms, most, cells) - len(bar)), colour)
    return bar


def _length(ms: int, most: int, cells: int) -> int:
    return round(math.log1p(ms) / math.log1p(most) * cells) if most else 0


def _headings(question: Question) -> list[str]:
    return [*(f"p{name}" for name in question.percents.names), "max"]


def _values(found: Percentiles) -> tuple[int | None, ...]:
    return (*found.values, found.max)
