"""The request line and the URI in it, split by hand: nothing is normalised, nothing is lost when it is odd.

HAProxy prints `"`, `#`, bytes below 32 and from 127 on as `#XX` (manual, 8.6), so that `#` followed by two upper-case
hexadecimal digits is always one byte of the original.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.haproxy.record import Attributes

_ESCAPED: Final = re.compile(rb"#([0-9A-F]{2})")
_BACKSLASHED: Final = re.compile(rb"\\(.)", re.DOTALL)
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VERSION: Final = re.compile(rb"HTTP/([0-9]\.[0-9])")
_VERSION_CUT: Final = re.compile(rb"(?:|H|HT|HTT|HTTP|HTTP/|HTTP/[0-9]\.?)")
_USUAL: Final = re.compile(rb"(?!CONNECT )([A-Za-z]+) ((/[!-\"$->@-~]*+)(?:\?([!-\"$-~]*+))?) HTTP/([0-9]\.[0-9])")
"""A request for a path, without anything that is escaped or not ASCII."""
_AUTHORITY: Final = re.compile(r"(?:[^@/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::([0-9]*))?")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
SEGMENT_CHARS_MAX: Final = 32
"""A path segment longer than this is taken for a value, not a name."""
_VARIABLE: Final = re.compile(
    r"(?:^|(?<=/))(?:"
    r"[0-9]++|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{8,}+"
    rf"|[^/]{{{SEGMENT_CHARS_MAX + 1},}}+)(?=/|\Z)"
)
BAD_REQUEST: Final = b"<BADREQ>"
"""What HAProxy prints for a request that it could not read."""
HTTP09_CHARS_MAX: Final = 64
"""A `GET` without a version is HTTP/0.9 up to here; beyond, a request cut at `tune.http.logurilen`."""
PORT_MAX: Final = 65_535

REQUEST_ATTRIBUTES: Final = (
    "raw_request_line",
    "http_request_method",
    "http_version",
    "url_original",
    "url_scheme",
    "url_domain",
    "url_port",
    "url_path",
    "url_path_pattern",
    "url_query",
)
"""What a request may give."""


def unescape(text: bytes) -> bytes:
    """Turn each `#XX` back into its byte."""
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), text) if b"#" in text else text


def unescape_backslashes(text: bytes) -> bytes:
    """Take off the backslashes that the flag E and JSON put in front of quotes, backslashes and brackets."""
    return _BACKSLASHED.sub(rb"\1", text) if b"\\" in text else text


def read_request(quoted: bytes, *, closed: bool = True) -> Attributes:
    """Read what stood between the quotes of `%r` into the record's attributes.

    What is no request (`<BADREQ>`, anything odd) comes back whole as `raw_request_line`. ``closed`` is False when the
    line was cut before the closing quote: then the last word is not sure, and what is left is kept whole besides.
    """
    usual = _USUAL.fullmatch(quoted) if closed else None
    if usual is not None:
        return _usual(quoted.decode("ascii"), usual)
    words = quoted.split(b" ")
    if not closed:
        return _read_cut(quoted, words) if quoted else {}
    version = _VERSION.fullmatch(words[-1]) if len(words) > 2 else None  # noqa: PLR2004 -- method, URI, version
    if version is not None:
        uri = b" ".join(words[1:-1])
        fields = _method_and_uri(words[0], uri) if uri else {}
        return fields | {"http_version": version[1].decode("ascii")} if fields else _raw(quoted)
    uri = _without_cut_version(words[1:])
    fields = _method_and_uri(words[0], uri) if uri else {}
    if not fields:
        return _raw(quoted) if quoted else {}
    if words[0] == b"GET" and len(words) == 2 and len(quoted) <= HTTP09_CHARS_MAX:  # noqa: PLR2004 -- method, URI
        return fields
    return fields | {"truncated": "request"}


def _usual(text: str, found: re.Match[bytes]) -> Attributes:
    """Give what the longer way gives, for most requests."""
    start, end = found.span(3)
    path = text[start:end]
    fields: Attributes = {
        "http_request_method": text[: found.end(1)],
        "http_version": text[found.start(5) :],
        "url_original": text[start : found.end(2)],
        "url_path": path,
        "url_path_pattern": path_pattern(path),
    }
    if found.end(2) > end:
        fields["url_query"] = text[end + 1 : found.end(2)]
    return fields


def read_request_parts(method: bytes, uri: bytes, version: bytes) -> Attributes:
    """Read what `%HM`, `%HU` (or `%HP` and `%HQ`) and `%HV` print, each empty where the format has none of it."""
    if BAD_REQUEST in {method, uri, version}:
        return {"raw_request_line": BAD_REQUEST.decode("ascii")}
    fields: Attributes = {}
    if _METHOD.fullmatch(method):
        fields["http_request_method"] = method.decode("ascii")
    if uri and uri != b"-":
        fields |= read_uri(unescape(uri).decode("utf-8", "replace"), authority=method == b"CONNECT")
    match = _VERSION.fullmatch(version)
    if match is None:
        return fields
    if match[1] == b"0.9" and (method not in {b"GET", b""} or len(uri) > HTTP09_CHARS_MAX):
        return fields | {"truncated": "request"}
    return fields | {"http_version": match[1].decode("ascii")}


def _read_cut(quoted: bytes, words: list[bytes]) -> Attributes:
    """Read a request without its closing quote: the URI is sure where what follows it begins like a version."""
    if len(words) == 1:
        return _raw(quoted)
    seen = _VERSION_CUT.fullmatch(words[-1]) or _VERSION.fullmatch(words[-1])
    return _method_and_uri(words[0], b" ".join(words[1:-1]) if seen else b"") | _raw(quoted)


def _without_cut_version(words: list[bytes]) -> bytes:
    """Give the URI of a request that was cut inside its quotes."""
    if len(words) > 1 and _VERSION_CUT.fullmatch(words[-1]):
        words = words[:-1]
    return b" ".join(words)


def _method_and_uri(method: bytes, uri: bytes) -> Attributes:
    if not _METHOD.fullmatch(method):
        return {}
    fields: Attributes = {"http_request_method": method.decode("ascii")}
    if not uri:
        return fields
    return fields | read_uri(unescape(uri).decode("utf-8", "replace"), authority=method == b"CONNECT")


def _raw(quoted: bytes) -> Attributes:
    return {"raw_request_line": unescape(quoted).decode("utf-8", "replace")}


def read_uri(uri: str, *, authority: bool = False) -> Attributes:
    """Split a request target (RFC 9112, 3.2): origin, absolute, authority (of CONNECT) or asterisk form."""
    fields: Attributes = {"url_original": uri}
    if uri == "*":
        return fields
    if authority:
        return fields | host_and_port(uri)
    rest = uri
    scheme = _SCHEME.match(uri)
    if scheme is not None:
        fields["url_scheme"] = scheme[1].lower()
        end = min((at for at in (uri.find(c, scheme.end()) for c in "/?#") if at >= 0), default=len(uri))
        fields |= host_and_port(uri[scheme.end() : end])
        rest = uri[end:]
    path, question, query = rest.partition("?")
    if path:
        fields["url_path"] = path
        fields["url_path_pattern"] = path_pattern(path)
    if question:
        fields["url_query"] = query
    return fields


def host_and_port(text: str) -> Attributes:
    """Split `host:port`, brackets of IPv6 taken off; what is odd gives nothing."""
    match = _AUTHORITY.fullmatch(text)
    if match is None or not match[1]:
        return {}
    fields: Attributes = {"url_domain": match[1].strip("[]")}
    digits = match[2] or ""
    if 0 < len(digits) <= len(str(PORT_MAX)) and 0 < int(digits) <= PORT_MAX:
        fields["url_port"] = int(digits)
    return fields


def path_pattern(path: str) -> str:
    """Replace each segment that looks like a value (number, UUID, hex of 8 and more, over 32 characters) by `*`."""
    return _VARIABLE.sub("*", path)
