"""What a replay did: one report, as JSON for programs and as a table for people. Its counts add up.

1. Over the network: ``read = blank + outside + offered + unsent`` and ``offered = sent + lost``.
2. Direct: ``read = blank + outside + indexed + already_there + dead_lettered + parked``, and what is not settled yet.
3. What nobody knows is null, and no row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Column, Table
from rich.text import Text

from shipper.cli._findings import in_another_zone
from shipper.cli._screen import visible
from shipper.haproxy.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from shipper.jobs.live_replay import LiveOutcome
    from shipper.query import Verification
    from shipper.replay.direct import Outcome, Refused

EXAMPLES_MAX: Final = 3
"""Examples of each reason that are shown; the JSON has more."""


def of_live(outcome: LiveOutcome, replay_id: str, to: str, pace: str) -> dict[str, Any]:
    """Give the report of a replay over the network."""
    course, handed, tally = outcome.course, outcome.handed, outcome.tally
    intervals = course.over_time.intervals
    return {
        "replay_id": replay_id,
        "way": "network",
        "to": to,
        "begun": format_timestamp(outcome.begun_us),
        "good": outcome.good and not course.stopped,
        "finished": not course.stopped,
        "lines": {
            "read": tally.read,
            "blank": tally.blank,
            "outside": tally.outside,
            "unsent": tally.given - course.offered,
            "offered": course.offered,
            "sent": handed.lines,
            "lost": handed.lost.total(),
            "cut": tally.cut,
            "unmoved": tally.unmoved,
        },
        "lost": dict(handed.lost),
        "unreachable": handed.unreachable,
        "reconnects": handed.reconnects,
        "bytes_sent": handed.bytes,
        "pace": {
            "asked": pace,
            "scheduled_s": course.scheduled_s or None,
            "took_s": course.took_s,
            "offered_lines_per_s": _rate(course.offered, course.scheduled_s),
            "reached_lines_per_s": _rate(handed.lines, course.took_s),
            "late_s_max": course.late_s_max,
        },
        "over_time": {
            "interval_s": course.over_time.interval_s,
            "offered": [each.offered for each in intervals],
            "sent": [each.sent for each in intervals],
            "lost": [each.lost for each in intervals],
        },
        "receiver": None if outcome.receiver is None else dict(outcome.receiver),
        "refused": _refused(outcome.refused),
        "verification": _verification(outcome.verification),
        "latency": {"searchable": outcome.searchable.as_json() if outcome.searchable else None},
        "faults": list(outcome.faults),
    }


def of_direct(outcome: Outcome) -> dict[str, Any]:
    """Give the report of a direct replay, without a proof."""
    tally = outcome.tally
    return {
        "replay_id": outcome.replay_id,
        "way": "direct",
        "good": outcome.finished and not outcome.faults and not tally.dead_lettered,
        "finished": outcome.finished,
        "lines": {
            "read": tally.read,
            "blank": tally.blank,
            "outside": tally.outside,
            "indexed": tally.indexed,
            "already_there": tally.already_there,
            "dead_lettered": tally.dead_lettered,
            "parked": tally.parked,
            "cut": tally.cut,
            "unparsed": tally.unparsed,
            "unmoved": tally.unmoved,
        },
        "by_index": dict(tally.by_index),
        "pace": {"took_s": outcome.took_s, "reached_lines_per_s": outcome.rate},
        "refused": _refused(tally.refused),
        "settled_before": outcome.settled_before,
        "verification": None,
        "latency": dict(outcome.latency),
        "faults": list(outcome.faults),
        "troubles": dict(outcome.troubles),
    }


def add_proof(report: dict[str, Any], verification: Verification) -> None:
    """Put in what was found."""
    report["verification"] = _verification(verification)
    report["good"] = report["good"] and verification.complete


def add_fault(report: dict[str, Any], fault: str) -> None:
    """Put in what went wrong."""
    report["faults"].append(fault)
    report["good"] = False


def _rate(lines: int, seconds: float) -> float | None:
    return lines / seconds if seconds else None


def _refused(groups: Mapping[str, Refused]) -> list[dict[str, Any]]:
    ordered = sorted(groups.items(), key=lambda each: -each[1].lines)
    return [
        {"kind": kind, "lines": group.lines, "reason": group.reason, "examples": list(group.places)}
        for kind, group in ordered
    ]


def _verification(of: Verification | None) -> dict[str, Any] | None:
    if of is None:
        return None
    counts = {"lines": of.lines, "found": of.found, "missing": of.missing, "altered": of.altered, "surplus": of.surplus}
    return counts | {"altered_fields": dict(of.fields), "off_by_s": of.off_by_s}


def write(report: Mapping[str, Any], file: Path) -> None:
    """Write the report as JSON. Raises OSError."""
    file.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(report: Mapping[str, Any], screen: Console) -> None:
    """Print the report for people."""
    table = Table.grid(Column(), Column(justify="right"), padding=(0, 2))
    for name, value in _rows(report):
        table.add_row(name, value)
    screen.print(table)
    if (report["verification"] or {}).get("off_by_s"):
        screen.print(Text(in_another_zone(report["verification"]["off_by_s"])), soft_wrap=True)
    for group in report["refused"]:
        lines = "1 line" if group["lines"] == 1 else f"{group['lines']:,} lines"
        screen.print(Text.assemble("\n", (f"{lines} refused: ", "red"), visible(group["kind"])), soft_wrap=True)
        screen.print(Text(f"  {visible(group['reason'])}"), soft_wrap=True)
        for example in group["examples"][:EXAMPLES_MAX]:
            screen.print(Text(f"  {visible(example)}"), soft_wrap=True)
    troubles = [f"waited for {name}: {reason}" for name, reason in report.get("troubles", {}).items()]
    for fault in (*report["faults"], *troubles):
        screen.print(Text.assemble(("fault: ", "red"), visible(fault)), soft_wrap=True)


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what is worth a row: a count of nothing is none, but for those that people look for."""
    yield from _counts("", report["lines"], {"read", "sent", "indexed"})
    yield from _counts("not sent: ", report.get("lost") or {}, set())
    yield from _counts("", {"unreachable": report.get("unreachable"), "reconnects": report.get("reconnects")}, set())
    yield from _counts("to ", report.get("by_index") or {}, set())
    yield from _counts("receiver: ", report.get("receiver") or {}, {"received", "indexed", "kernel_drops"})
    pace = report["pace"]
    if pace.get("offered_lines_per_s"):
        yield "rate offered", f"{pace['offered_lines_per_s']:,.0f} lines/s"
    if pace.get("reached_lines_per_s"):
        yield "rate reached", f"{pace['reached_lines_per_s']:,.0f} lines/s"
    yield "took", f"{pace['took_s']:,.1f} s"
    if pace.get("late_s_max"):
        yield "late, at most", f"{pace['late_s_max'] * 1000:,.1f} ms"
    yield from _latency(report)
    counts = (report["verification"] or {}) | {"off_by_s": None}  # which is none, and is told in words
    yield from _counts("verified: ", counts, {"lines", "found", "missing"})


def _counts(prefix: str, counts: Mapping[str, Any], wanted: set[str]) -> Iterator[tuple[str, str]]:
    for name, count in counts.items():
        if isinstance(count, int) and (count or name in wanted):
            yield f"{prefix}{name.replace('_', ' ')}", f"{count:,}"


def _latency(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, of in report["latency"].items():
        if of and of["count"]:
            yield f"sent to {name}", f"{of['p50_s']:.2f} s median, {of['p99_s']:.2f} s p99, {of['max_s']:.2f} s at most"
