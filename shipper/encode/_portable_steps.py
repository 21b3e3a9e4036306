"""The steps of a format as the native engine gets them, and why what it reads by them is what a plan reads.

The native engine reads forward, once, and takes each value as far as it may go. A plan takes the last possible reading
of what stands between raw values (``haproxy.plan``). The two are the same where there is only one, and so:

1. A value that is not raw ends at the first byte that cannot be in it; formats in which the text behind a value begins
   with a byte of it are Python's, but for an address, which ends at its last colon.
2. A raw value is read up to the first blank, or to the first place of the text behind it.
3. Behind raw values stands a *doubt*: how the section there begins, with each value as a class of bytes, which takes in
   more than its grammar. Where that stands a second time in a line, later, the line is Python's; so is the format where
   it always does.
4. A format in front of others is skipped only for lines that do not begin as its own: its *front*, written likewise.
5. Of the stock formats both are proven: what follows the raw values has a shape that cannot stand within itself, as
   blocks hold no braces or quotes, a request holds no quote, and TLS values no blank or slash; and no line fits two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy import kinds
from shipper.haproxy.formats import STOCK
from shipper.haproxy.plan import Plan
from shipper.haproxy.steps import Blank, Decode, Field, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.haproxy.kinds import Kind
    from shipper.haproxy.steps import Step

PROVEN: Final = {
    format_.plan.steps
    for format_ in STOCK
    if format_.name in {"httplog", "httpslog", "tcplog"} and isinstance(format_.plan, Plan)
}
_KINDS: Final = {
    replace(getattr(kinds, name), words=""): name.lower()
    for name in (
        *("ADDRESS", "PORT", "DATE", "NAME", "FRONTEND", "SERVER", "NUMBER", "MARKED", "INTEGER", "HEX_OR_NONE"),
        *("FLAG", "STATUS", "COOKIE", "TERMINATION", "TCP_TERMINATION", "BLOCK", "ENCODED", "SERVER_NAME"),
        *("PROTOCOL", "CIPHER"),
    )
}
"""The kinds whose values the native engine finds by their grammar."""
_WORD, _TEXT = (replace(kind, words="") for kind in (kinds.WORD, kinds.TEXT))
_FRONTEND: Final = frozenset({"f", "ft"})
_BLANK: Final = ord(" ")


class Unportable(Exception):  # noqa: N818 -- not an error: Python executes it
    """A format that only Python can execute."""


@dataclass(frozen=True, slots=True)
class PortableSteps:
    """The steps of a format in JSON's values."""

    steps: list[object]
    doubts: list[dict[str, Any]]
    """For each raw value with a section behind it: its key, and how that section begins."""
    front: list[object]
    """How a line of the format begins."""


def portable_steps(steps: Sequence[Step]) -> PortableSteps:
    """Write the steps of a plan. Raises Unportable."""
    written = [_step(steps, number) for number in range(len(steps))]
    if steps in PROVEN:
        return PortableSteps(written, [], _front(steps, 0))
    raw = [number for number, step in enumerate(steps) if isinstance(step, Field) and step.kind.raw]
    sections = [(number, steps[number + 1 : following]) for number, following in pairwise([*raw, len(steps)])]
    between = [(number, section) for number, section in sections if section and section != (Blank(),)]
    doubts = [
        {"after": _key(steps[number]), "front": _front(steps[: number + 1 + len(section)], number + 1)}
        for number, section in between
    ]
    fronts = [doubt["front"] for doubt in doubts]
    if [] in fronts or any(later[: len(front)] == front for front, later in combinations(fronts, 2)):
        raise Unportable(steps)
    return PortableSteps(written, doubts, _front(steps, 0))


def _key(step: Step) -> str:
    return step.key if isinstance(step, Field) else ""


