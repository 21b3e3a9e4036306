"""What each kind of value becomes: requests, hosts, cookies, captured headers, names."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from shipper.haproxy.request import BAD_REQUEST, path_pattern, unescape
from shipper.replay.anonymising._words import remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.replay.anonymising._words import Words

_METHODS: Final = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK PRI".split()
)
_VERSION: Final = re.compile(rb"(?:HTTP/[0-9]\.[0-9]|HTTP/[0-9]\.?|HTTP/?|HTT?|H)")
_SCHEMES: Final = re.compile(rb"(https?|wss?)://", re.IGNORECASE)
_SCHEME: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY: Final = re.compile(rb"((?:[^@/?#]*@)?)(\[[^\]/?#]*\]|[^:/?#]*)((?::[0-9]*)?)")
_ESCAPED: Final = re.compile(rb"(#(?=[0-9A-F]{2})|%)([0-9A-Fa-f]{2})")
_HEXADECIMAL: Final = re.compile(rb"[0-9A-Fa-f]{8,}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TRIES_MAX: Final = 64
KEPT: Final = frozenset({b"", b"-", b'""', BAD_REQUEST, b"unix", b"unknown"})


class Values:
    """Replaces values of each kind."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._text = remembered(lambda raw: self._escaped(raw, words.text_with_addresses))
        self._part = remembered(self._segment)

    def text(self, raw: bytes) -> bytes:
        """Replace every word, and addresses by addresses."""
        return raw if raw in KEPT else self._text(raw)

    def _escaped(self, raw: bytes, replace: Callable[[bytes], bytes]) -> bytes:
        """Replace what stands between `#XX` and `%XX`, and the letters that these are."""
        if b"#" not in raw and b"%" not in raw:
            return replace(raw)
        parts = _ESCAPED.split(raw)
        parts[::3] = map(replace, parts[::3])
        for number in range(2, len(parts), 3):
            hidden = b"%02X" % self._words.text(bytes.fromhex(parts[number].decode("ascii")))[0]
            parts[number] = hidden if parts[number].upper() == parts[number] else hidden.lower()
        return b"".join(parts)

    def address(self, raw: bytes) -> bytes:
        """Replace an address."""
        return raw if raw in KEPT else self._words.address(raw)

    def packed_address(self, raw: bytes) -> bytes:
        """Replace an address that is printed as hexadecimal digits."""
        try:
            packed = ipaddress.ip_address(bytes.fromhex(raw.decode("ascii")))
        except ValueError:
            return raw if raw in KEPT else self._words.hexadecimal(raw)
        hidden = ipaddress.ip_address(self._words.address(str(packed).encode("ascii")).decode("ascii"))
        return hidden.packed.hex().upper().encode("ascii")

    def digits(self, raw: bytes) -> bytes:
        """Replace hexadecimal digits."""
        return raw if raw in KEPT else self._words.hexadecimal(raw)

    def host(self, raw: bytes) -> bytes:
        """Replace the name or address of a host; its port stays."""
        if raw in KEPT:
            return raw
        match = _AUTHORITY.fullmatch(raw)
        if match is None:
            return self.text(raw)
        user, name, port = match.groups()
        inner = name.strip(b"[]")
        hidden = self._words.address(inner) if _is_address(inner) else self.text(inner)
        return self.text(user) + name.replace(inner, hidden, 1) + port if inner else self.text(user) + name + port

    def method(self, raw: bytes) -> bytes:
        """Replace a method that is none of HTTP's."""
        return raw if raw in _METHODS or raw in KEPT else self._words.text(raw)

    def version(self, raw: bytes) -> bytes:
        """Replace what is no version of HTTP."""
        return raw if raw in KEPT or _VERSION.fullmatch(raw) else self._words.text(raw)

    def request(self, raw: bytes) -> bytes:
        """Replace a request line: method and version stay."""
        if raw in KEPT:
            return raw
        method, *rest = raw.split(b" ")
        last = [rest.pop()] if rest and _VERSION.fullmatch(rest[-1]) else []
        uri = b" ".join(rest)
        hidden = [self.host(uri) if method == b"CONNECT" else self.uri(uri)] if rest else []
        return b" ".join((self.method(method), *hidden, *last))

    def uri(self, raw: bytes) -> bytes:
        """Replace a URI part by part: its scheme, its port and the pattern of its path stay."""
        if raw in KEPT:
            return raw
        front = b""
        scheme = _SCHEME.match(raw)
        if scheme is not None:
            end = min(
                (at for at in (raw.find(c, scheme.end()) for c in (b"/", b"?", b"#")) if at >= 0), default=len(raw)
            )
            known = scheme[0] if _SCHEMES.fullmatch(scheme[0]) else self._words.text(scheme[0])
            front, raw = known + self.host(raw[scheme.end() : end]), raw[end:]
        path, question, query = raw.partition(b"?")
        return front + b"/".join(map(self._part, path.split(b"/"))) + question + self._plain(query)

    def _segment(self, raw: bytes) -> bytes:
        """Replace a segment of a path by one that is a value or a name as it was."""
        if not raw:
            return raw
        if _HEXADECIMAL.fullmatch(raw):
            return self._words.hexadecimal(raw)
        value = _is_value(raw)
        tries = (self._plain(raw, salt) for salt in range(_TRIES_MAX))
        return next((made for made in tries if _is_value(made) == value), b"-" * len(raw))

    def _plain(self, raw: bytes, salt: int = 0) -> bytes:
        """Replace every word, addresses like any other."""
        return self._escaped(raw, lambda part: self._words.text(part, salt))

    def captures(self, raw: bytes, names: tuple[str, ...] | None) -> bytes:
        """Replace captured headers, in braces or in quotes or bare."""
        if raw.startswith((b"{", b'"{')):
            values = raw.strip(b'"')[1:-1].split(b"|")
            around, between = (b'"{', b'}"') if raw.startswith(b'"') else (b"{", b"}"), b"|"
        elif raw.startswith(b'"'):
            values = raw[1:-1].split(b'" "')
            around, between = (b'"', b'"'), b'" "'
        else:
            values, around, between = raw.split(b" "), (b"", b""), b" "
        known = names if names is not None and len(names) == len(values) else ("",) * len(values)
        hidden = between.join(self.header(value, name) for value, name in zip(values, known, strict=True))
        return around[0] + hidden + around[1]

    def header(self, raw: bytes, name: str) -> bytes:
        """Replace the value of a header; by its name, where that is known."""
        if raw in KEPT:
            return raw
        if name.lower() == "host":
            return self.host(raw)
        if name.lower() == "x-forwarded-for":
            return b",".join(
                part.replace(word, self.host(word) if not _is_address(word) else self._words.address(word), 1)
                for part in raw.split(b",")
                for word in [part.strip()]
            )
        return self.text(raw)

    def name(self, raw: bytes) -> bytes:
        """Replace the name of a proxy or server; `<NOSRV>` and its kin stay, and the `~` of TLS."""
        return raw if raw in KEPT or raw.startswith(b"<") else self._words.text(raw)


def _is_address(raw: bytes) -> bool:
    try:
        ipaddress.ip_address(raw.decode("ascii", "replace"))
    except ValueError:
        return False
    return True


def _is_value(segment: bytes) -> bool:
    return path_pattern("/" + unescape(segment).decode("utf-8", "replace")) == "/*"
