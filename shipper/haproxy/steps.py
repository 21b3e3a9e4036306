"""What a log format consists of: literals, blanks and fields."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from shipper.haproxy.kinds import Kind


class Decode(Enum):
    """How a value is turned back into what it says."""

    NONE = "none"
    ESCAPED = "escaped"
    """A backslash stands before quotes, backslashes and brackets (flags E and json)."""
    HEX = "hex"
    """A number, hexadecimal (flag X)."""
    HEX_ADDRESS = "hex_address"
    """The bytes of an address, hexadecimal (flag X)."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands in every line."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Blank:
    """One or more spaces; ``loose``: behind an optional field that a line begins with, and left out with it."""

    loose: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A value."""

    alias: str
    """What it means: the alias, or what a known expression is called."""
    kind: Kind
    printed: str = ""
    """How it stands in the format: `%ci`, `%[src]`."""
    name: str = ""
    """What the format itself calls it: `%(name)ci`."""
    label: str = ""
    """The label that it becomes, when it has no field of its own."""
    sample: bool = False
    decode: Decode = Decode.NONE
    again: int = 0
    """Its place in the format, when the same value stands there before; it means nothing then."""

    @property
    def key(self) -> str:
        """What the value is found by."""
        return f"{self.alias}#{self.again}" if self.again else self.alias


Step: TypeAlias = Literal | Blank | Field
