"""A compiled log format: steps that a line is read by, completely and fast, or step by step as far as it goes.

1. Steps are literals, blanks (one or more spaces) and fields. Optional fields are left out together with the blank
   before them.
2. A raw field may hold anything, its delimiters too, and its bytes may come from a client. Typed steps between raw
   fields are therefore anchored from the end of the line: the last possible reading wins. Nobody can forge the tail
   of a complete line with one raw field; with two, a value made for each can hide what is between them.
3. Each section of typed steps is one regular expression whose quantifiers are bounded or stop for good at a delimiter;
   a section after a raw field begins only at the first blank of a run, or at its text, and its words are bounded then.
   Reading is linear in the length of the line.
4. ``scan`` explains what ``match`` refuses: a line cut short gives every value whose end was seen, never half of one;
   a line of another shape gives the column and what was expected there.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations, pairwise, takewhile
from typing import TYPE_CHECKING, Final

from shipper.haproxy.kinds import LIST
from shipper.haproxy.scanning import Scanner
from shipper.haproxy.steps import Blank, Field, Literal
from shipper.limits import VALUE_REMEMBERED_BYTES_MAX, VALUES_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.haproxy.scanning import Scan
    from shipper.haproxy.steps import Step

_READINGS_MAX: Final = 16
"""Readings of what lies between raw values that are tried in one line, from the last."""


_OPTIONAL_MAX: Final = 3
"""Optional fields behind a raw value of which each combination is tried."""


_BREAK: Final = re.compile(rb'" ++"')
"""What stands between two values in quotes."""


class _Region:
    """Raw fields with nothing typed between them, and what separates them: a text, or blanks (None).

    At the end of a line ``lists`` of captured headers may follow, ``captures`` of them in all where that is known.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        separators: Sequence[re.Pattern[bytes] | None],
        lists: int = 0,
        captures: int | None = None,
    ) -> None:
        self._patterns = [re.compile(step.kind.pattern, re.DOTALL) for step in fields]
        self._rest = list(zip(reversed(self._patterns[1:]), reversed(separators), strict=True))
        self._lists = lists
        self._captures = captures
        self._remembered: dict[bytes, list[bytes | None] | None] = {}

    def split(self, raw: bytes) -> list[bytes | None] | None:
        """Give a value for each field: the last split in which each value fits its grammar; None when none does."""
        if raw in self._remembered:
            return self._remembered[raw]
        values = self._split_with_lists(raw) if self._lists else self._split(raw)
        if len(raw) <= VALUE_REMEMBERED_BYTES_MAX:
            if len(self._remembered) >= VALUES_REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[raw] = values
        return values

    def _split(self, raw: bytes) -> list[bytes | None] | None:
        values: list[bytes] = []
        for left, (pattern, separator) in zip(range(len(self._rest) - 1, -1, -1), self._rest, strict=True):
            if separator is None:
                at = _last_split(raw, pattern, two=left == 0)
                values.insert(0, raw[at:].lstrip(b" "))
                raw = raw[:at].rstrip(b" ")
                continue
            found = separator.fullmatch(raw)
            if found is None:
                return None
            raw, value = found.groups()
            values.insert(0, value)
        values.insert(0, raw)
        fits = all(pattern.fullmatch(value) for pattern, value in zip(self._patterns, values, strict=True))
        return [*values] if fits else None

    def _split_with_lists(self, raw: bytes) -> list[bytes | None] | None:
        """Split `v" "v" "header" "header"`: captured headers hold no quotes, so they are counted from the end."""
        text = raw.rstrip(b" ")
        if not text.endswith(b'"'):
            return None
        text = text[:-1]
        breaks = [match.span() for match in _BREAK.finditer(text)]
        more = len(breaks) - len(self._rest)
        ends = [*(start for start, _ in breaks[1:]), len(text)]
        plain = [b'"' not in text[end:until] for (_, end), until in zip(breaks, ends, strict=bool(breaks))]
        items = next((number for number, each in enumerate(reversed(plain)) if not each), len(plain))
        items = min(items, more) if self._captures is None else self._captures if more else 0
        if more < 0 or items > more or not all(plain[len(plain) - items :]):
            return None
        start, end = breaks[-items] if items else (len(text), len(text))
        values = self._split(text[:start])
        lists: list[bytes | None] = [text[end - 1 :] + b'"' if items else None, *[None] * (self._lists - 1)]
        return None if values is None else values + lists


