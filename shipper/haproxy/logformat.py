"""The compiler of log-format strings (HAProxy manual, 8.2.6): what is printed becomes a plan to read it by.

1. A run of blanks is one `Blank`: HAProxy prints one space for it, relays may print more.
2. Two fields with nothing between cannot be told apart, and are refused with the place and the reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.errors import Permanent
from shipper.haproxy.fields import KINDS
from shipper.haproxy.plan import Blank, Field, Literal, Plan

if TYPE_CHECKING:
    from shipper.haproxy.plan import Step

_TOKEN: Final = re.compile(
    r"(?P<blank> +)|%(?P<percent>%)|%(?:\{(?P<flags>[^}]*)\})?(?P<alias>[A-Za-z]+)|(?P<text>[^% ]+)"
)
_FLAGS: Final = frozenset({"", "+Q", "-Q"})


def compile_format(name: str, text: str) -> Plan:
    """Compile a log-format string.

    Raises Permanent, with the column (from 1), for an unknown alias or flag and for fields that cannot be told apart.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _wrong(name, text, at, "`%` stands alone; write `%%` for a percent sign")
        for step in _steps(name, text, token):
            _append(name, text, at, steps, step)
        at = token.end()
    return Plan(name, tuple(steps))


def _steps(name: str, text: str, token: re.Match[str]) -> list[Step]:
    if token["blank"]:
        return [Blank()]
    if token["alias"] is None:
        return [Literal((token["percent"] or token["text"]).encode())]
    alias, flags = token["alias"], token["flags"] or ""
    if alias not in KINDS:
        raise _wrong(name, text, token.start("alias"), f"unknown alias %{alias}")
    if flags not in _FLAGS:
        raise _wrong(name, text, token.start("flags"), f"unknown flags {flags!r}")
    field = Field(alias, KINDS[alias])
    return [Literal(b'"'), field, Literal(b'"')] if flags == "+Q" else [field]


def _append(name: str, text: str, at: int, steps: list[Step], step: Step) -> None:
    last = steps[-1] if steps else None
    if isinstance(last, Literal) and isinstance(step, Literal):
        steps[-1] = Literal(last.text + step.text)
        return
    if isinstance(last, Field) and isinstance(step, Field):
        raise _wrong(
            name, text, at, f"nothing stands between %{last.alias} and %{step.alias}: they cannot be told apart"
        )
    steps.append(step)


def _wrong(name: str, text: str, at: int, reason: str) -> Permanent:
    return Permanent(f"log format {name!r}, column {at + 1}: {reason}\n  {text}\n  {' ' * at}^")
