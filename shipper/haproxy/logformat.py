"""The compiler of log-format strings (HAProxy manual, 8.2.6): what is printed becomes a plan to read it by.

1. A run of blanks is one `Blank`: HAProxy prints one space for it, relays may print more.
2. Two values that meet without text between them, or with text that both may hold, cannot be told apart: the string is
   refused, with the place and the reason. Where a value may hold what ends it, but need not, the plan has a warning.
3. `%{+json}o` and `%{+cbor}o` make a line of named values; all else in the string is not printed then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shipper.errors import Permanent
from shipper.haproxy.kinds import (
    ALIASES,
    BARE_LIST,
    ENCODED,
    ENCODED_ALIASES,
    ESCAPED,
    FORMER,
    HEX,
    HEXADECIMAL,
    LIST,
    NAME_BYTES_MAX,
    NUMBER,
    OFTEN_ABSENT,
    PORT,
    QUOTED,
    QUOTED_BLOCK,
    QUOTED_PORT,
    TEXT,
    Kind,
)
from shipper.haproxy.plan import Plan, lists_at_end
from shipper.haproxy.samples import read_sample
from shipper.haproxy.scanning import FORGEABLE
from shipper.haproxy.steps import Blank, Decode, Field, Literal
from shipper.haproxy.structured import StructuredPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.haproxy.steps import Step

_TOKEN: Final = re.compile(
    r"(?P<blank> +)"
    r"|%(?P<percent>%)"
    r"|%(?:\((?P<name>[A-Za-z0-9_-]*)(?::(?P<type>[a-z]*))?\))?(?:\{(?P<flags>[^}]*)\})?"
    r"(?:(?P<alias>[A-Za-z][A-Za-z0-9]*)|(?P<sample>\[))"
    r"|(?P<text>[^% ]+)"
)
_FLAGS: Final = frozenset({"M", "Q", "X", "E", "bin", "json", "cbor"})
_TYPES: Final = frozenset({"str", "sint", "bool"})
_STEPS_MAX: Final = 512
_FLEXIBLE_MAX: Final = 2
"""Values in a row that may hold what ends them: reading them takes up to 255 steps each, multiplied."""


@dataclass(slots=True)
class _Compiler:
    """One log-format string on its way."""

    name: str
    text: str
    steps: list[Step]
    places: list[int]
    options: frozenset[str] = frozenset({"M"})
    """The flags that hold from here on (`%{…}o`)."""
    encoding: str = ""
    warnings: tuple[str, ...] = ()

    def run(self) -> None:
        at = 0
        while at < len(self.text):
            token = _TOKEN.match(self.text, at)
            if token is None:
                raise self.wrong(at, "`%` stands alone; write `%%` for a percent sign")
            if token["blank"]:
                self.add(Blank(), at)
            elif token["percent"] or token["text"]:
                self.add(Literal((token["percent"] or token["text"]).encode()), at)
            elif token["sample"]:
                at = self.sample(token, at)
                continue
            else:
                self.alias(token, at)
            at = token.end()
        if len(self.steps) > _STEPS_MAX:
            raise self.wrong(0, f"{len(self.steps)} parts; at most {_STEPS_MAX} are read")

    def flags(self, token: re.Match[str]) -> frozenset[str]:
        """Give the flags of one value: those that hold, and its own."""
        options = set(self.options)
        for flag in (token["flags"] or "").split(","):
            sign, known = flag[:1], flag[1:]
            if flag and (sign not in {"+", "-"} or known not in _FLAGS):
                column = token.start("flags") + 1
                self.warnings += (f"log format {self.name!r}, column {column}: HAProxy ignores the flag {flag!r}",)
                continue
            (options.add if sign == "+" else options.discard)(known)
        return frozenset(options - {""})

    def alias(self, token: re.Match[str], at: int) -> None:
        options, alias = self.flags(token), token["alias"]
        if alias == "o":
            self.options = options
            encodings = options & {"json", "cbor"}
            if encodings and not any(isinstance(step, Field) for step in self.steps):
                self.encoding = "json" if "json" in encodings else "cbor"
            if self.encoding and "bin" in options:
                raise self.wrong(at, "binary CBOR may hold line ends, which would cut it; leave out +bin")
            return
        alias = FORMER.get(alias, alias)
        kind = ALIASES.get(alias)
        if kind is None:
            raise self.wrong(token.start("alias"), f"unknown alias %{alias}")
        self.field(Field(alias, kind, printed=f"%{alias}", name=token["name"] or ""), options, token, at)

    def sample(self, token: re.Match[str], at: int) -> int:
        """Take `%[…]`, whose brackets may nest and be quoted; give the place behind it."""
        start, depth, quote = token.end(), 1, ""
        for end in range(start, len(self.text)):
            char = self.text[end]
            if quote:
                quote = "" if char == quote else quote
            elif char in "\"'":
                quote = char
            else:
                depth += (char == "[") - (char == "]")
                if depth == 0:
                    break
        else:
            raise self.wrong(at, "`%[` is not closed")
        expression = self.text[start:end]
        field = read_sample(expression, token["name"] or "", token["type"] or "")
        self.field(field, self.flags(token), token, at)
        return end + 1

    def field(self, field: Field, options: frozenset[str], token: re.Match[str], at: int) -> None:
        """Add a value, as its flags print it."""
        if token["type"] is not None and token["type"] not in _TYPES:
            raise self.wrong(token.start("type"), f"unknown type {token['type']!r}; known are str, sint and bool")
        if any(isinstance(step, Field) and step.alias == field.alias for step in self.steps):
            field = replace(field, again=at)
        if self.encoding:
            if field.name:
                self.steps.append(_named(field, options))
                self.places.append(at)
            return
        if "cbor" in options:
            raise self.wrong(at, "CBOR of a single value cannot be found in a line; use %{+cbor}o for all")
        for step in _printed(field, options):
            self.add(step, at)

    def add(self, step: Step, at: int) -> None:
        if self.encoding and not isinstance(step, Field):
            return
        last = self.steps[-1] if self.steps else None
        if isinstance(last, Literal) and isinstance(step, Literal):
            self.steps[-1] = Literal(last.text + step.text)
            return
        if isinstance(step, Blank) and isinstance(last, Blank | None):
            return  # HAProxy merges blanks, and leaves them out at the front
        if isinstance(step, Blank) and all(isinstance(each, Blank) or _may_vanish(each) for each in self.steps):
            step = Blank(loose=True)
        self.steps.append(step)
        self.places.append(at)

    def fit(self) -> tuple[Step, ...]:
        """Fit each value to what stands behind it, or refuse."""
        fitted: list[Step] = []
        flexible = 0
        for number, step in enumerate(self.steps):
            if not isinstance(step, Field):
                fitted.append(step)
                continue
            following = self.steps[number + 1] if number + 1 < len(self.steps) else None
            if step.kind is BARE_LIST and number + 1 < len(self.steps):
                raise self.wrong(
                    self.places[number], f"without quotes the values cannot be told apart; write %{{+Q}}{step.alias}"
                )
            if isinstance(following, Field):
                self.check_neighbours(step, following, self.places[number + 1])
            end = _end(following)
            kind = step.kind
            if end is not None and not (kind.raw or kind.closed or kind.width) and kind.may_hold(end):
                kind, flexible = self.bounded(step, end, number), flexible + 1
            elif not kind.width:
                flexible = 0
            if flexible > _FLEXIBLE_MAX:
                raise self.wrong(self.places[number], f"too many values in a row that may hold {_show(end)}")
            fitted.append(replace(step, kind=self.checked(step, kind, number)))
        return tuple(fitted)

    def checked(self, step: Field, kind: Kind, number: int) -> Kind:
        """Warn of a value whose end may not be found, or refuse it."""
        if kind.raw:
            self.check_raw(step, number)
        if kind.optional and not kind.closed:
            self.check_optional(step, number)
        if kind is LIST and self.follows_raw(number):
            raise self.wrong(
                self.places[number], f"{step.printed} is told from a raw value only when both end the line, in quotes"
            )
        if kind is LIST and self.quotes_follow(number):
            raise self.wrong(self.places[number], f"{step.printed} cannot be told from the quotes behind it")
        return kind

    def check_optional(self, step: Field, number: int) -> None:
        """Warn of two values that may both be nothing: one that is there may be either."""
        following = next((later for later in self.steps[number + 1 :] if not isinstance(later, Blank)), None)
        if isinstance(following, Field) and following.kind.optional and step.kind.meets(following.kind):
            self.warn(number, f"{step.printed} and {following.printed} may be nothing; which one is there is a guess")

    def follows_raw(self, number: int) -> bool:
        """Tell whether a raw value stands right before a list, and not as lines in CLF have it."""
        fields = [place for place in range(number) if isinstance(self.steps[place], Field)]
        raw = next((place for place in reversed(fields) if not self.is_list(place)), None)
        return raw is not None and self.is_raw(raw) and not lists_at_end(tuple(self.steps), raw)

    def is_list(self, number: int) -> bool:
        step = self.steps[number]
        return isinstance(step, Field) and step.kind is LIST

    def is_raw(self, number: int) -> bool:
        step = self.steps[number]
        return isinstance(step, Field) and step.kind.raw

    def quotes_follow(self, number: int) -> bool:
        """Tell whether the next that is always printed is a quote."""
        always = (each for each in self.steps[number + 1 :] if not (isinstance(each, Blank) or _may_vanish(each)))
        following = next(always, None)
        if isinstance(following, Field):
            return b'""' in following.kind.pattern
        return isinstance(following, Literal) and following.text.startswith(b'"')

    def check_raw(self, step: Field, number: int) -> None:
        """Warn of a value that may hold anything, where its end is not told by what follows it."""
        before, after = self.steps[:number], self.steps[number + 1 :]
        if step.kind.optional and [type(each) for each in (*before[-1:], *after[:1])] == [Blank, Blank]:
            raise self.wrong(
                self.places[number], f"{step.printed} may be nothing, and cannot be found then; leave M on"
            )
        following = next((later for later in after if isinstance(later, Field)), None)
        found = step.alias in FORGEABLE
        if following and not (found and not following.kind.optional and following.decode is not Decode.ESCAPED):
            self.warn(number, f"{step.printed} may hold what follows it")

    def check_neighbours(self, left: Field, right: Field, at: int) -> None:
        told_apart = left.kind.width or left.kind.closed != right.kind.closed
        if (left.kind.raw or right.kind.raw or not told_apart) and left.kind.meets(right.kind):
            raise self.wrong(
                at, f"nothing stands between {left.printed} and {right.printed}: they cannot be told apart"
            )

    def bounded(self, step: Field, end: bytes, number: int) -> Kind:
        """Give the grammar of a value that may hold ``end``, where that ends it."""
        kind = step.kind
        if kind.until:
            self.warn(number, f"{step.printed} ends at the first {_show(end)}")
            unlike = rb"(?!" + re.escape(end) + rb")[" + kind.chars + rb"]"
            prefix = rb"\?" if kind.pattern.startswith(rb"\?") else b""
            quantity = rb"*+" if prefix else rb"++"
            return replace(kind, pattern=prefix + rb"(?:" + unlike + rb")" + quantity)
        if kind.pattern == ENCODED.pattern:
            return kind
        after = self.steps[number + 2] if number + 2 < len(self.steps) else None
        if isinstance(after, Field) and after.kind.may_hold(end):
            self.warn(number, f"{step.printed} and {after.printed} may both hold {_show(end)}; the last one counts")
        return replace(kind, pattern=kind.pattern.replace(rb"]++", b"]{1,%d}" % NAME_BYTES_MAX))

    def warn(self, number: int, reason: str) -> None:
        self.warnings += (f"log format {self.name!r}, column {self.places[number] + 1}: {reason}",)

    def wrong(self, at: int, reason: str) -> Permanent:
        return Permanent(f"log format {self.name!r}, column {at + 1}: {reason}\n  {self.text}\n  {' ' * at}^")


def compile_plan(name: str, text: str, mode: str | None = None, captures: int | None = None) -> Plan | StructuredPlan:
    """Compile a log-format string; ``mode`` is `http` or `tcp`, by default what its aliases tell.

    ``captures`` is how many headers are captured on both sides, where that is known.

    Raises Permanent, with the column (from 1), for an unknown alias or flag and for values that cannot be told apart.
    """
    compiler = _Compiler(name, text, [], [])
    compiler.run()
    if not any(isinstance(step, Field) for step in compiler.steps):
        raise compiler.wrong(0, "there is no value in it, like %ci")
    mode = mode or ("tcp" if _is_tcp(compiler.steps) else "http")
    if compiler.encoding:
        fields = tuple(step for step in compiler.steps if isinstance(step, Field))
        return StructuredPlan(name, fields, compiler.encoding, mode)
    steps = compiler.fit()
    listed = any(isinstance(step, Field) and step.kind is LIST for step in steps)
    return Plan(name, steps, mode, compiler.warnings, captures if listed else None)


_WITH_QUOTES: Final = {"hr": QUOTED_BLOCK, "hs": QUOTED_BLOCK, "hrl": LIST, "hsl": LIST}
"""What is printed with its quotes, or not at all."""


def _may_vanish(step: Step) -> bool:
    """Tell whether a step may print nothing, and then leave out the blank behind it."""
    return isinstance(step, Field) and step.alias in _WITH_QUOTES


_HTTP_ONLY: Final = (ENCODED_ALIASES - _WITH_QUOTES.keys()) | {
    *("CC", "CS", "ST", "tsc"),
    *("tr", "trg", "trl"),
    *("TR", "Tq", "Tr", "Ta", "Ti"),
}


def _is_tcp(steps: Sequence[Step]) -> bool:
    """Tell whether nothing in a format hangs on HTTP."""
    return not any(isinstance(step, Field) and step.alias in _HTTP_ONLY for step in steps)


def _printed(field: Field, options: frozenset[str]) -> list[Step]:
    """Give the steps of a value as its flags print it."""
    kind, decode = field.kind, Decode.NONE
    alias = field.alias
    text = alias in QUOTED or field.sample
    if "X" in options and alias in HEXADECIMAL and not field.sample:
        kind = replace(HEX, words=f"{kind.words}, hexadecimal")
        decode = Decode.HEX_ADDRESS if alias in {"ci", "fi", "bi", "si"} else Decode.HEX
    elif text and ("E" in options or "json" in options):
        decode = Decode.ESCAPED
    if "Q" in options and kind is PORT and not field.sample:
        kind = QUOTED_PORT
    quoted = ("Q" in options or "json" in options) and text and decode in {Decode.NONE, Decode.ESCAPED}
    if not quoted:
        if "M" not in options and (alias in OFTEN_ABSENT or field.sample):
            kind = replace(kind.or_nothing(), optional=True)
        return [replace(field, kind=kind, decode=decode)]
    if alias in _WITH_QUOTES:
        return [replace(field, kind=_WITH_QUOTES[alias], decode=decode)]
    if decode is Decode.ESCAPED and (kind.raw or any(kind.may_hold(each) for each in (b'"', b"\\", b"]"))):
        inside = replace(field, kind=ESCAPED, decode=decode)
    else:
        inside = replace(field, kind=_in_quotes(alias, kind))
    return [Literal(b'"'), inside, Literal(b'"')]


def _in_quotes(alias: str, kind: Kind) -> Kind:
    """Give the grammar of a value between quotes: there may be nothing."""
    if alias in ENCODED_ALIASES:
        return replace(ENCODED, words=kind.words)
    return kind if kind == TEXT else replace(kind.or_nothing(), until=kind.until and kind.raw)


def _named(field: Field, options: frozenset[str]) -> Field:
    """Give a value as it is in a line of named values: there are no quotes to mind, and numbers are not padded."""
    (step,) = _printed(field, options - {"E", "Q", "json"})
    if not isinstance(step, Field):
        raise TypeError(step)
    kind = {"hrl": LIST, "hsl": LIST, "ms": NUMBER}.get(field.alias, step.kind)
    return replace(step, kind=kind if step.decode is Decode.NONE else step.kind)


def _end(following: Step | None) -> bytes | None:
    """Give the first byte behind a value, where that is known."""
    if isinstance(following, Literal):
        return following.text[:1]
    return b" " if isinstance(following, Blank) else None


def _show(end: bytes | None) -> str:
    return "a blank" if end == b" " else f"`{(end or b'').decode('latin-1')}`"
