"""Lines of named values: what `%{+json}o` and `%{+cbor}o` print (HAProxy 3.0, manual 8.2.6).

A line is one flat object. HAProxy escapes only quotes and backslashes in JSON, so a string may hold any other byte;
CBOR comes as hexadecimal text. Values become the text that the same alias prints without encoding, so that one grammar
and one meaning hold for all:

| printed | becomes |
|---|---|
| string | its bytes |
| number | its digits |
| true, false | 1, 0 |
| null | nothing |
| array of strings (`%hrl`) | each in quotes, with a blank between |

1. A line is read member by member; what was complete before a cut is kept.
2. No bytes raise, and reading is linear in the length of the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shipper.haproxy.scanning import Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.haproxy.steps import Field

_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_KEY: Final = re.compile(rb'"([A-Za-z0-9_-]{1,255})": ?')
_VALUE: Final = re.compile(
    rb"(?s:(?P<string>" + _STRING + rb")|(?P<number>-?[0-9]{1,20})(?=[,}])|(?P<word>true|false|null)"
    rb"|\[(?P<array>(?:" + _STRING + rb"(?:, ?" + _STRING + rb")*+)?)\])"
)
_NEXT: Final = re.compile(rb", ?")
_ITEM: Final = re.compile(_STRING, re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_WORDS: Final = {b"true": b"1", b"false": b"0", b"null": b""}
_HEX: Final = re.compile(rb"[0-9A-Fa-f]*+")
MEMBERS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a line as far as it went: whole, cut, or (neither) of another shape from ``end`` on."""

    values: dict[bytes, bytes]
    whole: bool
    cut: bool
    end: int
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Where each value stands: in JSON all of it, with its quotes; in CBOR the digits of the whole item."""


def read_json(line: bytes, start: int) -> Members:
    """Read a flat JSON object from ``start`` to the end of the line."""
    values: dict[bytes, bytes] = {}
    places: dict[bytes, tuple[int, int]] = {}
    at = start + 1
    if line[start:at] != b"{":
        return Members(values, whole=False, cut=False, end=start)
    if line[at:] == b"}":
        return Members(values, whole=True, cut=False, end=at)
    while len(values) < MEMBERS_MAX:
        key = _KEY.match(line, at)
        value = _VALUE.match(line, key.end()) if key else None
        if key is None or value is None:
            break
        if key[1] not in values:
            values[key[1]], places[key[1]] = _json_value(value), value.span()
        at = value.end()
        if line[at:] == b"}":
            return Members(values, whole=True, cut=False, end=at, places=places)
        comma = _NEXT.match(line, at)
        if comma is None:
            break
        at = comma.end()
    return Members(values, whole=False, cut=_is_beginning(line[at:]), end=at, places=places)


def _json_value(value: re.Match[bytes]) -> bytes:
    if value["string"] is not None:
        return _ESCAPE.sub(rb"\1", value["string"][1:-1])
    if value["number"] is not None:
        return value["number"]
    if value["word"] is not None:
        return _WORDS[value["word"]]
    return b" ".join(_ESCAPE.sub(rb"\1", item) for item in _ITEM.findall(value["array"]))


_BEGINNING: Final = re.compile(
    rb'(?s:,? ?"[A-Za-z0-9_-]*+|"[A-Za-z0-9_-]{1,255}+": ?'
    rb'(?:"(?:[^"\\]++|\\.)*+\\?|-?[0-9]*+|[a-z]{0,4}|\[(?:[^\]"]++|' + _STRING + rb')*+(?:"(?:[^"\\]++|\\.)*+\\?)?)?'
    rb'|,? ?|"[A-Za-z0-9_-]++":?)'
)


def _is_beginning(rest: bytes) -> bool:
    """Tell whether what is left may be the beginning of one more member."""
    return _BEGINNING.fullmatch(rest) is not None


def read_cbor(line: bytes, start: int) -> Members:
    """Read a flat CBOR map (RFC 8949) in hexadecimal from ``start`` to the end of the line."""
    digits = _HEX.match(line, start)
    end = digits.end() if digits else start
    data = bytes.fromhex(line[start : end - (end - start) % 2].decode("ascii"))
    if data[:1] != b"\xbf":
        return Members({}, whole=False, cut=False, end=start)
    reader = _Cbor(data, 1)
    values: dict[bytes, bytes] = {}
    places: dict[bytes, tuple[int, int]] = {}
    try:
        while data[reader.at] != _BREAK and len(values) < MEMBERS_MAX:
            key, before = reader.text(), reader.at
            value = reader.value()
            if key not in values:
                values[key], places[key] = value, (start + 2 * before, start + 2 * reader.at)
            reader.sure = reader.at
    except IndexError:
        return Members(values, whole=False, cut=end == len(line), end=end, places=places)
    except ValueError:
        return Members(values, whole=False, cut=False, end=start + 2 * reader.at, places=places)
    whole = reader.at + 1 == len(data) and end == len(line)
    return Members(values, whole=whole, cut=False, end=start + 2 * reader.at, places=places)


_BREAK: Final = 0xFF
_BYTES_TYPE, _TEXT_TYPE, _ARRAY_TYPE, _SIMPLE_TYPE = 2, 3, 4, 7
_INDEFINITE: Final = 31
_SIMPLE: Final = {20: b"0", 21: b"1", 22: b"", 23: b""}


@dataclass(slots=True)
class _Cbor:
    """What of CBOR HAProxy writes. Raises IndexError where the data ends too soon, ValueError for anything else."""

    data: bytes
    at: int
    sure: int = field(default=1)

    def head(self) -> tuple[int, int]:
        """Take an item's type and argument."""
        first = self.data[self.at]
        self.at += 1
        kind, argument = first >> 5, first & 31
        if argument in {24, 25, 26, 27}:
            size = 1 << (argument - 24)
            argument = int.from_bytes(self.take(size))
        elif argument > 23 and argument != _INDEFINITE:  # noqa: PLR2004 -- RFC 8949, 3
            raise ValueError("reserved")
        elif argument == _INDEFINITE and kind < _BYTES_TYPE:
            raise ValueError("a number of no length")
        return kind, argument

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise IndexError
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> bytes:
        """Take a string, whole or in chunks."""
        start = self.data[self.at]
        kind, size = self.head()
        if kind not in {_BYTES_TYPE, _TEXT_TYPE}:
            raise ValueError("a string is expected")
        if start & 31 != _INDEFINITE:
            return self.take(size)
        chunks = []
        while self.data[self.at] != _BREAK:
            chunk, size = self.head()
            if chunk != kind or size > len(self.data):
                raise ValueError("a chunk of another type")
            chunks.append(self.take(size))
        self.at += 1
        return b"".join(chunks)

    def value(self) -> bytes:
        """Take a value as text."""
        kind = self.data[self.at] >> 5
        if kind in {_BYTES_TYPE, _TEXT_TYPE}:
            return self.text()
        if kind == _ARRAY_TYPE:
            return self.array()
        kind, number = self.head()
        if kind in {0, 1}:
            return b"%d" % (number if kind == 0 else -1 - number)
        if kind == _SIMPLE_TYPE and number in _SIMPLE:
            return _SIMPLE[number]
        raise ValueError("a value that HAProxy does not write")

    def array(self) -> bytes:
        if self.data[self.at] != (_ARRAY_TYPE << 5 | _INDEFINITE):
            raise ValueError("an array of another kind")
        self.at += 1
        items = []
        while self.data[self.at] != _BREAK:
            items.append(b'"' + self.text() + b'"')
        self.at += 1
        return b" ".join(items)


