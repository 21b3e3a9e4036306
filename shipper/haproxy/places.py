"""Where the values of a line lie, and the same line with other values in their places.

1. A value here is what ``Plan.match`` gives: as it is printed, or as text where the line is of named values.
2. What is not replaced stays, byte for byte: the spaces between values, the order of members, the size of numbers.
3. Of a line that was cut the values whose ends were seen have a place, in the first format that it may be of.
4. No bytes raise.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from shipper.haproxy.events import match_event
from shipper.haproxy.steps import Blank, Literal
from shipper.haproxy.structured import StructuredPlan
from shipper.haproxy.understand import formats_of_cut, groups_for, without_escapes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from shipper.haproxy.formats import CompiledFormat, FormatGroup
    from shipper.haproxy.plan import Plan
    from shipper.haproxy.syslog import Header


class Place(NamedTuple):
    """Where a value lies."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Located:
    """A line of traffic (``known`` is its format), or an event (None), and its values.

    The values of an event go by the names that its shape has for them. ``whole``: the line was not cut.
    """

    raw: bytes
    start: int
    """Where the message begins."""
    known: CompiledFormat | None
    values: Mapping[str, bytes]
    whole: bool
    plain: bytes
    """The line without the backslashes that a relay put in front of its quotes: the values are those of this."""

    def places(self, names: Collection[str] | None = None) -> dict[str, Place]:
        """Give where the values of these names lie, by default of all."""
        wanted = self.values.keys() if names is None else self.values.keys() & names
        if self.known is None:
            places = _places_of_event(self.plain, self.start)
        elif isinstance(self.known.plan, StructuredPlan):
            places = _places_of_members(self.known.plan, self.plain, self.start)
        else:
            places = _walk(self.known.plan, self, len(wanted), wanted)
        places = {name: place for name, place in places.items() if name in wanted}
        return places if self.plain is self.raw else _with_escapes(self.raw, self.start, places)

    def rewrite(self, new: Mapping[str, bytes]) -> bytes:
        """Give the line with ``new`` values in the places of the old; those without a place are left out."""
        write = self._write
        parts: list[bytes] = []
        at = 0
        for (start, end), name in sorted((place, name) for name, place in self.places(new.keys()).items()):
            parts += self.raw[at:start], write(self.raw[start:end], new[name])
            at = end
        return b"".join((*parts, self.raw[at:]))

    @property
    def _write(self) -> Callable[[bytes, bytes], bytes]:
        if self.known is not None and isinstance(self.known.plan, StructuredPlan):
            return _write_json if self.known.plan.encoding == "json" else _write_cbor
        return _write_plain if self.plain is self.raw else _write_escaped


def locate(raw: bytes, header: Header, groups: Sequence[FormatGroup], *, cut: bool = False) -> Located | None:
    """Find the values of a line by the format that ``understand`` reads it by; None where nothing understands it."""
    start, fitting = header.end, groups_for(raw, header, groups)
    if not cut:
        for plain in (raw, without_escapes(raw, start)):
            found = _locate_whole(raw, plain, start, fitting) if plain is not None else None
            if found is not None:
                return found
    return _locate_cut(raw, start, fitting)


def _locate_whole(raw: bytes, plain: bytes, start: int, groups: Sequence[FormatGroup]) -> Located | None:
    for group in groups:
        match = group.match(plain, start)
        if match is not None:
            known, found = match
            present = {
                alias: value for alias, value in zip(known.plan.aliases, found, strict=True) if value is not None
            }
            return Located(raw, start, known, present, whole=True, plain=plain)
    event = match_event(plain[start:])
    if event is None:
        return None
    values = {name: value for match in event[1] for name, value in match.groupdict().items() if value is not None}
    return Located(raw, start, None, values, whole=True, plain=plain)


def _locate_cut(raw: bytes, start: int, groups: Sequence[FormatGroup]) -> Located | None:
    may_be = formats_of_cut([(group, group.plan.scan(raw, start)) for group in groups])
    if not may_be:
        return None
    known, scan = may_be[0]
    return Located(raw, start, known, scan.values, whole=False, plain=raw)