def _step(steps: Sequence[Step], number: int) -> object:
    step = steps[number]
    following = steps[number + 1] if number + 1 < len(steps) else None
    if isinstance(step, Literal):
        return {"literal": _ascii(step.text, step)}
    if isinstance(step, Blank):
        return _no(step) if step.loose or following is None else "blank"
    if step.decode is not Decode.NONE or isinstance(following, Field):
        return _no(step)
    kind = replace(step.kind, words="")
    if kind == _TEXT:
        return _text(step, following)
    if kind.until and kind.chars == _WORD.chars:
        return _word(step, kind, following)
    return {"field": {"alias": step.key, "kind": _kind(steps, number, step)}}


def _kind(steps: Sequence[Step], number: int, step: Field) -> str:
    """Name the kind of a value."""
    following = steps[number + 1] if number + 1 < len(steps) else None
    kind = step.kind
    name = _KINDS.get(replace(kind, words="")) or _no(step)
    if name == "address":
        return name if isinstance(following, Literal) and following.text.startswith(b":") else "address_alone"
    alone = number > 0 and steps[number - 1] == Blank() and isinstance(following, Blank | None)
    fixed = kind.closed or kind.raw or kind.width
    if (kind.optional and not alone) or (not fixed and _may_go_on(kind, following)):
        return str(_no(step))
    return name


def _ascii(text: bytes, step: Step) -> str:
    return text.decode("ascii") if text.isascii() else str(_no(step))


def _no(step: Step) -> Any:  # noqa: ANN401 -- it never returns
    raise Unportable(step)


def _may_go_on(kind: Kind, following: Step | None) -> bool:
    """Tell whether what follows a value may begin with a byte of it."""
    if isinstance(following, Literal):
        return kind.may_hold(following.text[:1])
    return isinstance(following, Blank) and kind.may_hold(b" ")


def _word(step: Field, kind: Kind, following: Step | None) -> object:
    """Write a word, which ends at the first blank, or at the first byte of what follows it."""
    if following is None or isinstance(following, Blank):
        return {"word": {"alias": step.key, "end": " "}} if kind == _WORD else _no(step)
    end = following.text[:1] if isinstance(following, Literal) else b""
    until = replace(_WORD, pattern=rb"(?:(?!" + re.escape(end) + rb")[" + kind.chars + rb"])++")
    return {"word": {"alias": step.key, "end": end.decode("ascii")}} if kind == until and end.isascii() else _no(step)


def _text(step: Field, following: Step | None) -> object:
    """Write a raw value: up to the first blank, the first place of the text behind it, or the end of the line."""
    if isinstance(following, Blank):
        return {"word": {"alias": step.key, "end": " "}}
    until = following.text if isinstance(following, Literal) else b""
    return {"text": {"alias": step.key, "until": _ascii(until, step)}}


def _front(steps: Sequence[Step], begin: int) -> list[object]:
    """Write how a line begins at step ``begin``, up to the first value that may be anything, or nothing.

    Values that may hold what stands between them are one class together.
    """
    front: list[object] = []
    members: set[int] = set()
    for number in range(begin, len(steps)):
        step = steps[number]
        following = steps[number + 1] if number + 1 < len(steps) else None
        if isinstance(step, Blank):
            front.append("blank")
        elif isinstance(step, Literal):
            if members:
                members.update(step.text)
            else:
                front.append({"literal": _ascii(step.text, step)})
        elif step.kind.raw or step.kind.optional or step.kind.closed or isinstance(following, Field):
            break
        else:
            alone = not members
            members |= _members(step.kind)
            end = following.text[0] if isinstance(following, Literal) else _BLANK if following else None
            if end not in members:
                named = alone and step.alias in _FRONTEND
                front.append({"class": {"members": bytes(sorted(members)).decode("latin-1"), "frontend": named}})
                front += [] if following else ["end"]
                members = set()
            elif end == _BLANK:
                break
    while front and front[-1] == "blank":  # an optional value may have taken it
        front.pop()
    return front


@cache
def _members(kind: Kind) -> frozenset[int]:
    """Give the bytes that a value may hold."""
    return frozenset(number for number in range(256) if kind.may_hold(bytes([number])))
