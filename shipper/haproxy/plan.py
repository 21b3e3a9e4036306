"""A compiled log format: steps that a line is read by, completely and fast, or step by step as far as it goes.

1. Steps are literals, blanks (one or more spaces) and fields. Optional fields are left out together with the blank
   before them.
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
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from shipper.limits import VALUE_REMEMBERED_BYTES_MAX, VALUES_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.haproxy.kinds import Kind

_BLANKS: Final = re.compile(rb" ++")
_TOKEN: Final = re.compile(rb"[^ ]*+")
_READINGS_MAX: Final = 16
"""Readings of what lies between raw values that are tried in one line, from the last."""


class Decode(Enum):
    """How a value is turned back into what it says."""

    NONE = "none"
    ESCAPED = "escaped"
    """A backslash stands before quotes, backslashes and brackets (flags E and json)."""
    HEX = "hex"
    """A number, hexadecimal (flag X)."""
    HEX_ADDRESS = "hex_address"
    """The bytes of an address, hexadecimal (flag X)."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands in every line."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Blank:
    """One or more spaces."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value."""

    alias: str
    """The key of its meaning: the alias, or what a known expression is called."""
    kind: Kind
    printed: str = ""
    """How it stands in the format: `%ci`, `%[src]`."""
    name: str = ""
    """What the format itself calls it: `%(name)ci`."""
    label: str = ""
    """The label that it becomes, when it has no field of its own."""
    sample: bool = False
    decode: Decode = Decode.NONE


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


class _Region:
    """Raw fields with nothing typed between them, and what separates them: a text, or blanks (None)."""

    def __init__(self, fields: Sequence[Field], separators: Sequence[re.Pattern[bytes] | None]) -> None:
        self._patterns = [re.compile(step.kind.pattern, re.DOTALL) for step in fields]
        self._rest = list(zip(reversed(self._patterns[1:]), reversed(separators), strict=True))
        self._remembered: dict[bytes, list[bytes] | None] = {}

    def split(self, raw: bytes) -> list[bytes] | None:
        """Give a value for each field: the last split in which each value fits its grammar; None when none does."""
        if raw in self._remembered:
            return self._remembered[raw]
        values = self._split(raw)
        if len(raw) <= VALUE_REMEMBERED_BYTES_MAX:
            if len(self._remembered) >= VALUES_REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[raw] = values
        return values

    def _split(self, raw: bytes) -> list[bytes] | None:
        values: list[bytes] = []
        for pattern, separator in self._rest:
            if separator is None:
                at = _last_split(raw, pattern)
                values.insert(0, raw[at:].lstrip(b" "))
                raw = raw[:at].rstrip(b" ")
                continue
            found = deque(separator.finditer(raw), maxlen=1)
            if not found:
                return None
            values.insert(0, raw[found[0].end() :])
            raw = raw[: found[0].start()]
        values.insert(0, raw)
        fits = all(pattern.fullmatch(value) for pattern, value in zip(self._patterns, values, strict=True))
        return values if fits else None


