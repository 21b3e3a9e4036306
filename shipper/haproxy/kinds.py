"""The grammar of what HAProxy prints for each alias of its log-format (manual, 8.2.6), as data.

1. A kind is a regular expression for a complete value, and one for what a cut may leave of it. Each is bounded, or
   stops for good at a byte that cannot be in the value, so that matching is linear.
2. ``chars`` tells which bytes a value may hold: that is how the compiler knows whether neighbours can be told apart.
3. A *raw* value may hold anything, its delimiters too, and its bytes may come from a client.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A grammar: ``pattern`` is a complete value, ``partial`` what a cut may leave of one, ``words`` names it."""

    words: str
    pattern: bytes
    partial: bytes
    chars: bytes
    """What a value may hold, as the inside of a character class."""
    width: int = 0
    """Its length in bytes, where that is always the same."""
    raw: bool = False
    """The value is logged as it came."""
    optional: bool = False
    """Nothing at all may be printed, and the blank before it is left out then too."""
    until: bool = False
    """The value ends where the text behind it begins, whatever that is."""
    closed: bool = False
    """The value tells by itself where it ends."""

    def may_hold(self, byte: bytes) -> bool:
        """Tell whether a value may hold ``byte``."""
        return re.fullmatch(rb"[" + self.chars + rb"]", byte, re.DOTALL) is not None

    def meets(self, other: Kind) -> bool:
        """Tell whether a byte may be in a value of both."""
        return any(self.may_hold(byte) and other.may_hold(byte) for byte in _BYTES)

    def bounded(self) -> bytes:
        """Give the pattern for where a value is searched for, and may be tried at each of its bytes."""
        if self.closed:
            return self.pattern
        bound = b"{%%d,%d}+" % SEARCHED_BYTES_MAX
        pattern = self.pattern.replace(rb")*+", b")" + bound % 0).replace(rb"]++", b"]" + bound % 1)
        return pattern.replace(rb"]*+", b"]" + bound % 0) if self.until else pattern

    def or_nothing(self) -> Kind:
        """Give the kind of a value that may be empty."""
        return replace(self, pattern=rb"(?:" + self.pattern + rb")?")


_BYTES: Final = [bytes([number]) for number in range(256)]
_ANY: Final = rb"\x00-\xff"
_NAME_CHARS: Final = rb"A-Za-z0-9._:\-"
NAME_BYTES_MAX: Final = 255
SEARCHED_BYTES_MAX: Final = 2_048
"""Of a word or name behind a raw value."""


def _number(words: str, sign: bytes) -> Kind:
    """Make a kind of a number without leading zeros, which tell a number from the code of a TLS error."""
    return Kind(words, sign + rb"?(?:0|[1-9][0-9]{0,19})", sign + rb"?[0-9]{0,20}", rb"0-9+-")


def _word(words: str, chars: bytes) -> Kind:
    """Make a kind of a word without blanks, which ends where the text behind it begins."""
    return Kind(words, rb"[" + chars + rb"]++", rb"[" + chars + rb"]*+", chars, until=True)


def _encoded(words: str) -> Kind:
    """Make a kind of what HAProxy prints with `#XX` for quotes, `#` and unprintable bytes; blanks are possible."""
    return Kind(words, rb'[^"]*+', rb'[^"]*+', rb"\x00-!#-\xff")


