"""What each kind of value becomes under the rules.

1. What is hidden already stays as it is: hiding twice changes nothing.
2. The same value becomes the same hash wherever it stands: HMAC-SHA256 under the key of what it says, without the
   escapes of HAProxy and of URLs, the first 16 hexadecimal digits. Without a key what is to be hashed is dropped.
3. What is none of a rule's business stays, byte for byte.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from shipper.haproxy.fields import ABSENT
from shipper.haproxy.privacy_rules import OTHERS, action_of, action_of_unknown, strictest
from shipper.haproxy.request import BAD_REQUEST, unescape

if TYPE_CHECKING:
    from collections.abc import Collection

    from shipper.haproxy.privacy_rules import Action, Rules

DROPPED: Final = b"-"
"""What HAProxy prints where there is nothing."""
UNKNOWN: Final = ""
"""The name of a header that nobody knows, as configurations have it."""
_HASHED: Final = re.compile(rb"hash-[0-9a-f]{16}")
_HASH_DIGITS: Final = 16
_KEPT: Final = ABSENT | {BAD_REQUEST, b"unix", b"unknown"}
_ADDRESS: Final = re.compile(
    rb"(?P<escape>#[0-9A-F]{2})"
    rb"|(?:(?<![0-9A-Za-z_.:/])|(?<=#[0-9A-F]{2}))"
    rb"(?P<address>[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.[0-9])"
    rb"|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.[0-9]{1,3}){0,3})(?![0-9A-Za-z_])"
    rb"|(?<![0-9A-Za-z])(?P<packed>[0-9A-F]{32}|[0-9A-F]{8})(?=:[0-9A-F]{1,4}_)"
)
"""An address in a text. No version behind a `/` is one; what the manual's `unique-id-format` begins with is."""
_V4_PARTS: Final = 4
_V4_PART_MAX: Final = 255
_V4_BITS: Final = 32
_MAPPED: Final = b"::ffff:"
_VERSION: Final = re.compile(rb" (?:HTTP/[0-9]\.[0-9]|HTTP/[0-9]\.?|HTTP/?|HTT?|H)?\Z")
_SEPARATOR: Final = re.compile(rb"([&;])")
_NAMED: Final = re.compile(rb"(?<![A-Za-z0-9_.~%-])(?P<name>[A-Za-z0-9_.~%-]{1,255})=(?P<value>[^&;,|}\s\"]++)")
_COOKIE_HEADERS: Final = frozenset({"cookie", "set-cookie"})


