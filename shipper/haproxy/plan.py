"""A compiled log format: steps that a line is read by, completely and fast, or step by step as far as it goes.

1. Steps are literals, blanks (one or more spaces) and fields. Blocks are left out together with the blank before them.
2. A raw field may hold anything, its delimiters too, and its bytes may come from a client. Typed steps between raw
   fields are therefore anchored from the end of the line: the last possible reading wins. Nobody can forge the tail
   of a complete line.
3. Each section of typed steps is one regular expression whose quantifiers are bounded or stop for good at a delimiter;
   a section after a raw field can begin only at the first blank of a run. Reading is linear in the length of the line.
4. ``scan`` explains what ``match`` refuses: a line cut short gives every value whose end was seen, never half of one;
   a line of another shape gives the column and what was expected there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.haproxy.fields import Kind

_BLANKS: Final = re.compile(rb" ++")
_TOKEN: Final = re.compile(rb"[^ ]*+")


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands in every line."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Blank:
    """One or more spaces."""


@dataclass(frozen=True, slots=True)
class Field:
    """The value of an alias."""

    alias: str
    kind: Kind


Step: TypeAlias = Literal | Blank | Field


@dataclass(frozen=True, slots=True)
class Scan:
    """How far a line went: the values that are sure, and how it ended.

    ``cut`` says that the line ended within the format, with ``rest`` what was left of the field ``touched`` by the cut.
    Otherwise ``column`` (from 1, in bytes) is the place where something else than ``expected`` stood.
    """

    values: dict[str, bytes]
    cut: bool
    column: int
    expected: str
    touched: str = ""
    rest: bytes = b""


@dataclass(frozen=True)
class Plan:
    """The steps of one log format."""

    name: str
    steps: tuple[Step, ...]
    mode: str = "http"
    aliases: tuple[str, ...] = field(init=False)
    """The fields in their order: ``match`` gives a value for each."""

    def __post_init__(self) -> None:
        """Take the aliases from the steps."""
        object.__setattr__(self, "aliases", tuple(step.alias for step in self.steps if isinstance(step, Field)))

    @cached_property
    def _parts(self) -> tuple[list[list[Step]], list[list[Field]]]:
        """Split the steps into typed sections and the raw regions between them."""
        sections: list[list[Step]] = [[]]
        regions: list[list[Field]] = []
        for number, step in enumerate(self.steps):
            if isinstance(step, Field) and step.kind.raw:
                if sections[-1] or not regions:
                    regions.append([])
                    sections.append([])
                regions[-1].append(step)
            elif self._joins_raw(number):
                continue
            else:
                sections[-1].append(step)
        return sections, regions

    def _joins_raw(self, number: int) -> bool:
        """Tell a blank between two raw fields, which belongs to their region."""
        around = (*self.steps[number - 1 : number], *self.steps[number + 1 : number + 2])
        return isinstance(self.steps[number], Blank) and [
            isinstance(step, Field) and step.kind.raw for step in around
        ] == [True, True]

    @cached_property
    def _head(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self._parts[0][0]))

    @cached_property
    def _tails(self) -> list[re.Pattern[bytes]]:
        sections = self._parts[0][1:]
        return [re.compile(rb"(?s:(.*))" + _guard(section) + _pattern(section)) for section in sections]

    def match(self, line: bytes, start: int = 0) -> Sequence[bytes | None] | None:
        """Read a complete line from ``start``: the bytes of each alias (None: an absent block), None if it is not."""
        regions = self._parts[1]
        if not regions:
            whole = self._head.fullmatch(line, start)
            return None if whole is None else whole.groups()
        head = self._head.match(line, start)
        if head is None:
            return None
        end = len(line)
        found: list[bytes | None] = []
        for tail, region in zip(reversed(self._tails), reversed(regions), strict=True):
            rest = tail.fullmatch(line, head.end(), end)
            if rest is None:
                return None
            raw, *values = rest.groups()
            end = rest.end(1)
            split = _split(raw, region)
            if not all(split):
                return None
            found[:0] = [*split, *values]
        return [*head.groups(), *found]

    def scan(self, line: bytes, start: int = 0) -> Scan:
        """Read a line step by step from ``start``, as far as it goes."""
        return _Scanner(line, start, self.steps, self._opening).run()

    @cached_property
    def _opening(self) -> re.Pattern[bytes] | None:
        """How the section behind the first raw region begins, up to its first block."""
        for section in self._parts[0][1:2]:
            blocks = (number for number, step in enumerate(section) if isinstance(step, Field) and step.kind.block)
            return re.compile(_guard(section) + _pattern(section[: next(blocks, len(section))]))
        return None


def _guard(section: Sequence[Step]) -> bytes:
    """Let a section that is searched for begin only at the first blank of a run."""
    return rb"(?<! )" if section and isinstance(section[0], Blank) else b""


def _pattern(steps: Sequence[Step]) -> bytes:
    """Write typed steps as one regular expression with a group for each field."""
    parts: list[bytes] = []
    for step in steps:
        if isinstance(step, Literal):
            parts.append(re.escape(step.text))
        elif isinstance(step, Blank):
            parts.append(rb" ++")
        elif step.kind.block:
            before = parts.pop() if parts and parts[-1] == rb" ++" else b""
            parts.append(rb"(?:" + before + rb"(" + step.kind.pattern + rb"))?")
        else:
            parts.append(rb"(" + step.kind.pattern + rb")")
    return b"".join(parts)


def _split(raw: bytes, region: Sequence[Field]) -> list[bytes]:
    """Split a raw region at blanks into its fields: the last split in which each value fits its grammar."""
    values: list[bytes] = []
    for step in reversed(region[1:]):
        at = _last_split(raw, step.kind.pattern)
        values.insert(0, raw[at:].lstrip(b" "))
        raw = raw[:at].rstrip(b" ")
    return [raw, *values]


def _last_split(raw: bytes, pattern: bytes) -> int:
    """Find the last blank with a value behind it that fits; a lone `-` in front is always a value of its own."""
    if raw.startswith(b"- "):
        return 1
    right = re.compile(pattern, re.DOTALL)
    at = raw.rfind(b" ")
    while at > 0:
        end = raw.find(b" ", at + 1)
        token = raw[at + 1 : end if end >= 0 else len(raw)]
        if token and token != b"-" and right.match(token):
            return at
        if token == b"-" and end < 0:
            return at
        at = raw.rfind(b" ", 0, at)
    last = raw.rfind(b" ")
    return last if last >= 0 else len(raw)


class _Scanner:
    """One walk along a line. Forward, so that in a raw field the first possible reading is taken, and then doubted."""

    def __init__(self, line: bytes, start: int, steps: Sequence[Step], opening: re.Pattern[bytes] | None) -> None:
        self._line = line
        self._at = start
        self._steps = steps
        self._opening = opening
        self._values: dict[str, bytes] = {}
        self._sure: dict[str, bytes] | None = None
        """The values in front of the first raw one, when there is such a one."""

    def run(self) -> Scan:
        """Take the steps one by one until the line or the format ends."""
        for step, following in zip(self._steps, (*self._steps[1:], None), strict=True):
            end = self._take(step, following)
            if end is not None:
                return end
        if self._at < len(self._line):
            return self._mismatch("the end of the line")
        return self._cut()

    def _take(self, step: Step, following: Step | None) -> Scan | None:
        if isinstance(step, Literal):
            return self._take_literal(step.text)
        if isinstance(step, Blank):
            return self._take_blank(following)
        if self._at == len(self._line):
            return self._cut(step)
        if step.kind.raw:
            return self._take_raw(step)
        if step.kind.block and not self._line.startswith(b"{", self._at):
            return None
        return self._take_field(step, following)

    def _take_literal(self, text: bytes) -> Scan | None:
        found = self._line[self._at : self._at + len(text)]
        if found == text:
            self._at += len(text)
            return None
        at_end = self._at + len(found) == len(self._line)
        return self._cut() if at_end and text.startswith(found) else self._mismatch(f"`{text.decode('latin-1')}`")

    def _take_blank(self, following: Step | None) -> Scan | None:
        match = _BLANKS.match(self._line, self._at)
        if match is None:
            return self._cut() if self._at == len(self._line) else self._mismatch("a blank")
        at_block = isinstance(following, Field) and following.kind.block
        if not at_block or self._line[match.end() : match.end() + 1] in {b"{", b""}:
            self._at = match.end()
        return None

    def _take_raw(self, step: Field) -> Scan | None:
        match = _TOKEN.match(self._line, self._at)
        end = match.end() if match else self._at
        if end == len(self._line):
            return self._cut(step)
        value = self._line[self._at : end]
        if value != b"-" and self._sure is None:
            self._sure = dict(self._values)
        self._values[step.alias] = value
        self._at = end
        return None

    def _take_field(self, step: Field, following: Step | None) -> Scan | None:
        ahead = rb"(?=" + re.escape(following.text) + rb")" if isinstance(following, Literal) else b""
        match = re.compile(step.kind.pattern + ahead).match(self._line, self._at)
        if match is not None and (match.end() < len(self._line) or step.kind.block or following is None):
            self._values[step.alias] = match[0]
            self._at = match.end()
            return None
        if re.compile(step.kind.partial).fullmatch(self._line, self._at):
            return self._cut(step)
        return self._mismatch(f"{step.kind.words} (%{step.alias})")

    def _cut(self, step: Field | None = None) -> Scan:
        """End at the cut. A raw value is sure only with what follows in sight, once: it may hold blanks, or a tail."""
        end = len(self._line)
        if self._sure is not None and self._opening is not None:
            readings = self._opening.finditer(self._line)
            if sum(1 for _ in readings) != 1:
                return Scan(self._sure, cut=True, column=end + 1, expected="")
        touched = step.alias if step else ""
        return Scan(self._values, cut=True, column=end + 1, expected="", touched=touched, rest=self._line[self._at :])

    def _mismatch(self, expected: str) -> Scan:
        """End here; behind a raw value what looks wrong may be the value going on, up to a cut."""
        if self._sure is not None:
            return Scan(self._sure, cut=True, column=len(self._line) + 1, expected="")
        return Scan(self._values, cut=False, column=self._at + 1, expected=expected)