NUMBER: Final = _number("a number", rb"-")
MARKED: Final = _number("a number, with + where it is a lower bound", rb"[+-]")
HEX: Final = Kind(
    "a hexadecimal number", rb'(?:[0-9A-Fa-f]{1,32}|-|"")', rb'(?:[0-9A-Fa-f]{0,32}|-|")', rb'0-9A-Fa-f"-'
)
INTEGER: Final = Kind("a number or `-`", rb"(?:-?[0-9]{1,20}|-)", rb"-?[0-9]{0,20}", rb"0-9-")
HEX_OR_NONE: Final = Kind(
    "a hexadecimal number or `-`", rb"(?:[0-9A-Fa-f]{1,32}|-)", rb"(?:[0-9A-Fa-f]{0,32}|-)", rb"0-9A-Fa-f-"
)
DIGITS: Final = Kind("hexadecimal digits or `-`", rb"(?:[0-9A-Fa-f]++|-)", rb"(?:[0-9A-Fa-f]*+|-)", rb"0-9A-Fa-f-")
ADDRESS: Final = Kind(
    "an address, `unix`, `unknown` or `-`",
    rb"(?:unix|unknown|-|[0-9A-Fa-f:.]{2,45})",
    rb"(?:u[a-z]{0,6}|-|[0-9A-Fa-f:.]{0,45})",
    rb"0-9A-Fa-f:.unixkow-",
)
PORT: Final = Kind("a port", rb"(?:[0-9]{1,20}|-)", rb"[0-9]{0,20}|-", rb"0-9-")
_SECOND: Final = rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}"
DATE: Final = Kind(
    "a date like 21/Nov/2026:01:02:03.456", _SECOND + rb"\.[0-9]{3}", rb"[0-9A-Za-z/:.]{0,24}", rb"0-9A-Za-z/:.", 24
)
OFFSET_DATE: Final = Kind(
    "a date like 21/Nov/2026:01:02:03 +0100",
    _SECOND + rb" [+-][0-9]{4}",
    rb"[0-9A-Za-z/:+ -]{0,26}",
    rb"0-9A-Za-z/: +-",
    26,
)
MILLISECOND: Final = Kind("three digits of milliseconds", rb"[0-9]{3}", rb"[0-9]{0,3}", rb"0-9", 3)
NAME: Final = Kind("a proxy's name", rb"[A-Za-z0-9._:-]++", rb"[A-Za-z0-9._:-]*+", _NAME_CHARS)
FRONTEND: Final = Kind("a frontend's name", rb"[A-Za-z0-9._:-]++~?", rb"[A-Za-z0-9._:-]*+~?", _NAME_CHARS + rb"~")
SERVER: Final = Kind(
    "a server's name or <…>",
    rb"(?:[A-Za-z0-9._:-]++|<[A-Za-z0-9._:-]++>)",
    rb"<?[A-Za-z0-9._:-]*+>?",
    _NAME_CHARS + rb"<>",
)
STATUS: Final = Kind("a status code", rb"(?:[1-9][0-9]{2}|-1?|0)", rb"(?:-1?|0|[1-9][0-9]{0,2})?", rb"0-9-")
COOKIE: Final = Kind("a captured cookie or `-`", rb"(?:-|[^ =]++=.*)", rb".*", _ANY, raw=True)
TERMINATION: Final = Kind(
    "a termination state",
    rb"[A-Za-z-]{2}[A-Za-z0-9-]{2}",
    rb"[A-Za-z-]{0,2}[A-Za-z0-9-]{0,2}",
    rb"A-Za-z0-9-",
    4,
)
TCP_TERMINATION: Final = Kind("a termination state", rb"[A-Za-z-]{2}", rb"[A-Za-z-]{0,2}", rb"A-Za-z-", 2)
BLOCK: Final = Kind("captured headers in braces", rb"\{[^{}]*+\}", rb"\{[^{}]*+", _ANY, optional=True, closed=True)
QUOTED_BLOCK: Final = Kind(
    "captured headers in braces and quotes", rb'"\{[^{}]*+\}"', rb'"(?:\{[^{}]*+\}?)?', _ANY, optional=True, closed=True
)
QUOTED_PORT: Final = Kind("a port", rb'(?:[0-9]{1,20}|-|"")', rb'(?:[0-9]{0,20}|-|")', rb'0-9"-')
LIST: Final = Kind(
    "captured headers in quotes",
    rb'"[^"{}]*+"(?: "[^"{}]*+")*+',
    rb'"[^"{}]*+(?:" "[^"{}]*+)*+(?:"? ?)',
    _ANY,
    optional=True,
    closed=True,
)
BARE_LIST: Final = Kind("captured headers", rb".*", rb".*", _ANY, raw=True, optional=True)
ENCODED: Final = _encoded("text in quotes")
REQUEST: Final = Kind("a request", rb"(?:<BADREQ>|[^ ]++.*)", rb".*", _ANY, raw=True)
WORD: Final = _word("a word", rb"\x00-\x1f!-\xff")
PATH: Final = _word("a path", rb"\x00-\x1f!->@-\xff")
QUERY: Final = Kind("a query", rb"\?[^ ]*+", rb"\?[^ ]*+", rb"\x00-\x1f!-\xff", optional=True, until=True)
PROTOCOL: Final = _word("a protocol or `-`", rb"A-Za-z0-9._-")
CIPHER: Final = _word("a cipher or `-`", rb"A-Za-z0-9_:+()-")
SERVER_NAME: Final = Kind("a server name (SNI) or `-`", rb".{1,255}", rb".*", _ANY, raw=True)
ESCAPED: Final = Kind(
    'text in quotes, with `\\"` for a quote', rb'(?:[^"\\]++|\\.)*+', rb'(?:[^"\\]++|\\.)*+\\?', rb"\x00-!#-\xff"
)
STEP: Final = _word("a log step", rb"a-z_")
FLAG: Final = Kind("0, 1 or `-`", rb"[01-]", rb"[01-]?", rb"01-", 1)
TEXT: Final = Kind("text", rb".*", rb".*", _ANY, raw=True)
EPOCH: Final = Kind("a time since 1970", rb"[0-9]{1,20}", rb"[0-9]{0,20}", rb"0-9")