@dataclass(frozen=True)
class Plan:
    """The steps of one log format."""

    name: str
    steps: tuple[Step, ...]
    mode: str = "http"
    warnings: tuple[str, ...] = ()
    """Where values of this format may not be told apart."""
    captures: int | None = None
    """How many headers are captured on both sides, where that is known."""
    aliases: tuple[str, ...] = field(init=False)
    """The fields in their order: ``match`` gives a value for each."""

    def __post_init__(self) -> None:
        """Take the aliases from the steps."""
        object.__setattr__(self, "aliases", tuple(step.key for step in self.fields))

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
            separators = [_separator(self.steps[left + 1 : right]) for left, right in pairwise(group)]
            fields = [step for step in self.steps[group[0] : group[-1] + 1] if isinstance(step, Field)]
            lists = lists_at_end(self.steps, group[-1])
            regions.append(_Region(fields, separators, lists, self.captures))
            sections.append([])
            start = len(self.steps) if lists else group[-1] + 1
        sections[-1] += self.steps[start:]
        return sections, regions

    @cached_property
    def _head(self) -> re.Pattern[bytes]:
        sections = self._parts[0]
        return re.compile(_pattern(sections[0], last=len(sections) == 1))

    @cached_property
    def _tails(self) -> list[list[re.Pattern[bytes]]]:
        """Each finds the last reading of a section behind a raw region; all but the last have a raw region behind."""
        sections = self._parts[0]
        inner = [
            [_behind(each, last=False) + rb"(?s:(.*))" for each in _variants(section)] for section in sections[1:-1]
        ]
        last = [_behind(each, last=True) for each in _variants(sections[-1])]
        return [list(map(re.compile, patterns)) for patterns in (*inner, last)]

    @cached_property
    def _openings(self) -> list[list[re.Pattern[bytes]]]:
        """Each finds every reading of the same section."""
        return [
            [
                re.compile(_guard(each) + rb"(?=(" + _pattern(each, last=False, searched=True) + rb"))")
                for each in _variants(section)
            ]
            for section in self._parts[0][1:-1]
        ]

    def match(self, line: bytes, start: int = 0) -> Sequence[bytes | None] | None:
        """Read a complete line from ``start``: the bytes of each alias (None: an absent block), None if it is not."""
        regions = self._parts[1]
        if not regions:
            whole = self._head.fullmatch(line, start)
            return None if whole is None else whole.groups()
        head = self._head.match(line, start)
        if head is None:
            return None
        for tail in self._tails[-1]:
            rest = tail.fullmatch(line, head.end())
            if rest is not None:
                break
        else:
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
        for tail, opening in zip(self._tails[number], self._openings[number], strict=True):
            last = tail.fullmatch(line, start, end)
            if last is None:
                continue
            _, *values, raw = last.groups()
            yield last.end(1), end - len(raw), values
            for reading in reversed(deque(opening.finditer(line, start, last.end(1)), maxlen=_READINGS_MAX)):
                whole, *values = reading.groups()
                yield reading.start(), reading.start() + len(whole), values

    def scan(self, line: bytes, start: int = 0) -> Scan:
        """Read a line step by step from ``start``, as far as it goes."""
        return Scanner(line, start, self.steps, self._opening).run()

    @cached_property
    def _opening(self) -> re.Pattern[bytes] | None:
        """How the section behind the first raw region begins, up to its first block."""
        for section in self._parts[0][1:2]:
            optional = (number for number, step in enumerate(section) if isinstance(step, Field) and step.kind.optional)
            return re.compile(
                _guard(section) + _pattern(section[: next(optional, len(section))], last=False, searched=True)
            )
        return None


