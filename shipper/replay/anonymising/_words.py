"""Words and addresses replaced under a key: the same by the same, different ones by different ones.

1. A letter becomes a letter of its case, a digit a digit; what is neither stays. So length and shape stay as well.
2. Words of one shape are permuted: no two of them become the same. The permutation is a Feistel network over the
   characters of both halves, with addition for exclusive-or and a keyed hash in its rounds.
3. Two addresses that share their first n bits share the first n bits of what they become.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from hashlib import blake2b, shake_128
from math import prod
from typing import TYPE_CHECKING, Final, TypeVar

from shipper.limits import VALUE_REMEMBERED_BYTES_MAX, VALUES_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

_Made = TypeVar("_Made")

KEY_BYTES: Final = 32
_ROUNDS: Final = 4
_RUN: Final = re.compile(rb"[A-Za-z0-9\x80-\xbf]+")
_HEX: Final = b"0123456789abcdef"
_ALPHABETS: Final = (b"0123456789", bytes(range(97, 123)), bytes(range(65, 91)), bytes(range(0x80, 0xC0)))
"""Characters of one class. Of UTF-8 the first byte of a character stays, and those behind it change."""
_ADDRESS: Final = re.compile(
    rb"(?<![0-9A-Za-z_.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"
    rb"(?:\.[0-9]{1,3}){0,3})(?![0-9A-Za-z_])"
)


def _alphabet_of(alphabets: tuple[bytes, ...]) -> dict[int, bytes]:
    return {char: alphabet for alphabet in alphabets for char in alphabet}


_OF_WORDS: Final = _alphabet_of(_ALPHABETS)
_OF_HEX: Final = _alphabet_of((b"0123456789", _HEX[10:], _HEX[10:].upper()))


def remembered(replace: Callable[[bytes], _Made]) -> Callable[[bytes], _Made]:
    """Remember what short values become; those of one capture come again and again."""
    cached = lru_cache(VALUES_REMEMBERED_MAX)(replace)
    return lambda raw: cached(raw) if len(raw) <= VALUE_REMEMBERED_BYTES_MAX else replace(raw)


class Words:
    """Replaces words and addresses under ``key``."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key, digest_size=KEY_BYTES).digest()
        self._word = remembered(lambda word: self._permute(word, _OF_WORDS, 0))
        self._address = remembered(self._hidden_address)

    def text(self, raw: bytes, salt: int = 0) -> bytes:
        """Replace each word of a text; another ``salt`` gives others."""
        if salt:
            return _RUN.sub(lambda match: self._permute(match[0], _OF_WORDS, salt), raw)
        return _RUN.sub(lambda match: self._word(match[0]), raw)

    def hexadecimal(self, raw: bytes) -> bytes:
        """Replace each run of hexadecimal digits by another."""
        return re.sub(rb"[0-9A-Fa-f]+", lambda match: self._permute(match[0], _OF_HEX, 0), raw)

    def text_with_addresses(self, raw: bytes) -> bytes:
        """Replace the words of a text, and the addresses in it by addresses."""
        parts: list[bytes] = []
        at = 0
        for match in _ADDRESS.finditer(raw):
            hidden = self._address(match[0])
            if hidden is not None:
                parts += self.text(raw[at : match.start()]), hidden
                at = match.end()
        return b"".join((*parts, self.text(raw[at:])))

    def address(self, raw: bytes) -> bytes:
        """Replace an address; what is none becomes something else that is none."""
        hidden = self._address(raw)
        salt = 0
        while hidden is None:
            made = self._permute(raw, _OF_HEX, salt)
            hidden = made if self._address(made) is None else None
            salt += 1
            if salt == _SALTS_MAX:
                return b"unknown"
        return hidden

    def _hidden_address(self, raw: bytes) -> bytes | None:
        try:
            address = ipaddress.ip_address(raw.decode("ascii", "replace"))
        except ValueError:
            return None
        if isinstance(address, ipaddress.IPv4Address):
            return str(ipaddress.IPv4Address(self._hidden_bits(int(address), 32))).encode("ascii")
        mapped = address.ipv4_mapped
        if mapped is not None:
            return b"::ffff:" + str(ipaddress.IPv4Address(self._hidden_bits(int(mapped), 32))).encode("ascii")
        return str(ipaddress.IPv6Address(self._hidden_bits(int(address), 128))).encode("ascii")

    def _hidden_bits(self, number: int, size: int) -> int:
        """Turn each bit or not, as a keyed hash of the bits in front of it says."""
        hidden = 0
        for bit in range(size):
            front = number >> (size - bit)
            turned = blake2b(b"%d %d %d" % (size, bit, front), key=self._key, digest_size=1).digest()[0] & 1
            hidden = hidden << 1 | (number >> (size - bit - 1) & 1 ^ turned)
        return hidden

    def _permute(self, word: bytes, alphabets: dict[int, bytes], salt: int) -> bytes:
        """Permute the words that have this one's shape; characters without an alphabet stay."""
        of = [alphabets.get(char, bytes([char])) for char in word]
        middle = len(word) // 2
        halves = [_number(word[:middle], of[:middle]), _number(word[middle:], of[middle:])]
        sizes = [prod(map(len, of[:middle])), prod(map(len, of[middle:]))]
        shape = bytes(alphabet[0] for alphabet in of)
        for turn in range(_ROUNDS):
            for this, other in ((0, 1), (1, 0)):
                said = b"%d %d %d %d %b" % (salt, turn, this, halves[other], shape)
                mixed = shake_128(self._key + said).digest(len(word) + 8)
                halves[this] = (halves[this] + int.from_bytes(mixed)) % sizes[this]
        return _chars(halves[0], of[:middle]) + _chars(halves[1], of[middle:])


_SALTS_MAX: Final = 64
"""Tries to find a replacement of the same kind."""


def _number(chars: bytes, of: list[bytes]) -> int:
    number = 0
    for char, alphabet in zip(chars, of, strict=True):
        number = number * len(alphabet) + alphabet.index(char)
    return number


def _chars(number: int, of: list[bytes]) -> bytes:
    chars = bytearray()
    for alphabet in reversed(of):
        number, at = divmod(number, len(alphabet))
        chars.append(alphabet[at])
    return bytes(reversed(chars))
