"""What `shipper top` prints: a table for people, an object for programs. It asks nothing and counts nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from shipper.cli._screen import visible
from shipper.haproxy.timestamps import format_timestamp
from shipper.query import exactly

if TYPE_CHECKING:
    from rich.console import RenderableType

    from shipper.jobs.top_window import Ended, View
    from shipper.query import Group, Percentiles, Phase, Question

ALL: Final = "(all)"
_STATES_MAX: Final = 4
_AROUND_ROWS: Final = 9
"""Rows of a screen that are not groups: what stands above and below."""
_PERCENT_SHOWN_MIN: Final = 0.1
_ORDERS: Final = ("requests", "failed", "slowest", "name")


@dataclass(frozen=True, slots=True)
class Page:
    """How a view is shown."""

    question: Question
    order: str = _ORDERS[0]

    def reordered(self) -> Page:
        """Give the page in the next order."""
        return replace(self, order=_ORDERS[(_ORDERS.index(self.order) + 1) % len(_ORDERS)])

    def show(self, view: View, *, running: bool, rows_max: int | None = None, keys: bool = False) -> RenderableType:
        """Give a view as text; of its groups those that ``rows_max`` rows of a screen have room for."""
        groups = self._sorted(view)
        phases = self.question.phases
        room = len(groups) if rows_max is None else max((rows_max - _AROUND_ROWS - len(view.events)) // len(phases), 1)
        parts: list[RenderableType] = [_headline(view, running=running), _endings(view.whole)]
        parts.append(self._table(view, groups[: max(room - 1, 1)] if len(groups) > room else groups))
        if len(groups) > room:
            parts.append(Text(f"and {len(groups) - max(room - 1, 1)} more", style="dim"))
        parts += [_event(event.received_us, event.text) for event in view.events]
        if keys:
            parts.append(Text(f"q: quit   s: sort (by {self.order})", style="dim"))
        return Stack(*parts)

    def as_json(self, view: View, *, running: bool) -> dict[str, Any]:
        """Give a view as one object."""
        return {
            "time": format_timestamp(view.now_us),
            "running": running,
            "seconds": round(view.seconds, 3),
            "lines": view.lines,
            "lines_read": view.read,
            "lines_dropped": view.dropped,
            "unparsed": view.unparsed,
            "all": self._numbers(view, view.whole),
            "rows": [
                dict(zip(self.question.by, group, strict=True)) | self._numbers(view, tally)
                for group, tally in self._sorted(view)
            ],
            "events": [{"time": format_timestamp(event.received_us), "message": event.text} for event in view.events],
        }

    def _numbers(self, view: View, tally: Ended) -> dict[str, Any]:
        phases = {phase: self._percentiles(tally, phase) for phase in self.question.phases}
        return {
            "requests": tally.requests,
            "rate": round(view.rate(tally.requests), 3),
            "errors": tally.errors,
            "abnormal": tally.abnormal,
            "failed": tally.failed,
            "terminations": dict(tally.states.most_common()),
            "phases": {
                phase: {"population": found.population, **found.as_json(self.question.percents)}
                for phase, found in phases.items()
            },
        }

    def _percentiles(self, tally: Ended, phase: Phase) -> Percentiles:
        return exactly(tally.times.get(phase, {}), self.question.percents)

    def _sorted(self, view: View) -> list[tuple[Group, Ended]]:
        """Give the groups in the order chosen; names decide where that leaves a choice."""
        by_name = sorted(view.groups.items())
        if self.order == "requests":
            return sorted(by_name, key=lambda pair: -pair[1].requests)
        if self.order == "failed":
            return sorted(by_name, key=lambda pair: -pair[1].failed)
        if self.order == "slowest":
            return sorted(by_name, key=lambda pair: self._slowness(pair[1]))
        return by_name

    def _slowness(self, tally: Ended) -> int:
        """Give the highest percentile asked for, of the first phase; the slowest has the least."""
        values = self._percentiles(tally, self.question.phases[0]).values
        return -(values[-1] or 0)

    def _table(self, view: View, groups: list[tuple[Group, Ended]]) -> Table:
        several = len(self.question.phases) > 1
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
        for by in self.question.by or ("",):
            table.add_column(str(by), overflow="ellipsis")  # where room is short, names give it
        numbers = ("req/s", "5xx", "abnormal", *(["phase"] if several else []), "n")
        for heading in (*numbers, *(f"p{name}" for name in self.question.percents.names), "max"):
            table.add_column(heading, justify="right", no_wrap=True)
        width = max(len(self.question.by), 1)
        whole = (ALL, *[""] * (width - 1))
        for group, tally in [(whole, view.whole), *((group, tally) for group, tally in groups if group)]:
            names = [Text("-" if name is None else visible(str(name))) for name in group]
            counted: list[Text] = [
                Text(f"{view.rate(tally.requests):,.1f}"),
                _share(tally.errors, tally.requests),
                _share(tally.abnormal, tally.requests),
            ]
            for phase in self.question.phases:
                found = self._percentiles(tally, phase)
                times = [*found.values, found.max]
                cells = [Text(phase)] if several else []
                cells += [Text(f"{found.population:,}", style="dim"), *map(_milliseconds, times)]
                table.add_row(*names, *counted, *cells, style="bold" if group is whole else None)
                names, counted = [Text("")] * width, [Text("")] * 3
        return table


def _headline(view: View, *, running: bool) -> Text:
    line = Text(f"{view.rate(view.read):,.1f} lines/s in the last {view.seconds:.0f} s, response times in ms")
    if view.read < view.lines:
        line.append(f"   1 of {view.scale:.1f} lines read", style="yellow")
    if view.unparsed:
        line.append(f"   {view.unparsed:,} not understood", style="yellow")
    if view.dropped:
        line.append(f"   {view.dropped:,} dropped", style="bold red")
    if not running:
        line.append("   no shipper is running", style="bold red")
    return line


def _endings(tally: Ended) -> Text:
    """Name the most frequent termination states that tell of an error."""
    most = "   ".join(f"{visible(state)} {count:,}" for state, count in tally.states.most_common(_STATES_MAX))
    more = "   …" if len(tally.states) > _STATES_MAX else ""
    return Text(f"abnormal: {most}{more}" if most else "abnormal: none", style="" if most else "dim")


def _event(received_us: int, text: str) -> Text:
    shown = Text(f"{format_timestamp(received_us)[11:19]} UTC  {visible(text)}", style="cyan", overflow="ellipsis")
    shown.no_wrap = True
    return shown


def _share(part: int, whole: int) -> Text:
    if not part:
        return Text("0", style="dim")
    percent = 100 * part / whole
    return Text("<0.1%" if percent < _PERCENT_SHOWN_MIN else f"{percent:.1f}%", style="red")


def _milliseconds(value: int | None) -> Text:
    return Text("-", style="dim") if value is None else Text(f"{value:,}")