class Values:
    """Hides values of each kind under ``rules``."""

    def __init__(self, rules: Rules, key: bytes | None) -> None:
        self._rules = rules
        self._key = key
        self._v4_hidden = _V4_BITS - rules.ipv4_bits

    # -- addresses -----------------------------------------------------------------------------------------------

    def address(self, raw: bytes) -> bytes:
        """Take the last bits off an address; what is none becomes `::`."""
        if not self._rules.mask_addresses or raw in _KEPT:
            return raw
        return self._masked(raw) or b"::"

    def packed_address(self, raw: bytes) -> bytes:
        """Take the last bits off an address that is printed as hexadecimal digits."""
        if not self._rules.mask_addresses or raw in _KEPT or len(raw) not in {8, 32}:
            return raw
        packed = ipaddress.ip_address(bytes.fromhex(raw.decode("ascii")))
        masked = self._masked(str(packed).encode("ascii")) or b"::"
        return ipaddress.ip_address(masked.decode("ascii")).packed.hex().upper().encode("ascii")

    def text(self, raw: bytes) -> bytes:
        """Take the last bits off every address in a text."""
        return _ADDRESS.sub(self._found, raw) if self._rules.mask_addresses else raw

    def _found(self, match: re.Match[bytes]) -> bytes:
        if match["packed"]:
            return self.packed_address(match["packed"])
        return (self._masked(match["address"]) if match["address"] else None) or match[0]

    def _masked(self, raw: bytes) -> bytes | None:
        if b":" not in raw:
            return self._masked_v4(raw)
        if raw[:7].lower() == _MAPPED and b"." in raw:
            inner = self._masked(raw[7:])
            return None if inner is None else _MAPPED + inner
        try:
            address = ipaddress.ip_address(raw.decode("ascii"))
        except ValueError:
            return None
        network = ipaddress.ip_network((address, self._rules.ipv6_bits), strict=False)
        return str(network.network_address).encode("ascii")

    def _masked_v4(self, raw: bytes) -> bytes | None:
        """Mask an IPv4 address, of which there are many; with leading zeros, too."""
        parts = raw.split(b".")
        if len(parts) != _V4_PARTS or not all(part.isdigit() for part in parts):
            return None
        numbers = [int(part) for part in parts]
        if max(numbers) > _V4_PART_MAX:
            return None
        kept = int.from_bytes(numbers) >> self._v4_hidden << self._v4_hidden
        return b"%d.%d.%d.%d" % tuple(kept.to_bytes(_V4_PARTS))

    # -- requests ------------------------------------------------------------------------------------------------

    def request(self, raw: bytes) -> bytes:
        """Hide what is in a request line, whole or cut."""
        if not self._rules.parameters or raw in _KEPT:
            return raw
        version = _VERSION.search(raw)
        end = version.start() if version else len(raw)
        return self._url(raw[:end]) + raw[end:]

    def uri(self, raw: bytes) -> bytes:
        """Hide query parameters behind the first `?` of a text, if it has any."""
        return raw if raw in _KEPT else self._url(raw) or b"?"

    def _url(self, raw: bytes) -> bytes:
        path, question, query = raw.partition(b"?")
        if not query or not self._rules.parameters:
            return raw
        kept: list[bytes] = []
        for separator, piece in zip(*2 * [iter((b"", *_SEPARATOR.split(query)))], strict=True):
            hidden = self._parameter(piece)
            if hidden is not None:
                kept += (separator, hidden) if kept else (hidden,)
        return path + question + b"".join(kept) if kept else path

    def _parameter(self, raw: bytes) -> bytes | None:
        """Hide one parameter, or what stands there without a name; None: it is dropped."""
        name, equals, value = raw.partition(b"=")
        hidden = self._apply(action_of(self._rules.parameters, _plain(name)), value if equals else raw)
        return name + equals + hidden if equals and hidden is not None else hidden

    # -- cookies and headers -------------------------------------------------------------------------------------

    def cookie(self, raw: bytes) -> bytes:
        """Hide a captured cookie, `NAME=value`."""
        return raw if raw in _KEPT else self._pair(raw, OTHERS) or DROPPED

    def _pair(self, raw: bytes, otherwise: str) -> bytes | None:
        """Hide the value of a pair; the name stays. What is no pair goes by the name ``otherwise``."""
        name, equals, value = raw.partition(b"=")
        action = action_of(self._rules.cookies, _plain(name.strip()) if equals else otherwise)
        hidden = self._apply(action, value if equals else raw)
        return name + equals + hidden if equals and hidden is not None else hidden

    def _cookies(self, raw: bytes, names: Collection[str]) -> bytes:
        """Hide the cookies of a header; only those with a rule of their own where it may be another header."""
        first, *rest = raw.split(b";")
        if "set-cookie" in names:
            return b";".join((self._pair(first, OTHERS) or b"", *rest))
        known = not _COOKIE_HEADERS.isdisjoint(names)
        pieces = []
        for piece in (first, *rest):
            own = known or (b"=" in piece and _plain(piece.partition(b"=")[0].strip()) in self._rules.cookies)
            hidden = self._pair(piece, OTHERS) if own else piece
            if hidden is not None:
                pieces.append(hidden)
        return b";".join(pieces)

    def header(self, raw: bytes, names: Collection[str]) -> bytes:
        """Hide a header that may be any of ``names``, in lower case."""
        if raw in _KEPT:
            return raw
        rules = self._rules.headers
        actions = (action_of_unknown(rules) if name == UNKNOWN else action_of(rules, name) for name in names)
        hidden = self._apply(strictest(*actions), raw)
        if hidden is not raw:
            return b"" if hidden is None else hidden
        if self._rules.cookies and not {UNKNOWN, *_COOKIE_HEADERS}.isdisjoint(names):
            raw = self._cookies(raw, names)
        return self.text(self._url(raw))

    # -- everything else -----------------------------------------------------------------------------------------

    def label(self, raw: bytes, action: Action) -> bytes:
        """Hide a value by its own rule, and what is in it by those for URLs and addresses."""
        if raw in _KEPT:
            return raw
        hidden = self._apply(action, raw)
        return DROPPED if hidden is None else self.text(self.uri(raw)) if hidden is raw else hidden

    def loose(self, raw: bytes) -> bytes:
        """Hide what looks like something that a rule hides."""
        return self.text(_NAMED.sub(self._loosely, raw))

    def _loosely(self, match: re.Match[bytes]) -> bytes:
        rules, name = self._rules, _plain(match["name"])
        action = strictest(*(action_of(each, name) for each in (rules.parameters, rules.cookies, rules.headers)))
        hidden = self._apply(action, match["value"])
        return match["name"] + b"=" + (DROPPED if hidden is None else hidden)

    def _apply(self, action: Action, value: bytes) -> bytes | None:
        """Give a value (the same object when it is kept), its hash, or None when it is dropped."""
        if action == "keep" or not value or (action == "hash" and _HASHED.fullmatch(value)):
            return value
        if action == "drop" or self._key is None:
            return None
        said = unquote_to_bytes(unescape(value))
        return b"hash-" + hmac.digest(self._key, said, "sha256").hex()[:_HASH_DIGITS].encode("ascii")


def _plain(name: bytes) -> str:
    """Give a name without escapes, in lower case."""
    return unquote_to_bytes(unescape(name)).decode("utf-8", "replace").lower()
