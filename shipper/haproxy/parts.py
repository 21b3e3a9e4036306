"""The parts of one format: which of its values give what to the record, put together from its fields.

1. Every attribute is given by one part only, so that the order of parts means nothing.
2. Values that came with flags are turned back before anybody reads them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shipper.errors import Permanent
from shipper.haproxy.fields import ABSENT, PARTS, Part, read_partial, text
from shipper.haproxy.headers import (
    REQUEST_ID,
    Names,
    gives,
    pairs_of,
    read_captures,
    read_headers,
    read_response_headers,
)
from shipper.haproxy.request import REQUEST_ATTRIBUTES, read_request, read_request_parts, unescape_backslashes
from shipper.haproxy.steps import Decode, Field
from shipper.limits import LABELS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.haproxy.record import Attributes


def parts_of(fields: Sequence[Field], names: Names) -> tuple[Part, ...]:
    """Choose and make the parts of a format with these fields."""
    fields = [field for field in fields if not field.again]
    known = {field.alias for field in fields}
    parts = [
        part
        for part in PARTS
        if known.issuperset(part.aliases)
        and known.isdisjoint(part.without)
        and (not part.beside or not known.isdisjoint(part.beside))
    ]
    marked = tuple(alias for alias in ("Ta", "Tt", "Tu", "B") if alias in known)
    if marked:
        parts.append(Part(marked, read_partial, ("partial",), only=slice(1)))
    parts += _request_parts(fields, names, known)
    labels = [field for field in fields if field.label]
    if labels:
        parts.append(_labels_part(labels))
    return tuple(_decoded(part, {field.alias: field for field in fields}) for part in parts)


def _request_parts(fields: Sequence[Field], names: Names, known: set[str]) -> list[Part]:
    """Make the parts that the request and the headers give; together, where a header is about the URL."""
    request = _request_part(known)
    headers = _headers_part(fields, names, known)
    if request is None or headers is None or not set(request.gives) & set(headers.gives):
        return [part for part in (request, headers) if part is not None]
    size = len(request.aliases)
    read_line, read_rest = request.read, headers.read

    def read(*values: bytes) -> Attributes:
        return read_rest(*values[size:]) | read_line(*values[:size])

    def read_alone(*values: bytes) -> Attributes:
        return {name: value for name, value in read_rest(*values).items() if name not in request.gives}

    both = tuple(dict.fromkeys((*request.gives, *headers.gives)))
    return [Part((*request.aliases, *headers.aliases), read, both, apart=(request, replace(headers, read=read_alone)))]


def _request_part(known: set[str]) -> Part | None:
    gives_all = (*REQUEST_ATTRIBUTES, "truncated")
    if "r" in known:
        return Part(("r",), read_request, gives_all)
    path = next((alias for alias in ("HU", "HP", "HPO") if alias in known), None)
    names: list[str] = [
        alias for alias in ("HM", path, "HQ", "HV") if alias and alias in known and not (alias == "HQ" and path == "HU")
    ]
    if not names:
        return None

    def read(*values: bytes) -> Attributes:
        of = dict(zip(names, values, strict=True))
        uri = of.get(path or "", b"") + of.get("HQ", b"")
        return read_request_parts(of.get("HM", b""), uri, of.get("HV", b""))

    return Part(tuple(names), read, gives_all)


def _headers_part(fields: Sequence[Field], names: Names, known: set[str]) -> Part | None:
    """Make the part of captured headers and of headers that the format names itself."""
    sides = [next((alias for alias in pair if alias in known), None) for pair in (("hr", "hrl"), ("hs", "hsl"))]
    captures = [side for side in sides if side]
    samples = [(field.alias, *_header_of(field, names)) for field in fields if _header_of(field, names)[1]]
    if not captures and not samples:
        return None
    named = Names(*(tuple(_free(name, known) for name in side or ()) for side in (names.request, names.response)))

    def read(*values: bytes) -> Attributes:
        of = dict(zip((*captures, *(alias for alias, _, _ in samples)), values, strict=True))
        request, response = (of.get(side or "", b"") for side in sides)
        found = read_captures(request, response, names, both=len(captures) > 1)
        pairs = {
            "req": pairs_of(named.request, found.get("request_captures")),
            "res": pairs_of(named.response, found.get("response_captures")),
        }
        for alias, side, name in samples:
            if of[alias] not in ABSENT:
                pairs[side].append((_free(name, known), text(of[alias])))
        return found | read_headers(pairs["req"]) | read_response_headers(pairs["res"])

    request_names = (*(named.request or ()), *(_free(name, known) for _, side, name in samples if side == "req"))
    responses = any(named.response or ()) or any(side == "res" for _, side, _ in samples)
    all_given = (
        *(("request_captures", "response_captures", "captures_ambiguous") if captures else ()),
        *gives(request_names),
        *(("response_headers",) if responses else ()),
    )
    return Part((*captures, *(alias for alias, _, _ in samples)), read, all_given)


def _free(name: str, known: set[str]) -> str:
    """Give a header's name; the id of a request is `%ID`'s where the format has that, and the header another."""
    return f"{name}-header" if name.lower() == REQUEST_ID and "ID" in known else name


def _header_of(field: Field, names: Names) -> tuple[str, str]:
    """Give the side and the name of the header that a sample prints; empty when it prints none."""
    kind, _, rest = field.alias.partition(":")
    if kind in {"req.hdr", "res.hdr"}:
        return kind[:3], rest
    if kind in {"capture.req", "capture.res"}:
        known = (names.request if kind == "capture.req" else names.response) or ()
        slot = int(rest) if rest.isdigit() else len(known)
        return kind[-3:], (known[slot] if slot < len(known) else "") or f"capture-{rest}"
    return "", ""


def _labels_part(fields: Sequence[Field]) -> Part:
    if len(fields) > LABELS_MAX:
        raise Permanent(f"{len(fields)} values have no field of their own; at most {LABELS_MAX} labels fit a document")
    names = label_names(fields)

    def read(*values: bytes) -> Attributes:
        found = {name: text(value) for name, value in zip(names.values(), values, strict=True) if value not in ABSENT}
        return {"labels": found} if found else {}

    return Part(tuple(names), read, ("labels",), few=False)


def label_names(fields: Sequence[Field]) -> dict[str, str]:
    """Name the labels that values without a field of their own become, by their aliases."""
    names: list[str] = []
    labels = [field for field in fields if field.label and not field.again]
    for field in labels:
        names.append(field.label if field.label not in names else f"{field.label[:60]}_{len(names)}")
    return {field.alias: name for field, name in zip(labels, names, strict=True)}


def _decoded(part: Part, fields: dict[str, Field]) -> Part:
    """Turn values back before they are read, where a flag has changed how they are printed."""
    part = replace(part, apart=tuple(_decoded(each, fields) for each in part.apart))
    decoders = [_DECODERS.get(fields[alias].decode) for alias in part.aliases]
    if not any(decoders):
        return part
    read = part.read

    def decoded(*values: bytes) -> Attributes:
        return read(
            *(decode(value) if decode and value else value for decode, value in zip(decoders, values, strict=True))
        )

    return replace(part, read=decoded, only=None)


def _from_hex(raw: bytes) -> bytes:
    return raw if raw in ABSENT else b"%d" % int(raw, 16)


def _address_from_hex(raw: bytes) -> bytes:
    packed = bytes.fromhex(raw.decode("ascii")) if len(raw) in {8, 32} else b""
    return str(ipaddress.ip_address(packed)).encode() if packed else raw


_DECODERS: Final[dict[Decode, Callable[[bytes], bytes]]] = {
    Decode.ESCAPED: unescape_backslashes,
    Decode.HEX: _from_hex,
    Decode.HEX_ADDRESS: _address_from_hex,
}