# -- places ----------------------------------------------------------------------------------------------------------


def _places_of_event(line: bytes, start: int) -> dict[str, Place]:
    event = match_event(line[start:])
    return {
        name: Place(start + match.start(name), start + match.end(name))
        for match in (event[1] if event else ())
        for name, value in match.groupdict().items()
        if value is not None
    }


def _places_of_members(plan: StructuredPlan, line: bytes, start: int) -> dict[str, Place]:
    members = plan.read(line, start).places
    by_alias = {step.key: members.get(step.name.encode()) for step in plan.fields}
    return {alias: Place(*place) for alias, place in by_alias.items() if place is not None}


_BLANKS: Final = re.compile(rb" *+")


def _walk(plan: Plan, found: Located, left: int, wanted: Collection[str]) -> dict[str, Place]:
    """Find the values one behind the other: blanks are always taken all, and no value begins with one."""
    line, at, values = found.plain, found.start, found.values
    places: dict[str, Place] = {}
    for step in plan.steps:
        if left == 0:
            break
        if isinstance(step, Blank):
            blanks = _BLANKS.match(line, at)
            at = blanks.end() if blanks else at
            continue
        if isinstance(step, Literal):
            text = step.text
        elif step.key in values:
            text = values[step.key]
            if step.key in wanted:
                places[step.key] = Place(at, at + len(text))
                left -= 1
        elif found.whole or step.kind.optional:
            continue
        else:
            break
        at += len(text)
    return places


def _with_escapes(raw: bytes, start: int, places: Mapping[str, Place]) -> dict[str, Place]:
    """Move places to where they are in the line with its backslashes."""
    taken = [match.start() for match in re.finditer(rb"\\.", raw[start:], re.DOTALL)]
    gone = [start + place - number for number, place in enumerate(taken)]

    def moved(at: int) -> int:
        return at + bisect_left(gone, at)

    return {name: Place(moved(place.start), moved(place.end)) for name, place in places.items()}


# -- writing ---------------------------------------------------------------------------------------------------------


def _write_plain(_old: bytes, new: bytes) -> bytes:
    return new


def _write_escaped(_old: bytes, new: bytes) -> bytes:
    return _escaped(new)


_SPECIAL: Final = re.compile(rb'(["\\])')
_ITEM: Final = re.compile(rb'"([^"]*+)"')


def _escaped(text: bytes) -> bytes:
    return _SPECIAL.sub(rb"\\\1", text)


def _write_json(old: bytes, new: bytes) -> bytes:
    if old.startswith(b'"'):
        return b'"' + _escaped(new) + b'"'
    if old.startswith(b"["):
        return b"[" + b", ".join(b'"' + _escaped(item) + b'"' for item in _ITEM.findall(new)) + b"]"
    return new


_INTEGER_BYTES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_TEXT_TYPES: Final = frozenset({2, 3})
_ARRAY_TYPE: Final = 4
_SHORT_MAX: Final = 23


def _write_cbor(old: bytes, new: bytes) -> bytes:
    first = int(old[:2], 16)
    kind, argument = first >> 5, first & 31
    if kind in _TEXT_TYPES:
        made = _head(kind, len(new)) + new
    elif kind == _ARRAY_TYPE:
        made = b"\x9f" + b"".join(_head(3, len(item)) + item for item in _ITEM.findall(new)) + b"\xff"
    elif kind > 1 or not new.isdigit():
        return old
    else:
        size, number = _INTEGER_BYTES.get(argument), int(new)
        fits = kind == 0 and size is not None and number < 256**size
        made = bytes([argument]) + number.to_bytes(size or 0) if fits else _head(0, number)
    digits = made.hex().encode("ascii")
    return digits.upper() if old.upper() == old else digits


def _head(kind: int, argument: int) -> bytes:
    """Write an item's type and argument as short as can be (RFC 8949, 3)."""
    if argument <= _SHORT_MAX:
        return bytes([kind << 5 | argument])
    code, size = next((code, size) for code, size in _INTEGER_BYTES.items() if argument < 256**size)
    return bytes([kind << 5 | code]) + argument.to_bytes(size)
