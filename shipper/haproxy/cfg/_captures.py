"""Slots of captured values: how they are declared, what fills them, and what they are called.

1. Slots count up in the order of their lines, whatever declares them: `capture … header`, `declare capture`,
   `http-request capture … len`, `tcp-request content capture … len`.
2. A slot is named after what fills it. Several rules that fill it differently leave it without a name: a wrong one is
   worse than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shipper.haproxy.cfg._model import Capture

if TYPE_CHECKING:
    from shipper.haproxy.cfg._lines import Line

_HEADER: Final = re.compile(
    r"""(?:(?:req|res)\.)?[fs]?hdr\(["']?([^"',()]{1,255})["']?(?:,-?\d{1,3})?\)((?:,(?:lower|upper))*)"""
)
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9]+")
_NAME_CHARS_MAX: Final = 64


@dataclass(slots=True)
class Slot:
    """A slot of one side, and the names of what fills it."""

    length: int
    names: set[str] = field(default_factory=set)

    def capture(self) -> Capture:
        """Give it as it is known in the end."""
        return Capture(next(iter(self.names)) if len(self.names) == 1 else "", self.length)


@dataclass(slots=True)
class Slots:
    """The slots of a frontend, and the rules that fill slots by their number."""

    request: list[Slot] = field(default_factory=list)
    response: list[Slot] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)

    def copy(self) -> Slots:
        """Give what a section inherits."""
        request, response = ([Slot(s.length, {*s.names}) for s in side] for side in (self.request, self.response))
        return Slots(request, response, [*self.fills])

    def side(self, name: str) -> list[Slot]:
        """Give the slots of `request` or `response`."""
        return self.request if name == "request" else self.response


@dataclass(frozen=True, slots=True)
class Fill:
    """A rule `http-request capture EXPRESSION id N`, or the response's."""

    line: Line
    side: str
    number: int
    name: str


def header(line: Line, slots: Slots) -> None:
    """Read `capture request|response header NAME len N`. Raises ConfigError."""
    match line.words:
        case ("capture", side, "header", name, "len", length):
            slots.side(side).append(Slot(number(length), {name}))
        case _:
            raise line.wrong(f"`capture {line.words[1]} header NAME len N` is expected")


def cookie(line: Line) -> Capture:
    """Read `capture cookie NAME len N`. Raises ConfigError."""
    match line.words:
        case ("capture", "cookie", name, "len", length):
            return Capture(name, number(length))
        case _:
            raise line.wrong("`capture cookie NAME len N` is expected")


def declared(line: Line, slots: Slots) -> None:
    """Read `declare capture request|response len N`. Raises ConfigError."""
    match line.words:
        case ("declare", "capture", "request" | "response" as side, "len", length):
            slots.side(side).append(Slot(number(length)))
        case _:
            raise line.wrong("`declare capture request|response len N` is expected")


def rule(line: Line, side: str, words: tuple[str, ...], slots: Slots, *, frontend: bool) -> None:
    """Read `EXPRESSION len N|id N [if|unless …]`, which stands behind the word `capture`. Raises ConfigError."""
    at = next((i for i, word in enumerate(words) if word in {"len", "id"}), 0)
    if at == 0 or at + 1 == len(words):
        raise line.wrong("capture: an expression and `len N` or `id N` are expected")
    name = named(",".join(words[:at]))
    if words[at] == "id":
        slots.fills.append(Fill(line, side, number(words[at + 1]), name))
    elif side == "response" or not frontend:
        raise line.wrong("capture: `len` declares a slot of the request, and belongs into a frontend")
    else:
        slots.request.append(Slot(number(words[at + 1]), {name}))


def fill(slots: Slots, rules: list[Fill], *, own: bool) -> None:
    """Name what ``rules`` fill. One of the frontend's own that names a slot nobody declared raises ConfigError."""
    for each in rules:
        side = slots.side(each.side)
        if each.number < len(side):
            side[each.number].names.add(each.name)
        elif own:
            raise each.line.wrong(f"capture: there is no slot {each.number} of the {each.side}; slots count from 0")


def named(expression: str) -> str:
    """Give the header that an expression takes, or something readable."""
    found = _HEADER.fullmatch(expression)
    return found[1] if found else _NOT_IN_A_NAME.sub("_", expression).strip("_")[:_NAME_CHARS_MAX]


def number(text: str) -> int:
    """Read a number as HAProxy does here: what is none is 0."""
    digits = re.match(r"[ \t]*\+?([0-9]{1,9})", text)
    return int(digits[1]) if digits else 0