def _behind(section: Sequence[Step], *, last: bool) -> bytes:
    return rb"(?s:(.*))" + _guard(section) + _pattern(section, last=last, searched=True)


def lists_at_end(steps: Sequence[Step], number: int) -> int:
    """Count the lists of captured headers that are all that follows the quoted raw value at ``number``."""
    rest = steps[number + 1 :]
    fields = [step for step in rest[1:] if isinstance(step, Field)]
    alike = all(step.kind is LIST for step in fields) and not any(isinstance(step, Literal) for step in rest[1:])
    return len(fields) if alike and rest[:2] == (Literal(b'"'), Blank()) else 0


def _variants(section: Sequence[Step]) -> list[list[Step]]:
    """Give a section with and without each of the optional fields that it begins with, the fullest first.

    The last possible reading alone would give them to the raw value in front of them.
    """
    begin = takewhile(lambda each: isinstance(each, Blank) or (isinstance(each, Field) and each.kind.optional), section)
    optional = [number for number, step in enumerate(begin) if isinstance(step, Field)][:_OPTIONAL_MAX]
    chosen = [set(some) for size in range(len(optional), -1, -1) for some in combinations(optional, size)]
    return [
        [
            _settled(step, there=number in there) if isinstance(step, Field) and number in optional else step
            for number, step in enumerate(section)
        ]
        for there in chosen
    ]


def _settled(step: Field, *, there: bool) -> Field:
    """Give an optional field as one that is always there, or never."""
    pattern = rb"(?=[^ ])" + step.kind.pattern if there else rb"(?!)"
    return replace(step, kind=replace(step.kind, pattern=pattern, optional=not there))


def _guard(section: Sequence[Step]) -> bytes:
    """Let a section that is searched for begin only at the first blank of a run."""
    return rb"(?<! )" if section and isinstance(section[0], Blank) else b""


def _pattern(steps: Sequence[Step], *, last: bool, searched: bool = False) -> bytes:
    """Write typed steps as one regular expression with a group for each field; the very last blank may be missing.

    ``searched``: it is tried in many places, so that no value in it may be of any length.
    """
    parts: list[bytes] = []
    for number, step in enumerate(steps):
        following = steps[number + 1] if number + 1 < len(steps) else None
        value = b"" if not isinstance(step, Field) else step.kind.bounded() if searched else step.kind.pattern
        if isinstance(step, Literal):
            parts.append(re.escape(step.text))
        elif isinstance(step, Blank):
            parts.append(b"" if step.loose else rb" *+" if last and following is None else rb" ++")
        elif following == Blank(loose=True):
            behind = rb" *+" if last and number + 2 == len(steps) else rb" ++"
            parts.append(rb"(?:(" + value + rb")" + behind + rb")?")
        elif step.kind.optional:
            ends = isinstance(following, Blank) or (last and following is None)
            before = parts.pop() if ends and parts and parts[-1] == rb" ++" else b""
            parts.append(rb"(?:" + before + rb"(" + value + rb"))?")
            if last and following is None:
                parts.append(rb" *+")
        else:
            parts.append(rb"(" + value + rb")")
    return b"".join(parts)


def _separator(steps: Sequence[Step]) -> re.Pattern[bytes] | None:
    """Give what splits at the last text between two raw fields; None is blanks alone."""
    if all(isinstance(step, Blank) for step in steps):
        return None
    return re.compile(rb"(?s:(.*))" + _guard(steps) + _pattern(steps, last=False) + rb"(?s:(.*))")


def _last_split(raw: bytes, right: re.Pattern[bytes], *, two: bool) -> int:
    """Find the last blank with a value behind it that fits; of two, a lone `-` in front is a value of its own."""
    if two and raw.startswith(b"- "):
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
