"""What a stress test found: one report, as JSON, as a page, and as a plot for people. What nobody knows is null."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.table import Column, Table
from rich.text import Text

from shipper.cli._screen import visible
from shipper.cli._stress_page import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from shipper.jobs.stressing import Judged, StressPlan

NAMES: Final = {
    "sender": "the sender itself",
    "receive_cpu": "shipper's CPU (receive)",
    "machine_cpu": "this machine's CPU",
    "kernel_buffer": "the kernel's buffer",
    "refresh": "the refresh interval",
    "elasticsearch": "Elasticsearch",
    "ship_cpu": "shipper's CPU (ship)",
    "journal": "the journal",
    "unknown": "unknown",
}
"""What can give way, for people."""
_RATE_CELLS: Final = 30
_P99_CELLS: Final = 15


def of_stress(plan: StressPlan, judged: Sequence[Judged]) -> dict[str, Any]:
    """Give the report."""
    steps = [_of_step(each) for each in judged]
    held = [step["rate"] for step in steps if step["held"]]
    return {
        "to": plan.live.target.url,
        "slo": ",".join(term.text for term in plan.slo.terms),
        "seconds": plan.seconds,
        "highest_rate": max(held, default=None),
        "gave_way": steps[-1]["gave_way"] if steps else [],
        "steps": steps,
    }


def _of_step(judged: Judged) -> dict[str, Any]:
    step, verdict = judged.step, judged.verdict
    return {
        "rate": step.rate,
        "reached": step.reached,
        "held": verdict.held,
        "broken": list(verdict.broken),
        "gave_way": [{**asdict(cause), "name": NAMES[cause.what]} for cause in verdict.gave_way],
        "offered": step.offered,
        "arrived": step.arrived,
        "loss": step.loss,
        "latency": {"p50_s": step.p50_s, "p99_s": step.p99_s, "max_s": step.max_s},
        "untaken": step.untaken,
        "unreachable": step.unreachable,
        "receiver": dict(step.counters),
        "rejections": step.rejections,
        "refresh_s": step.refresh_s,
        "cores": dict(step.cores),
    }


def write(report: Mapping[str, Any], file: Path) -> None:
    """Write the report as its name asks for. Raises OSError."""
    text = page(report, found(report)) if file.suffix == ".html" else json.dumps(report, indent=2) + "\n"
    file.write_text(text, encoding="utf-8")


def words_of(judged: Judged) -> str:
    """Say what became of a step, in a line."""
    step, verdict = judged.step, judged.verdict
    lost = "" if step.loss is None else f", {step.loss:,} lines not arrived"
    p99 = "" if step.p99_s is None else f", p99 {step.p99_s:.2f} s"
    return f"{step.rate:,.0f} lines/s {'held' if verdict.held else 'broke'}{lost}{p99}"


def found(report: Mapping[str, Any]) -> str:
    """Say in a sentence what was found."""
    steps, highest = report["steps"], report["highest_rate"]
    if not steps:
        return "Stopped before the first rate was tried."
    if highest is None:
        return f"Not even {steps[0]['rate']:,.0f} lines/s held."
    if steps[-1]["held"]:
        return f"{highest:,.0f} lines/s held, and no higher rate was tried."
    return f"{highest:,.0f} lines/s is the highest rate that held; {steps[-1]['rate']:,.0f} lines/s broke."


def show(report: Mapping[str, Any], screen: Console) -> None:
    """Print the plot and what was found."""
    if report["steps"]:
        screen.print(_plot(report["steps"]))
    screen.print(Text(found(report), "bold"), soft_wrap=True)
    if not report["gave_way"]:
        return
    for broken in report["steps"][-1]["broken"]:
        screen.print(Text.assemble(("broken: ", "red"), visible(broken)), soft_wrap=True)
    for number, cause in enumerate(report["gave_way"]):
        order = "gave way first" if number == 0 else "then"
        screen.print(Text.assemble((f"{order}: ", "red"), f"{cause['name']}: {cause['words']}"), soft_wrap=True)


def _plot(steps: Sequence[Mapping[str, Any]]) -> Table:
    """Draw a bar of each step's rate, the part that was not reached lighter, and one of its p99."""
    right = {"lines/s", "reached", "lost", "p99"}
    columns = [
        Column(name, justify="right" if name in right else "left", no_wrap=True)
        for name in ("lines/s", "reached", "", "lost", "p99", "", "")
    ]
    table = Table(*columns, box=None, padding=(0, 1))
    fastest = max(step["rate"] for step in steps)
    slowest_s = max(step["latency"]["p99_s"] or 0.0 for step in steps)
    for step in steps:
        p99_s, colour = step["latency"]["p99_s"], "green" if step["held"] else "red"
        asked, reached = (_cells(step[name], fastest, _RATE_CELLS) for name in ("rate", "reached"))
        table.add_row(
            f"{step['rate']:,.0f}",
            f"{step['reached']:,.0f}",
            Text.assemble(("█" * reached, colour), ("░" * (asked - reached), "dim")),
            "?" if step["loss"] is None else f"{step['loss']:,}",
            "?" if p99_s is None else f"{p99_s:.2f} s",
            Text("█" * _cells(p99_s or 0.0, slowest_s, _P99_CELLS), "cyan"),
            Text("held" if step["held"] else "broke", colour),
        )
    return table


def _cells(value: float, most: float, cells: int) -> int:
    return round(value / most * cells) if most else 0