ALIASES: Final[dict[str, Kind]] = {
    **dict.fromkeys(("ci", "fi", "bi", "si"), ADDRESS),
    **dict.fromkeys(("cp", "fp", "bp", "sp"), PORT),
    **dict.fromkeys(("tr", "t"), DATE),
    **dict.fromkeys(("trg", "trl", "T", "Tl"), OFFSET_DATE),
    "Ts": EPOCH,
    "ms": MILLISECOND,
    "f": NAME,
    "ft": FRONTEND,
    "b": NAME,
    "s": SERVER,
    **dict.fromkeys(("TR", "Tw", "Tc", "Tr", "Td", "Th", "Ti", "Tq"), NUMBER),
    **dict.fromkeys(("Ta", "Tt", "Tu", "B", "rc"), MARKED),
    "U": NUMBER,
    "ST": STATUS,
    "CC": COOKIE,
    "CS": COOKIE,
    "tsc": TERMINATION,
    "ts": TCP_TERMINATION,
    **dict.fromkeys(("ac", "fc", "bc", "sc", "sq", "bq", "pid", "rt", "lc"), NUMBER),
    "hr": BLOCK,
    "hs": BLOCK,
    "hrl": BARE_LIST,
    "hsl": BARE_LIST,
    "r": REQUEST,
    "HM": WORD,
    "HU": WORD,
    "HP": PATH,
    "HPO": replace(PATH, optional=True),
    "HQ": QUERY,
    "HV": WORD,
    "H": WORD,
    "ID": WORD,
    "sslv": PROTOCOL,
    "sslc": CIPHER,
    "OG": STEP,
}
"""The grammar of each alias, printed without flags."""

FORMER: Final = {
    "Bi": "bi",
    "Bp": "bp",
    "Ci": "ci",
    "Cp": "cp",
    "Fi": "fi",
    "Fp": "fp",
    "Si": "si",
    "Sp": "sp",
    "cc": "CC",
    "cs": "CS",
    "st": "ST",
}
"""Names that aliases had before 1.5 was released, which later versions still took."""

OFTEN_ABSENT: Final = frozenset(
    {"ci", "fi", "bi", "si", "cp", "fp", "bp", "sp", "CC", "CS", "H", "ID", "sslv", "sslc", "OG"}
)
"""What is printed as `-` where there is nothing, or not at all without the flag M; so are samples."""
HEXADECIMAL: Final = frozenset({"ci", "fi", "bi", "si", "cp", "fp", "bp", "sp", "Ts", "ms", "rt", "lc", "pid"})
"""What the flag X prints as a hexadecimal number."""
ENCODED_ALIASES: Final = frozenset({"r", "HM", "HU", "HP", "HPO", "HQ", "HV", "hr", "hs"})
"""What is printed with `#XX` for a quote, so that the flag Q leaves no doubt where it ends."""
QUOTED: Final = (
    ENCODED_ALIASES
    | {"ci", "fi", "bi", "si", "f", "ft", "b", "s", "CC", "CS", "H", "ID"}
    | {
        "sslv",
        "sslc",
        "OG",
        "hrl",
        "hsl",
    }
)
"""What the flag Q puts into quotes: all but numbers, dates and termination states."""
