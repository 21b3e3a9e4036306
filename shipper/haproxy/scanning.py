"""One walk along a line that a plan did not match: how far it goes, and what of it is sure.

1. Forward, so that in a raw field the first possible reading is taken, and then doubted.
2. A value is sure once something that ends it was seen; at a cut that may be the beginning of what ends it.
3. Behind a raw value with more than one possible reading nothing is sure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.haproxy.steps import Blank, Field, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.haproxy.steps import Step

_BLANKS: Final = re.compile(rb" ++")
_TOKEN: Final = re.compile(rb"[^ ]*+")
FORGEABLE: Final = frozenset({"CC", "CS", "ssl_fc_sni"})
"""Raw values in which clients send what looks like the rest of a line of a stock format."""


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
    doubtful: bool = False
    """Only what stands in front of the first raw value is given: what follows may be that value going on."""


def _ahead(text: bytes) -> bytes:
    """Look for a text behind a value, or for the beginning of it at the end of the line."""
    beginnings = (re.escape(text[:size]) + rb"\Z" for size in range(1, len(text)))
    return rb"(?=" + rb"|".join([re.escape(text), *beginnings]) + rb")"


class Scanner:
    """One walk along a line. Forward, so that in a raw field the first possible reading is taken, and then doubted."""

    def __init__(self, line: bytes, start: int, steps: Sequence[Step], opening: re.Pattern[bytes] | None) -> None:
        self._line = line
        self._start = self._at = start
        self._steps = steps
        self._opening = opening
        self._values: dict[str, bytes] = {}
        self._sure: dict[str, bytes] | None = None
        """The values in front of the first raw one, when there is such a one."""
        self._goes_on = False
        """That raw value may go on up to a cut, whatever seems to follow it."""

    def run(self) -> Scan:
        """Take the steps one by one until the line or the format ends."""
        for number, step in enumerate(self._steps):
            end = self._take(number, step)
            if end is not None:
                return end
        if self._at == len(self._line):
            return self._cut()
        if self._line[self._at :].isspace():
            return Scan(self._values, cut=False, column=self._at + 1, expected="the end of the line")
        return self._mismatch("the end of the line")

    def _following(self, number: int) -> Step | None:
        return self._steps[number + 1] if number + 1 < len(self._steps) else None

    def _take(self, number: int, step: Step) -> Scan | None:
        if isinstance(step, Literal):
            return self._take_literal(step.text)
        if isinstance(step, Blank):
            return self._take_blank(step, number)
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

    def _take_blank(self, step: Blank, number: int) -> Scan | None:
        match = _BLANKS.match(self._line, self._at)
        if step.loose and self._at == self._start:
            return None
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
            opening = None if self._opening is None else self._opening.search(self._line, self._at)
            self._goes_on = opening is None or step.alias in FORGEABLE
        self._values[step.key] = value
        self._at = end
        return None

    def _take_field(self, step: Field, following: Step | None) -> Scan | None:
        ahead = _ahead(following.text) if isinstance(following, Literal) else b""
        match = re.compile(step.kind.pattern + ahead).match(self._line, self._at)
        if match is not None and (match.end() < len(self._line) or step.kind.closed or following is None):
            self._values[step.key] = match[0]
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
                return Scan(self._sure, cut=True, column=end + 1, expected="", doubtful=True)
        touched = step.key if step else ""
        return Scan(self._values, cut=True, column=end + 1, expected="", touched=touched, rest=self._line[self._at :])

    def _mismatch(self, expected: str) -> Scan:
        """End here; behind a raw value what looks wrong may be the value going on, up to a cut.

        Not where what follows that value in the format is in sight: then the line is of another format.
        """
        if self._goes_on and self._sure is not None:
            return Scan(self._sure, cut=True, column=len(self._line) + 1, expected="", doubtful=True)
        return Scan(self._values, cut=False, column=self._at + 1, expected=expected)
