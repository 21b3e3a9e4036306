"""`shipper parse --summary`: how many lines there are of which kind, and what was not understood."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table
from rich.text import Text

from shipper.cli._screen import place_of, point, visible
from shipper.limits import SUMMARY_REASONS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from shipper.cli._lines import Parsed


@dataclass(slots=True)
class _Reason:
    """Lines that were not understood for one reason, and the first of them."""

    lines: int
    column: int | None
    example: bytes


@dataclass(slots=True)
class Summary:
    """What lines there were. Its size does not grow with their number: reasons beyond the bound are counted as one."""

    lines: int = 0
    first: str = ""
    last: str = ""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: dict[str, _Reason] = field(default_factory=dict)

    def add(self, parsed: Parsed) -> None:
        """Count one line."""
        document = json.loads(parsed.json)
        self.lines += 1
        self.first = min(self.first or document["@timestamp"], document["@timestamp"])
        self.last = max(self.last, document["@timestamp"])
        for what, value in _traits(document):
            self.counts.setdefault(what, Counter())[value] += 1
        if not parsed.known:
            self._add_reason(document["error"]["message"], parsed.raw)

    def _add_reason(self, message: str, raw: bytes) -> None:
        text, column = place_of(message)
        if text not in self.reasons and len(self.reasons) >= SUMMARY_REASONS_MAX:
            text, column = "other reasons", None
        reason = self.reasons.setdefault(text, _Reason(0, column, raw))
        reason.lines += 1

    @property
    def unknown(self) -> int:
        """Lines that were not understood."""
        return sum(reason.lines for reason in self.reasons.values())

    def to_json(self) -> str:
        """Give the summary as one JSON object."""
        reasons = [
            {"reason": text, "column": of.column, "lines": of.lines, "example": of.example.decode("utf-8", "replace")}
            for text, of in self._by_lines()
        ]
        whole = {"lines": self.lines, "first": self.first or None, "last": self.last or None}
        counts = {what: dict(counter.most_common()) for what, counter in self.counts.items()}
        return json.dumps(whole | counts | {"not_understood": reasons}, ensure_ascii=False)

    def show(self, screen: Console) -> None:
        """Print the summary for a person."""
        table = Table.grid(Column(), Column(), Column(justify="right"), padding=(0, 2))
        table.add_row("lines", "", f"{self.lines}")
        for what, counter in self.counts.items():
            for number, (value, count) in enumerate(counter.most_common()):
                table.add_row("" if number else what, Text(visible(value)), f"{count}")
        if self.lines:
            table.add_row("first", self.first)
            table.add_row("last", self.last)
        screen.print(table)
        for text, reason in self._by_lines():
            lines = "1 line" if reason.lines == 1 else f"{reason.lines} lines"
            at = "" if reason.column is None else f" at column {reason.column}"
            screen.print(Text.assemble("\n", (f"{lines} not understood: ", "red"), visible(text), at))
            screen.print(point(reason.example, reason.column or 1))

    def _by_lines(self) -> Iterator[tuple[str, _Reason]]:
        yield from sorted(self.reasons.items(), key=lambda known: -known[1].lines)


def _traits(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what a line is counted under, each with its value."""
    haproxy = document["haproxy"]
    yield "line", haproxy["line"]
    for what, value in (
        ("log_format", haproxy.get("log_format")),
        ("event", document["event"].get("action")),
        ("truncated", haproxy.get("truncated")),
    ):
        if value is not None:
            yield what, value
    for name in haproxy.get("field_errors", ()):
        yield "field_errors", name