@dataclass(frozen=True)
class Plan:
    """The steps of one log format."""

    name: str
    steps: tuple[Step, ...]
    mode: str = "http"
    warnings: tuple[str, ...] = ()
    """Where values of this format may not be told apart."""
    aliases: tuple[str, ...] = field(init=False)
    """The fields in their order: ``match`` gives a value for each."""

    def __post_init__(self) -> None:
        """Take the aliases from the steps."""
        object.__setattr__(self, "aliases", tuple(step.alias for step in self.fields))

    @property
    def fields(self) -> tuple[Field, ...]:
        """The steps that are fields."""
        return tuple(step for step in self.steps if isinstance(step, Field))

    @cached_property
    def _parts(self) -> tuple[list[list[Step]], list[_Region]]:
        """Split the steps into typed sections and the raw regions between them."""
        sections: list[list[Step]] = [[]]
        regions: list[_Region] = []
        raw = [number for number, step in enumerate(self.steps) if isinstance(step, Field) and step.kind.raw]
        start = 0
        while raw:
            group = [raw.pop(0)]
            while raw and not any(isinstance(step, Field) for step in self.steps[group[-1] + 1 : raw[0]]):
                group.append(raw.pop(0))
            sections[-1] += self.steps[start : group[0]]
            separators = tuple(_separator(self.steps[left + 1 : right]) for left, right in pairwise(group))
            regions.append(
                _Region([f for f in self.steps[group[0] : group[-1] + 1] if isinstance(f, Field)], separators)
            )
            sections.append([])
            start = group[-1] + 1
        sections[-1] += self.steps[start:]
        return sections, regions

    @cached_property
    def _head(self) -> re.Pattern[bytes]:
        sections = self._parts[0]
        return re.compile(_pattern(sections[0], last=len(sections) == 1))

    @cached_property
    def _tails(self) -> list[re.Pattern[bytes]]:
        """Each finds the last reading of a section behind a raw region; all but the last have a raw region behind."""
        sections = self._parts[0][1:]
        return [
            re.compile(
                rb"(?s:(.*))" + _guard(section) + _pattern(section, last=last) + (b"" if last else rb"(?s:(.*))")
            )
            for section, last in zip(sections, [False] * (len(sections) - 1) + [True], strict=True)
        ]

    @cached_property
    def _openings(self) -> list[re.Pattern[bytes]]:
        """Each finds every reading of the same section."""
        sections = self._parts[0][1:-1]
        return [re.compile(_guard(section) + rb"(?=(" + _pattern(section, last=False) + rb"))") for section in sections]

    def match(self, line: bytes, start: int = 0) -> Sequence[bytes | None] | None:
        """Read a complete line from ``start``: the bytes of each alias (None: an absent block), None if it is not."""
        regions = self._parts[1]
        if not regions:
            whole = self._head.fullmatch(line, start)
            return None if whole is None else whole.groups()
        head = self._head.match(line, start)
        if head is None:
            return None
        rest = self._tails[-1].fullmatch(line, head.end())
        if rest is None:
            return None
        raw, *values = rest.groups()
        readings = _READINGS_MAX
        if len(regions) > 1:
            found, _ = self._inner(line, head.end(), head.end() + len(raw), len(regions) - 1, readings)
        else:
            found = regions[0].split(raw)
        return None if found is None else [*head.groups(), *found, *values]

    def _inner(
        self, line: bytes, start: int, end: int, number: int, readings: int
    ) -> tuple[Sequence[bytes | None] | None, int]:
        """Read from ``start`` to the end of raw region ``number``: the last reading in which every value fits.

        At most ``readings`` are tried; what is left of them is given back.
        """
        region = self._parts[1][number]
        if number == 0:
            return region.split(line[start:end]), readings
        for at, after, values in self._readings(line, start, end, number - 1):
            if readings == 0:
                break
            readings -= 1
            split = region.split(line[after:end])
            if split is not None:
                before, readings = self._inner(line, start, at, number - 1, readings)
                if before is not None:
                    return [*before, *values, *split], readings
        return None, readings

    def _readings(
        self, line: bytes, start: int, end: int, number: int
    ) -> Iterator[tuple[int, int, Sequence[bytes | None]]]:
        """Give the places where section ``number`` between raw regions may stand, from the last, and its values."""
        last = self._tails[number].fullmatch(line, start, end)
        if last is None:
            return
        _, *values, raw = last.groups()
        yield last.end(1), end - len(raw), values
        for reading in reversed(deque(self._openings[number].finditer(line, start, last.end(1)), maxlen=_READINGS_MAX)):
            whole, *values = reading.groups()
            yield reading.start(), reading.start() + len(whole), values

    def scan(self, line: bytes, start: int = 0) -> Scan:
        """Read a line step by step from ``start``, as far as it goes."""
        return _Scanner(line, start, self.steps, self._opening).run()

    @cached_property
    def _opening(self) -> re.Pattern[bytes] | None:
        """How the section behind the first raw region begins, up to its first block."""
        for section in self._parts[0][1:2]:
            optional = (number for number, step in enumerate(section) if isinstance(step, Field) and step.kind.optional)
            return re.compile(_guard(section) + _pattern(section[: next(optional, len(section))], last=False))
        return None


def _guard(section: Sequence[Step]) -> bytes:
    """Let a section that is searched for begin only at the first blank of a run."""
    return rb"(?<! )" if section and isinstance(section[0], Blank) else b""


def _pattern(steps: Sequence[Step], *, last: bool) -> bytes:
    """Write typed steps as one regular expression with a group for each field; the very last blank may be missing."""
    parts: list[bytes] = []
    for number, step in enumerate(steps):
        following = steps[number + 1] if number + 1 < len(steps) else None
        if isinstance(step, Literal):
            parts.append(re.escape(step.text))
        elif isinstance(step, Blank):
            parts.append(rb" *+" if last and following is None else rb" ++")
        elif step.kind.optional:
            ends = isinstance(following, Blank) or (last and following is None)
            before = parts.pop() if ends and parts and parts[-1] == rb" ++" else b""
            parts.append(rb"(?:" + before + rb"(" + step.kind.pattern + rb"))?")
            if last and following is None:
                parts.append(rb" *+")
        else:
            parts.append(rb"(" + step.kind.pattern + rb")")
    return b"".join(parts)


