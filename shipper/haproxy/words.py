r"""A line of haproxy.cfg becomes words (manual, 2.2 and 2.3).

1. HAProxy works on bytes: ``\xNN`` is one. So the line is looked at as bytes, and each word is decoded at its end.
2. Variables are expanded inside double quotes alone; ``${NAME[*]}`` may become several words.
3. A line, and what its variables expand to, is bounded: a value may name itself twice, again and again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.limits import HAPROXY_CFG_EXPANDED_CHARS_MAX, HAPROXY_CFG_WORDS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACE: Final = r" \t\v\f\r\n"
_ESCAPE: Final = r"(?P<escape>\\(?:x[0-9A-Fa-f]{2}|[ \\tnr#'\"]))|(?P<bad>\\x)"
_UNQUOTED: Final = re.compile(
    rf"(?P<plain>[^{_SPACE}\\\"'#]+)|(?P<blank>[{_SPACE}]+)|(?P<quote>[\"'])|(?P<comment>#)|{_ESCAPE}|(?P<rest>\\)"
)
_WEAK: Final = re.compile(
    rf"(?P<plain>[^\\\"$]+)|(?P<quote>\")|(?P<variable>\$)|(?P<dollar>\\\$)|{_ESCAPE}|(?P<rest>\\)"
)
_STRONG: Final = re.compile(r"(?P<plain>[^']+)|(?P<quote>')")
_STATES: Final = {"": _UNQUOTED, '"': _WEAK, "'": _STRONG}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\.[A-Za-z0-9_]*")
_LETTERS: Final = {"t": "\t", "n": "\n", "r": "\r"}
_BLANKS: Final = re.compile(rf"[{_SPACE}]+")
PSEUDO: Final = frozenset({".FILE", ".LINE", ".SECTION"})
"""Variables that say where they stand."""


class MalformedError(ValueError):
    """The line cannot be read; ``column`` counts from 1."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def words(line: str, lookup: Callable[[str], str | None]) -> tuple[list[str], tuple[str, ...]]:
    """Split a line as HAProxy does; an empty word between others stays one.

    Also gives the names of variables without a value or default. ``lookup`` gives the value of a variable, or None.
    Raises MalformedError.
    """
    splitter = _Splitter(_as_bytes(line), lookup)
    return splitter.split(), tuple(splitter.unset)


class _Splitter:
    def __init__(self, line: str, lookup: Callable[[str], str | None]) -> None:
        self._line = line
        self._lookup = lookup
        self._at = 0
        self._quote = ""
        self._quoted_at = 0
        self._words: list[str] = []
        self._word: list[str] = []
        self._expanded = 0
        self.unset: list[str] = []

    def split(self) -> list[str]:
        while self._at < len(self._line):
            token = _STATES[self._quote].match(self._line, self._at)
            if token is None or token.lastgroup == "comment":
                break
            self._at = token.end()
            self._take(str(token.lastgroup), token[0])
        if self._quote:
            raise MalformedError(self._quoted_at, f"the quote {self._quote} is not closed")
        if "".join(self._word):
            self._end_word()
        return self._words

    def _take(self, kind: str, text: str) -> None:
        if kind == "blank":
            if self._word or self._words:  # not before the first word
                self._end_word()
        elif kind == "quote":
            self._quote = "" if self._quote else text
            self._quoted_at = self._at
            self._word.append("")
        elif kind == "variable":
            self._expand()
        elif kind == "bad":
            raise MalformedError(self._at - 1, r"two hexadecimal digits are expected after \x")
        elif kind == "escape":
            self._word.append(_unescape(text))
        else:
            self._word.append("$" if kind == "dollar" else text)

    def _end_word(self) -> None:
        word = "".join(self._word).partition("\0")[0]  # a C string ends there
        self._words.append(word.encode("latin-1").decode("utf-8", "replace"))
        self._word = []
        if len(self._words) > HAPROXY_CFG_WORDS_MAX:
            raise MalformedError(self._at, f"more than {HAPROXY_CFG_WORDS_MAX} words")

    def _expand(self) -> None:
        dollar = self._at
        braced = self._skip("{")
        name = _NAME.match(self._line, self._at)
        if name is None or (name[0].startswith(".") and name[0] not in PSEUDO):
            raise MalformedError(self._at + 1, "a variable's name begins with a letter or _")
        self._at = name.end()
        several = braced and self._skip("[")
        if several and not self._skip("*]"):
            raise MalformedError(self._at, "[*] is expected")
        value = self._lookup(name[0])
        text = None if value is None else _as_bytes(value)
        if braced:
            close = self._line.find("}", self._at)
            if close < 0 or (close > self._at and self._line[self._at] != "-"):
                raise MalformedError(dollar, "the brace of a variable is not closed")
            if text is None and close > self._at:
                text = self._line[self._at + 1 : close]
            self._at = close + 1
        if text is None:
            self.unset.append(name[0])
        self._emit(text or "", several=several)

    def _emit(self, text: str, *, several: bool) -> None:
        self._expanded += len(text)
        if self._expanded > HAPROXY_CFG_EXPANDED_CHARS_MAX:
            raise MalformedError(self._at, f"its variables have more than {HAPROXY_CFG_EXPANDED_CHARS_MAX} characters")
        first, *others = _BLANKS.split(text) if several else [text]
        self._word.append(first)
        for part in others:
            self._end_word()
            self._word.append(part)

    def _skip(self, text: str) -> bool:
        found = self._line.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found


def _unescape(text: str) -> str:
    if text[1] == "x":
        return chr(int(text.removeprefix("\\x"), base=16))
    return _LETTERS.get(text[1], text[1])


def _as_bytes(text: str) -> str:
    """Give the bytes of ``text``, each as a character of its own."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
