"""What stands behind ``.if`` and ``.elif`` (manual, 2.4).

1. ``a && b || c`` is ``(a && b) || c``; an empty condition is false.
2. Some predicates ask the HAProxy that runs, which nobody has here: then it is taken to be a current one with every
   feature. The answer says whether it hangs on that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DEPTH_MAX: Final = 64
_TERM: Final = re.compile(
    r"[ \t]*(?P<not>(?:![ \t]*)*)(?:(?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+))|(?P<name>[a-z_]+))?"
)
_SPACE: Final = re.compile(r"[ \t]*")
_ARGUMENT: Final = re.compile(r"""(?:\\[ \\'"]|"[^"]*"|'[^']*'|[^,)"'])*""")
_ESCAPED: Final = re.compile(r"""\\([ \\'"])|["']""")
_VERSION: Final = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:-(?:dev|pre|rc)(\d{1,6})?)?")
_STRINGS: Final = {"streq": 2, "strneq": 2, "strstr": 2}
_SURE_OF_NEW: Final = {
    "version_atleast": True,
    "version_before": False,
    "feature": True,
    "enabled": True,
    "openssl_version_atleast": True,
    "openssl_version_before": False,
    "awslc_api_atleast": False,
    "awslc_api_before": False,
    "ssllib_name_startswith": True,
}
"""What a current HAProxy with every feature says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition comes to, and whether that is sure whichever HAProxy runs."""

    value: bool
    sure: bool = True


class UnreadableError(ValueError):
    """No condition; the message says why."""


def evaluate(text: str, lookup: Callable[[str], str | None], version: str | None) -> Answer:
    """Evaluate a condition. ``version`` is that of the HAProxy that runs, if known. Raises UnreadableError."""
    if not text:
        return Answer(value=False)
    condition = _Condition(text, lookup, version)
    answer = condition.either(0)
    if condition.rest():
        raise UnreadableError(f"nothing more is expected at {condition.rest()!r}")
    return answer


class _Condition:
    """A recursive descent; recursion is bounded by the depth of parentheses."""

    def __init__(self, text: str, lookup: Callable[[str], str | None], version: str | None) -> None:
        self._text = text
        self._at = 0
        self._lookup = lookup
        self._version = version

    def rest(self) -> str:
        self._skip_blanks()
        return self._text[self._at :]

    def either(self, depth: int) -> Answer:
        answers = [self._all(depth)]
        while self._skip("||"):
            answers.append(self._all(depth))
        return _joined(answers, decisive=True)

    def _all(self, depth: int) -> Answer:
        answers = [self._term(depth)]
        while self._skip("&&"):
            answers.append(self._term(depth))
        return _joined(answers, decisive=False)

    def _term(self, depth: int) -> Answer:
        head = _TERM.match(self._text, self._at)
        assert head is not None  # noqa: S101 -- it matches nothing at all, too
        self._at = head.end()
        if head["number"] is not None:
            answer = Answer(value=head["number"].lower().strip("+-0x") != "")
        elif head["name"] is not None:
            answer = self._predicate(head["name"])
        else:
            answer = self._parenthesis(depth)
        return Answer(not answer.value, answer.sure) if head["not"].count("!") % 2 else answer

    def _parenthesis(self, depth: int) -> Answer:
        if depth == _DEPTH_MAX or not self._skip("("):
            raise UnreadableError(f"a condition is expected at {self._text[self._at :]!r}")
        answer = self.either(depth + 1)
        if not self._skip(")"):
            raise UnreadableError(f"a closing parenthesis is expected at {self.rest()!r}")
        return answer

    def _predicate(self, name: str) -> Answer:
        arguments = self._arguments()
        if name == "defined":
            return Answer(self._lookup(arguments[0] if arguments else "") is not None)
        if name in _STRINGS:
            if len(arguments) != _STRINGS[name]:
                raise UnreadableError(f"{name} takes two strings: {name}(a,b)")
            first, second = arguments
            return Answer(second in first if name == "strstr" else (first == second) == (name == "streq"))
        if name not in _SURE_OF_NEW:
            raise UnreadableError(f"unknown predicate {name!r}")
        if len(arguments) > 1:
            raise UnreadableError(f"{name} takes one argument")
        if name.startswith("version_") and self._version is not None:
            older = _comparable(self._version) < _comparable(arguments[0] if arguments else "")
            return Answer(older == (name == "version_before"))
        return Answer(_SURE_OF_NEW[name], sure=False)

    def _arguments(self) -> list[str]:
        """Read what may stand in parentheses right behind a predicate."""
        if not self._text.startswith("(", self._at):
            return []
        arguments = []
        separator = "("
        while separator != ")":
            argument = _ARGUMENT.match(self._text, self._at + 1)
            assert argument is not None  # noqa: S101 -- it matches nothing at all, too
            arguments.append(_ESCAPED.sub(r"\1", argument[0]))
            self._at = argument.end()
            separator = self._text[self._at : self._at + 1]
            if separator not in {",", ")"}:
                raise UnreadableError("the parenthesis of a predicate is not closed")
        self._at += 1
        return [] if arguments == [""] else arguments

    def _skip_blanks(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _skip(self, text: str) -> bool:
        self._skip_blanks()
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found


def _joined(answers: list[Answer], *, decisive: bool) -> Answer:
    """Join by OR (one true answer decides) or AND (a false one does)."""
    values = [answer.value for answer in answers]
    decided = any(answer.value is decisive and answer.sure for answer in answers)
    return Answer(any(values) if decisive else all(values), decided or all(answer.sure for answer in answers))


def _comparable(version: str) -> tuple[int, int, int, int]:
    """Make versions comparable: 2.4-dev19 is before 2.4, which is 2.4.0."""
    found = _VERSION.match(version)
    if found is None:
        return (0, 0, 0, 0)
    major, minor, patch, candidate = found.groups()
    stable = 1_000_000 if "-" not in found[0] else int(candidate or 0)
    return (int(major), int(minor or 0), int(patch or 0), stable)
