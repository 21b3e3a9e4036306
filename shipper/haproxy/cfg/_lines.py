"""Files become the lines that count: split into words, with variables and conditional blocks resolved (manual, 2.4).

1. Lazy: a line's variables are those that its reader has set when it asks for the line.
2. Conditional blocks end with their file, and so does a section.
3. What HAProxy would refuse for its shape raises ConfigError with file and line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.errors import ConfigError
from shipper.haproxy.cfg._conditions import UnreadableError, evaluate
from shipper.haproxy.cfg._model import Note
from shipper.haproxy.words import PSEUDO, MalformedError, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROXIES: Final = frozenset({"defaults", "frontend", "listen", "backend"})
SECTIONS: Final = PROXIES | {
    "global", "acme", "cache", "crt-store", "fcgi-app", "http-errors", "log-forward", "log-profile", "mailers",
    "namespace_list", "peers", "program", "resolvers", "ring", "traces", "userlist",
}  # fmt: skip
_NESTED_MAX: Final = 100
_MESSAGES: Final = frozenset({".notice", ".warning", ".diag", ".alert"})
_NEGATABLE: Final = frozenset(
    {"option", "log", "busy-polling", "set-dumpable", "strict-limits", "insecure-fork-wanted", "numa-cpu-mapping"}
)
_VERSION: Final = "HAPROXY_STARTUP_VERSION"
"""HAProxy's own variable; whoever knows which version runs can set it for shipper, too."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that counts."""

    place: str
    words: tuple[str, ...]
    """At least one, none of them empty."""
    modifier: str = ""
    """`no` or `default`, if it stands in front."""
    unset: tuple[str, ...] = ()
    """The variables that it names and that nobody has set."""

    def wrong(self, reason: str) -> ConfigError:
        """Make the error that says what is wrong with this line."""
        hint = f"; not set here: {', '.join(self.unset)} (give shipper HAProxy's environment)" if self.unset else ""
        return wrong(self.place, f"{reason}{hint}")


def wrong(place: str, reason: str) -> ConfigError:
    """Make the error that says what is wrong at a place."""
    return ConfigError(f"{place}: {reason}; `haproxy -c` says what HAProxy makes of it")


class Source:
    """The lines of one file."""

    def __init__(self, name: str, text: str, environment: Mapping[str, str], notes: list[Note]) -> None:
        self._name = name
        self._text = text
        self._environment = environment
        self._notes = notes
        self._number = 0
        self._section = ""
        self._unset: tuple[str, ...] = ()
        self._blocks: list[_Block] = []

    def __iter__(self) -> Iterator[Line]:
        """Give each line that counts; raise ConfigError."""
        *complete, last = self._text.split("\n")
        for self._number, text in enumerate(complete, start=1):
            found = self._words(text)
            if not found or not found[0] or found[0].startswith("["):
                continue
            if found[0].startswith("."):
                self._directive(found)
            elif self._reading:
                yield self._line(found)
        if last:
            raise wrong(self._place, "the last line does not end: the file may have been cut")
        if self._blocks:
            raise wrong(self._blocks[-1].place, "the .if is not closed by an .endif")

    @property
    def _place(self) -> str:
        return f"{self._name}:{self._number}"

    @property
    def _reading(self) -> bool:
        return not self._blocks or self._blocks[-1].taken

    def _words(self, text: str) -> list[str]:
        if "\0" in text:
            raise wrong(self._place, "a NUL character: the file is damaged")
        try:
            found, self._unset = words(text.partition("\r")[0], self._lookup)
        except MalformedError as error:
            raise wrong(self._place, f"column {error.column}: {error.reason}") from error
        return found

    def _lookup(self, name: str) -> str | None:
        if name in PSEUDO:
            return {".FILE": self._name, ".LINE": str(self._number), ".SECTION": self._section}[name]
        return self._environment.get(name)

    def _line(self, found: list[str]) -> Line:
        found = found[: found.index("")] if "" in found else found
        modifier = found.pop(0) if found[0] in {"no", "default"} else ""
        if not found or (modifier and found[0] not in _NEGATABLE):
            raise wrong(self._place, f"{modifier!r} cannot stand here")
        if found[0] in SECTIONS:
            self._section = found[1] if len(found) > 1 else found[0]
        elif not self._section:
            raise wrong(self._place, f"{found[0]!r} stands before any section")
        return Line(self._place, tuple(found), modifier, self._unset)

    def _directive(self, found: list[str]) -> None:
        keyword, *rest = found
        if keyword == ".if":
            if len(self._blocks) == _NESTED_MAX - 1:
                raise wrong(self._place, "too many nested .if")
            block = _Block(self._place, outer=self._reading)
            block.branch(lambda: self._condition(rest))
            self._blocks.append(block)
        elif keyword in {".elif", ".else", ".endif"}:
            self._continue(keyword, rest)
        elif keyword not in _MESSAGES and self._reading:
            raise wrong(self._place, f"unknown directive {keyword!r}")

    def _continue(self, keyword: str, rest: list[str]) -> None:
        if not self._blocks:
            raise wrong(self._place, f"{keyword} without an .if")
        block = self._blocks[-1]
        if keyword != ".elif" and rest and rest[0]:
            raise wrong(self._place, f"{keyword} takes no argument")
        if keyword == ".endif":
            self._blocks.pop()
        elif block.last:
            raise wrong(self._place, f"{keyword} after .else")
        elif keyword == ".else":
            block.last = True
            block.branch(lambda: True)
        else:
            block.branch(lambda: self._condition(rest))

    def _condition(self, rest: list[str]) -> bool:
        text = " ".join(rest)
        try:
            answer = evaluate(text, self._lookup, self._environment.get(_VERSION))
        except UnreadableError as error:
            raise wrong(self._place, f"condition {text!r}: {error}") from error
        if not answer.sure:
            taken = "so this block is read" if answer.value else "so this block is left out"
            self._notes.append(
                Note(
                    self._place,
                    f"{text!r} hangs on the HAProxy that runs; taken to be a current one with every feature, {taken}",
                    f"set {_VERSION}=VERSION in shipper's environment, or put formats that differ into [[formats]]",
                )
            )
        return answer.value


class _Block:
    """An ``.if`` up to its ``.endif``; conditions behind a branch that was taken are not looked at."""

    def __init__(self, place: str, *, outer: bool) -> None:
        self.place = place
        self.taken = False
        self.last = False
        self._open = outer

    def branch(self, condition: Callable[[], bool]) -> None:
        self.taken = self._open and condition()
        self._open = self._open and not self.taken
