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
NONE: Final = "-"
_STATES_MAX: Final = 4
_AROUND_ROWS: Final = 8
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

    def show(self, view: View, *, running: bool) -> RenderableType:
        """Give a view as text."""
        return self._stack(view, self._sorted(view), running=running)

    def show_on_screen(self, view: View, *, running: bool, rows: int) -> RenderableType:
        """Give as much of a view as a screen of so many rows has room for, and the keys."""
        groups = self._sorted(view)
        room = max((rows - _AROUND_ROWS - len(view.events)) // len(self.question.phases), 1)
        more = [Text(f"and {len(groups) - room} more", style="dim")] if len(groups) > room else []
        keys = Text(f"q: quit   s: sort (by {self.order})", style="dim")
        return Stack(self._stack(view, groups[:room], running=running), *more, keys)

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
            "whole": self._numbers(view, view.whole),
            "rows": [
                {"group": dict(zip(self.question.by, group, strict=True)), **self._numbers(view, ended)}
                for group, ended in self._sorted(view)
            ],
            "events": [{"time": format_timestamp(event.received_us), "message": event.text} for event in view.events],
        }

    def _numbers(self, view: View, ended: Ended) -> dict[str, Any]:
        phases = {phase: self._percentiles(ended, phase) for phase in self.question.phases}
        return {
            "requests": ended.requests,
            "rate": round(view.rate(ended.requests), 3),
            "errors": ended.errors,
            "abnormal": ended.abnormal,
            "failed": ended.failed,
            "terminations": dict(ended.states.most_common()),
            "phases": {
                phase: {"population": found.population, **found.as_json(self.question.percents)}
                for phase, found in phases.items()
            },
        }

    def _percentiles(self, ended: Ended, phase: Phase) -> Percentiles:
        return exactly(ended.times.get(phase, {}), self.question.percents)

    def _stack(self, view: View, groups: list[tuple[Group, Ended]], *, running: bool) -> RenderableType:
        events = [_event(event.received_us, event.text) for event in view.events]
        return Stack(_headline(view, running=running), _endings(view.whole), self._table(view, groups), *events)

    def _sorted(self, view: View) -> list[tuple[Group, Ended]]:
        """Give the groups in the order chosen; names decide where that leaves a choice."""
        return sorted(view.groups.items(), key=lambda pair: (-self._weight(pair[1]), _place(pair[0])))

    def _weight(self, ended: Ended) -> int:
        """Tell how far in front a group belongs."""
        if self.order == "slowest":
            return self._percentiles(ended, self.question.phases[0]).values[-1] or 0
        return {"requests": ended.requests, "failed": ended.failed}.get(self.order, 0)

    def _table(self, view: View, groups: list[tuple[Group, Ended]]) -> Table:
        question = self.question
        several = ("phase",) if len(question.phases) > 1 else ()
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
        for by in question.by or ("",):
            table.add_column(str(by), overflow="ellipsis")  # where room is short, names give it
        for heading in ("req/s", "5xx", "abnormal", *several, "n", *(f"p{name}" for name in question.percents.names)):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("max", justify="right", no_wrap=True)
        self._add_rows(table, view, (ALL, *[""] * (len(question.by) - 1)), view.whole, style="bold")
        for group, ended in groups:
            if group:
                self._add_rows(table, view, group, ended)
        return table

    def _add_rows(self, table: Table, view: View, group: Group, ended: Ended, style: str | None = None) -> None:
        """Add a row for each phase; what all of them share stands in the first."""
        several = len(self.question.phases) > 1
        front = [Text(NONE if value is None else visible(str(value))) for value in group]
        front += [Text(f"{view.rate(ended.requests):,.1f}")]
        front += [_share(part, ended.requests) for part in (ended.errors, ended.abnormal)]
        for phase in self.question.phases:
            found = self._percentiles(ended, phase)
            phases = [Text(phase)] if several else []
            times = [_milliseconds(value) for value in (*found.values, found.max)]
            table.add_row(*front, *phases, Text(f"{found.population:,}", style="dim"), *times, style=style)
            front = [Text("")] * len(front)


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


def _endings(ended: Ended) -> Text:
    """Name the most frequent termination states that tell of an error."""
    most = "   ".join(f"{visible(state)} {count:,}" for state, count in ended.states.most_common(_STATES_MAX))
    more = "   …" if len(ended.states) > _STATES_MAX else ""
    return Text(f"abnormal: {most}{more}" if most else "abnormal: none", style="" if most else "dim")


def _event(received_us: int, text: str) -> Text:
    shown = Text(f"{format_timestamp(received_us)[11:19]} UTC  {visible(text)}", style="cyan", overflow="ellipsis")
    shown.no_wrap = True
    return shown


def _place(group: Group) -> list[tuple[bool, str]]:
    """Tell where a group comes among others: by its names, those without one first."""
    return [(value is not None, str(value)) for value in group]


def _share(part: int, whole: int) -> Text:
    if not part:
        return Text("0", style="dim")
    percent = 100 * part / whole
    return Text("<0.1%" if percent < _PERCENT_SHOWN_MIN else f"{percent:.1f}%", style="red")


def _milliseconds(value: int | None) -> Text:
    return Text("-", style="dim") if value is None else Text(f"{value:,}")