def _separator(steps: Sequence[Step]) -> re.Pattern[bytes] | None:
    """Give what finds the text between two raw fields; None is blanks alone."""
    if all(isinstance(step, Blank) for step in steps):
        return None
    return re.compile(_guard(steps) + _pattern(steps, last=False))


def _ahead(text: bytes) -> bytes:
    """Look for a text behind a value, or for the beginning of it at the end of the line."""
    beginnings = (re.escape(text[:size]) + rb"\Z" for size in range(1, len(text)))
    return rb"(?=" + rb"|".join([re.escape(text), *beginnings]) + rb")"


def _last_split(raw: bytes, right: re.Pattern[bytes]) -> int:
    """Find the last blank with a value behind it that fits; a lone `-` in front is always a value of its own."""
    if raw.startswith(b"- "):
        return 1
    at = raw.rfind(b" ")
    while at > 0:
        end = raw.find(b" ", at + 1)
        token = raw[at + 1 : end if end >= 0 else len(raw)]
        if token and token != b"-" and right.fullmatch(token):
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
        for number, step in enumerate(self._steps):
            end = self._take(number, step)
            if end is not None:
                return end
        if self._at < len(self._line):
            return self._mismatch("the end of the line")
        return self._cut()

    def _following(self, number: int) -> Step | None:
        return self._steps[number + 1] if number + 1 < len(self._steps) else None

    def _take(self, number: int, step: Step) -> Scan | None:
        if isinstance(step, Literal):
            return self._take_literal(step.text)
        if isinstance(step, Blank):
            return self._take_blank(number)
        if self._at == len(self._line):
            return self._cut(step)
        if step.kind.raw:
            return self._take_raw(step, self._following(number))
        if step.kind.optional and not self._begins(step, self._at):
            return None
        return self._take_field(step, self._following(number))

    def _take_literal(self, text: bytes) -> Scan | None:
        found = self._line[self._at : self._at + len(text)]
        if found == text:
            self._at += len(text)
            return None
        at_end = self._at + len(found) == len(self._line)
        return self._cut() if at_end and text.startswith(found) else self._mismatch(f"`{text.decode('latin-1')}`")

    def _take_blank(self, number: int) -> Scan | None:
        match = _BLANKS.match(self._line, self._at)
        if match is None:
            return self._cut() if self._at == len(self._line) else self._mismatch("a blank")
        if not self._leaves_out(number + 1, match.end()):
            self._at = match.end()
        return None

    def _leaves_out(self, number: int, at: int) -> bool:
        """Tell whether step ``number`` is an optional field that is absent, and the blank before it as well."""
        step = self._steps[number] if number < len(self._steps) else None
        if not isinstance(step, Field) or not step.kind.optional or at == len(self._line):
            return False
        return (self._following(number) is None or isinstance(self._following(number), Blank)) and not self._begins(
            step, at
        )

    def _begins(self, step: Field, at: int) -> bool:
        """Tell whether a value of ``step`` stands at ``at``, or the beginning of one that was cut."""
        found = re.compile(step.kind.pattern).match(self._line, at)
        return bool(found and found[0]) or re.compile(step.kind.partial).fullmatch(self._line, at) is not None

    def _take_raw(self, step: Field, following: Step | None) -> Scan | None:
        if isinstance(following, Literal):
            end = self._line.find(following.text, self._at)
        else:
            match = _TOKEN.match(self._line, self._at)
            end = match.end() if match else self._at
        if end in {-1, len(self._line)}:
            return self._cut(step)
        value = self._line[self._at : end]
        if value != b"-" and self._sure is None:
            self._sure = dict(self._values)
        self._values[step.alias] = value
        self._at = end
        return None

    def _take_field(self, step: Field, following: Step | None) -> Scan | None:
        ahead = _ahead(following.text) if isinstance(following, Literal) else b""
        match = re.compile(step.kind.pattern + ahead).match(self._line, self._at)
        if match is not None and (match.end() < len(self._line) or step.kind.closed or following is None):
            self._values[step.alias] = match[0]
            self._at = match.end()
            return None
        if re.compile(step.kind.partial).fullmatch(self._line, self._at):
            return self._cut(step)
        return self._mismatch(f"{step.kind.words} ({step.printed})")

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
