"""What a verification found, printed: what is missing, altered or surplus, and how much of it there is."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Protocol

import typer
from rich.table import Column, Table
from rich.text import Text

from shipper.cli._screen import console, visible
from shipper.query import Altered, Missing, Surplus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from shipper.query import Difference, Finding, Verification

EXAMPLES_MAX: Final = 20
"""Findings of each kind that are shown, unless all are asked for."""
_VALUE_CHARS_MAX: Final = 200


class Verify(Protocol):
    """The verification that was asked for."""

    def __call__(self, tell: Callable[[Finding], None]) -> Verification: ...


def print_verification(verify: Verify, *, every: bool, as_json: bool) -> int:
    """Verify, print the findings as they come and the counts at the end; give the exit code."""
    teller = _JsonTeller(every=every) if as_json else Teller(console(), every=every)
    verification = verify(teller.tell)
    teller.conclude(verification)
    for fault in verification.faults:
        typer.echo(f"shipper: {fault}", err=True)
    return int(not verification.complete)


class _Bounded:
    """Passes the first findings of each kind on, or all."""

    def __init__(self, *, every: bool) -> None:
        self._every = every
        self._told: Counter[type[Finding]] = Counter()

    def takes(self, finding: Finding) -> bool:
        self._told[type(finding)] += 1
        return self._every or self._told[type(finding)] <= EXAMPLES_MAX

    @property
    def kept_back(self) -> int:
        return 0 if self._every else sum(max(0, count - EXAMPLES_MAX) for count in self._told.values())


class Teller:
    """Prints for people."""

    def __init__(self, screen: Console, *, every: bool) -> None:
        self._screen = screen
        self._bounded = _Bounded(every=every)

    def tell(self, finding: Finding) -> None:
        if not self._bounded.takes(finding):
            return
        if isinstance(finding, Surplus):
            self._print(("surplus", "yellow"), f" {finding.index}/{finding.id}")
            return
        place = f" {finding.file}:{finding.offset} "
        raw = visible(finding.raw.decode("utf-8", "replace"))
        if isinstance(finding, Missing):
            self._print(("missing", "red"), place, raw)
            return
        self._print(("altered", "red"), place, raw)
        for difference in finding.differences:
            self._print("        ", _in_words(difference), f" in {finding.index}/{finding.id}")

    def conclude(self, verification: Verification) -> None:
        if self._bounded.kept_back:
            self._print(f"… and {self._bounded.kept_back} more; --all prints them")
        table = Table.grid(Column(), Column(justify="right"), padding=(0, 2))
        for name, value in _counts(verification).items():
            table.add_row(name, str(value))
        for field, count in sorted(verification.fields.items(), key=lambda pair: (-pair[1], pair[0])):
            table.add_row(f"altered in {visible(field)}", f"{count}")
        self._screen.print(table)
        if verification.off_by_s:
            self._print(in_another_zone(verification.off_by_s))

    def _print(self, *parts: str | tuple[str, str]) -> None:
        self._screen.print(Text.assemble(*parts), soft_wrap=True)


class _JsonTeller:
    """Prints one object for each finding, and at last one of the counts."""

    def __init__(self, *, every: bool) -> None:
        self._bounded = _Bounded(every=every)

    def tell(self, finding: Finding) -> None:
        if self._bounded.takes(finding):
            print(json.dumps(_as_json(finding), ensure_ascii=False))

    def conclude(self, verification: Verification) -> None:
        more = {"altered_fields": dict(verification.fields), "off_by_s": verification.off_by_s}
        print(json.dumps(_counts(verification) | more, ensure_ascii=False))


def _counts(verification: Verification) -> dict[str, Any]:
    counts = {
        "way": verification.way,
        "lines": verification.lines,
        "found": verification.found,
        "missing": verification.missing,
        "altered": verification.altered,
    }
    return counts if verification.surplus is None else counts | {"surplus": verification.surplus}


def in_another_zone(off_by_s: int) -> str:
    """Say that documents of missing lines are there at another time."""
    differ = f"all their times differ by {off_by_s / 3600:+g} h"
    return f"missing lines are there after all, and {differ}: another --timezone?"


def _in_words(difference: Difference) -> str:
    expected, actual = (
        "absent" if value is None else json.dumps(value, ensure_ascii=False)
        for value in (difference.expected, difference.actual)
    )
    shown = (
        visible(text if len(text) <= _VALUE_CHARS_MAX else f"{text[:_VALUE_CHARS_MAX]}…") for text in (expected, actual)
    )
    return f"{visible(difference.field)}: expected {', found '.join(shown)}"


def _as_json(finding: Finding) -> dict[str, Any]:
    if isinstance(finding, Surplus):
        return {"finding": "surplus", "index": finding.index, "id": finding.id}
    line = {"file": finding.file, "offset": finding.offset, **_text(finding.raw)}
    if isinstance(finding, Altered):
        fields = {each.field: {"expected": each.expected, "found": each.actual} for each in finding.differences}
        return {"finding": "altered", **line, "index": finding.index, "id": finding.id, "fields": fields}
    return {"finding": "missing", **line}


def _text(raw: bytes) -> dict[str, str]:
    """Give a line as text, and its exact bytes where that is not the same."""
    text = raw.decode("utf-8", "replace")
    exact = {} if text.encode() == raw else {"line_base64": base64.b64encode(raw).decode("ascii")}
    return {"line": text} | exact