@dataclass(frozen=True)
class StructuredPlan:
    """A format of named values: reads as ``Plan`` does."""

    name: str
    fields: tuple[Field, ...]
    encoding: str
    """`json` or `cbor`."""
    mode: str = "http"
    warnings: tuple[str, ...] = ()
    partly: bool = False
    """The line may have members that no field is for."""
    aliases: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Take the aliases from the fields."""
        object.__setattr__(self, "aliases", tuple(step.key for step in self.fields))

    def read(self, line: bytes, start: int = 0) -> Members:
        """Read the members of a line as far as it goes."""
        return (read_json if self.encoding == "json" else read_cbor)(line, start)

    def match(self, line: bytes, start: int = 0) -> Sequence[bytes | None] | None:
        """Read a complete line: the text of each value; None if it has other members, or values of another grammar."""
        members = self.read(line, start)
        known = {step.name for step in self.fields}
        if not members.whole or (len(members.values) != len(known) and not self.partly):
            return None
        found = [members.values.get(step.name.encode()) for step in self.fields]
        fits = all(value is not None and accepts(step, value) for step, value in zip(self.fields, found, strict=True))
        return found if fits else None

    def scan(self, line: bytes, start: int = 0) -> Scan:
        """Read a line as far as it goes."""
        members = self.read(line, start)
        values = {}
        for step in self.fields:
            value = members.values.get(step.name.encode())
            if value is not None and accepts(step, value):
                values[step.key] = value
            elif value is not None or members.whole:
                expected = f"{step.kind.words} as {step.name!r} ({step.printed})"
                return Scan(values, cut=False, column=start + 1, expected=expected)
        return Scan(values, cut=members.cut, column=members.end + 1, expected=f"a member of the {self.encoding} object")


def accepts(step: Field, value: bytes) -> bool:
    """Tell whether a decoded value is one of the field's grammar; what was null is nothing, and always possible."""
    return not value or re.compile(step.kind.pattern, re.DOTALL).fullmatch(value) is not None
