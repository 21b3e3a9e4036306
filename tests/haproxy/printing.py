"""What HAProxy prints for a log-format string and values: the reference that the compiler is held to.

Written from HAProxy's manual (8.2.6) and from what a real one printed, not from the compiler.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Value: TypeAlias = bytes | int | list[bytes | None] | None
"""What HAProxy knows; None where it knows nothing."""

ADDRESSES = {"ci", "fi", "bi", "si"}
PORTS = {"cp", "fp", "bp", "sp"}
BLOCKS = {"hr", "hs"}
LISTS = {"hrl", "hsl"}
PADDED = {"Ts": 8, "rt": 4, "lc": 4, "pid": 4, "ms": 0}
"""Digits of what the flag X prints in hexadecimal."""
ENCODED = {"r", "HM", "HU", "HP", "HPO", "HQ", "HV"} | BLOCKS | LISTS
NEVER_DASHED = {"HPO", "HQ"}
STRINGS = ENCODED | ADDRESSES | {"f", "ft", "b", "s", "H", "ID", "CC", "CS", "sslv", "sslc", "OG"}

_TOKEN = re.compile(
    r"(?P<blank> +)|%(?P<percent>%)|%(?:\((?P<name>[^)]*)\))?(?:\{(?P<flags>[^}]*)\})?"
    r"(?:(?P<alias>[A-Za-z]+)|\[(?P<sample>[^]]*)\])|(?P<text>[^% ]+)"
)


@dataclass(frozen=True)
class Printed:
    """A value as it stands in the line, and what should be read there."""

    text: bytes
    meant: bytes | None


@dataclass(frozen=True)
class Part:
    """A part of a log-format string: a value, or text (alias empty), or a blank (both empty)."""

    alias: str = ""
    flags: frozenset[str] = frozenset()
    sample: bool = False
    text: bytes = b""
    name: str = ""


def parts_of(text: str) -> list[Part]:
    """Split a log-format string. `%{…}o` changes the flags of what follows and prints nothing."""
    parts: list[Part] = []
    base = frozenset({"M"})
    for token in _TOKEN.finditer(text):
        if token["blank"]:
            parts.append(Part())
        elif token["percent"] or token["text"]:
            parts.append(Part(text=(token["percent"] or token["text"]).encode()))
        else:
            flags = _flags(base, token["flags"] or "")
            if token["alias"] == "o":
                base = flags
                continue
            alias = token["alias"] or token["sample"]
            parts.append(Part(alias, flags, token["alias"] is None, name=(token["name"] or "").split(":")[0]))
    return parts


def _flags(base: frozenset[str], text: str) -> frozenset[str]:
    flags = set(base)
    for flag in filter(None, text.split(",")):
        (flags.add if flag[0] == "+" else flags.discard)(flag[1:])
    return frozenset(flags)


def printed(parts: Sequence[Part], values: Sequence[Value]) -> tuple[bytes, list[bytes | None]]:
    """Print a line; give it, and what should be read for each value."""
    line, meant, blank = b"", [], True
    of = iter(values)
    for part in parts:
        if part.alias:
            one = print_value(part, next(of))
            meant.append(one.meant)
            line += one.text
            blank = blank and part.alias in BLOCKS | LISTS and one.text == b""
        elif part.text:
            line, blank = line + part.text, False
        else:
            line, blank = line + (b"" if blank else b" "), True
    return line, meant


def print_value(part: Part, value: Value) -> Printed:
    """Print one value as its flags have it."""
    alias, flags = part.alias, part.flags
    quote = b'"' if "Q" in flags and (alias in STRINGS or part.sample) else b""
    if alias in BLOCKS | LISTS:
        return _captured(alias, value, flags, quote)
    if "X" in flags and not part.sample and value is not None:
        if alias in ADDRESSES and value != b"unix":
            address = ipaddress.ip_address(_bytes(value).decode())
            return Printed(address.packed.hex().upper().encode(), str(address).encode())
        if alias in PORTS | PADDED.keys():
            number = int(_bytes(value))
            return Printed(b"%0*X" % (PADDED.get(alias, 4), number), b"%d" % number)
    if value is None:
        nothing = b"-" if "M" in flags and alias not in NEVER_DASHED else b""
        return Printed(b'""' if "Q" in flags and (quote or alias in PORTS) else nothing, b"")
    text = _bytes(value) if alias != "ms" else b"%03d" % int(_bytes(value))
    if alias in ENCODED and text != b"<BADREQ>":
        text = encoded(text)
    return Printed(quote + (escaped(text) if "E" in flags and _is_string(part) else text) + quote, text)


def _is_string(part: Part) -> bool:
    return part.alias in STRINGS or part.sample


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b"%d" % value if isinstance(value, int) else b""


def _captured(alias: str, value: Value, flags: frozenset[str], quote: bytes) -> Printed:
    if not isinstance(value, list):
        return Printed(b"", None)
    items = [encoded(item or b"", b"{|}") for item in value]
    shown = [escaped(item) if "E" in flags else item for item in items]
    if alias in BLOCKS:
        text, meant = (b"{" + b"|".join(each) + b"}" for each in (shown, items))
        return Printed(quote + text + quote, quote + meant + quote)
    text, meant = (
        b" ".join(quote + item + quote if quote else item or b"-" for item in each) for each in (shown, items)
    )
    return Printed(text, meant)


def encoded(text: bytes, also: bytes = b"") -> bytes:
    """Print quotes, `#` and what is no printable ASCII as `#XX`."""
    return b"".join(
        b"#%02X" % byte if byte < 0x20 or byte >= 0x7F or byte in b'"#' + also else bytes([byte]) for byte in text
    )


def escaped(text: bytes) -> bytes:
    """Put a backslash in front of quotes, backslashes and closing brackets."""
    return re.sub(rb'(["\\\]])', rb"\\\1", text)


# -- values of each alias, by hypothesis -----------------------------------------------------------------------------


# -- lines of named values -------------------------------------------------------------------------------------------

CHUNKED = {"r", "ft", "hr", "hs", "HM", "HU", "HP", "HPO", "HQ", "HV", "ID"}
"""What CBOR has in chunks, because HAProxy writes it piece by piece."""
Named: TypeAlias = bytes | int | bool | list[bytes] | None


def named(parts: Sequence[Part], values: Sequence[Value]) -> tuple[list[tuple[Part, Named]], list[bytes]]:
    """Give the members of a line of named values, and the text that should be read for each."""
    fields = [part for part in parts if part.alias]
    both = [_named(part, value) for part, value in zip(fields, values, strict=True)]
    return [(part, member) for part, (member, _) in zip(fields, both, strict=True)], [meant for _, meant in both]


def _named(part: Part, value: Value) -> tuple[Named, bytes]:
    if isinstance(value, list):
        items = [encoded(item or b"", b"{|}") for item in value]
        if part.alias in LISTS:
            return list(items), b" ".join(b'"' + item + b'"' for item in items)
        block = b"{" + b"|".join(items) + b"}"
        return block, block
    text = _bytes(value).removeprefix(b"+")
    if part.alias in ENCODED and text != b"<BADREQ>":
        text = encoded(text)
    number = re.fullmatch(rb"-?[0-9]+", text) and part.alias not in STRINGS and not part.sample
    return (int(text) if number else text or None), text


def json_line(members: Sequence[tuple[Part, Named]]) -> bytes:
    """Print a line of `%{+json}o`."""
    return b"{" + b", ".join(b'"%s": %s' % (part.name.encode(), _json(value)) for part, value in members) + b"}"


def _json(value: Named) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"null", True: b"true", False: b"false"}[value]
    if isinstance(value, list):
        return b"[" + b", ".join(map(_json, value)) + b"]"
    return b"%d" % value if isinstance(value, int) else b'"' + re.sub(rb'(["\\])', rb"\\\1", value) + b'"'


def cbor_line(members: Sequence[tuple[Part, Named]]) -> bytes:
    """Print a line of `%{+cbor}o`: hexadecimal text."""
    pairs = b"".join(_text(part.name.encode()) + _cbor(value, part.alias) for part, value in members)
    return (b"\xbf" + pairs + b"\xff").hex().upper().encode()


def _cbor(value: Named, alias: str) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, list):
        return b"\x9f" + b"".join(_cbor(item, "r") for item in value) + b"\xff"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if alias not in CHUNKED:
        return _text(value)
    chunks = (value[at : at + 5] for at in range(0, len(value), 5))
    return b"\x7f" + b"".join(map(_text, chunks)) + b"\xff"


def _text(text: bytes) -> bytes:
    return _head(3, len(text)) + text


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([kind << 5 | 23 + size.bit_length()]) + number.to_bytes(size)
