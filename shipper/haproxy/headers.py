"""Captured headers: `{v|v}` blocks, lists of CLF lines and header samples, and the fields of known names.

1. Values are split first and decoded after (manual, 8.6 and 8.8).
2. With one block only and no configuration it is a guess whose it is: the request's, and that is said.
3. A header with a field in ECS fills that; any other is kept by its name, lower case, `_` for other characters.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.haproxy.fields import text
from shipper.haproxy.request import host_and_port, unescape
from shipper.haproxy.samples import label_name
from shipper.limits import LABELS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shipper.haproxy.record import Attributes

_ITEM: Final = re.compile(rb'"([^"]*+)"')
REQUEST_ID: Final = "x-request-id"
HOST: Final = "host"
GIVES: Final = {
    HOST: ("url_domain", "url_port"),
    "user-agent": ("user_agent_original",),
    "referer": ("http_request_referrer",),
    "x-forwarded-for": ("client_address", "client_ip"),
    REQUEST_ID: ("http_request_id",),
}
"""The request headers that have fields in ECS."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the captured headers, in their order; None where the configuration is not known."""

    request: tuple[str, ...] | None = None
    response: tuple[str, ...] | None = None


def read_captures(request: bytes, response: bytes, names: Names, *, both: bool) -> Attributes:
    """Read the captures of a line; ``both`` says that its format has a place for either side."""
    sides = [_values(request), _values(response)]
    ambiguous = False
    if both and sides[0] is not None and sides[1] is None:
        sides, ambiguous = _divide(sides[0], names, listed=request[:2] != b'"{' and request[:1] == b'"')
    fields: Attributes = {}
    for side, values in zip(("request_captures", "response_captures"), sides, strict=True):
        if values is not None:
            fields[side] = values
    return fields | {"captures_ambiguous": True} if ambiguous else fields


def _divide(values: list[str], names: Names, *, listed: bool) -> tuple[list[list[str] | None], bool]:
    """Tell whose the captures of a single block or list are, and whether that is a guess."""
    if names.request is None or names.response is None:
        return [values, None], True
    if listed and len(values) == len(names.request) + len(names.response):
        cut = len(names.request)
        return [values[:cut] or None, values[cut:] or None], False
    if not names.request:
        return [None, values], False
    return [values, None], bool(names.response)


def _values(captured: bytes) -> list[str] | None:
    if not captured:
        return None
    if captured.startswith((b"{", b'"{')):
        captured = captured.strip(b'"')
        parts = captured[1:-1].split(b"|")
    elif captured.startswith(b'"'):
        parts = _ITEM.findall(captured)
    else:
        parts = [b"" if part == b"-" else part for part in captured.split()]
    return [text(unescape(part)) for part in parts]


def read_headers(pairs: Iterable[tuple[str, str]]) -> Attributes:
    """Give the fields of request headers by their names; an empty value was absent."""
    fields: Attributes = {}
    others: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if not value or not key:
            continue
        if key == HOST:
            fields |= host_and_port(value)
        elif key == "x-forwarded-for":
            fields |= _client(value)
        elif key in GIVES:
            fields[GIVES[key][0]] = value
        elif len(others) < LABELS_MAX:
            others[label_name(key)] = value
    return fields | {"request_headers": others} if others else fields


def read_response_headers(pairs: Iterable[tuple[str, str]]) -> Attributes:
    """Give response headers by their names."""
    others = {label_name(name): value for name, value in pairs if name and value}
    return {"response_headers": dict(list(others.items())[:LABELS_MAX])} if others else {}


def _client(forwarded: str) -> Attributes:
    """Read `X-Forwarded-For`: the first valid address is the client's."""
    for part in forwarded.split(","):
        word = part.strip()
        try:
            ipaddress.ip_address(word)
        except ValueError:
            continue
        if "%" not in word:
            return {"client_address": forwarded, "client_ip": word}
    return {"client_address": forwarded}


def gives(names: Sequence[str]) -> tuple[str, ...]:
    """Name the attributes that request headers of these names may give."""
    known = [attribute for name in names for attribute in GIVES.get(name.lower(), ())]
    others = any(name and name.lower() not in GIVES for name in names)
    return tuple(dict.fromkeys(known)) + (("request_headers",) if others else ())


def pairs_of(names: tuple[str, ...] | None, values: object) -> list[tuple[str, str]]:
    """Give captured values with their names, where the names are known and as many."""
    if not names or not isinstance(values, list) or len(values) != len(names):
        return []
    return list(zip(names, values, strict=True))
