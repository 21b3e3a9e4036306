"""Documents as the encoder makes them, and what the mapping says of each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.setup._templates import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: Final[Mapping[str, Mapping[str, Any]]] = mapping()["properties"]

BY_TYPE: Final[Mapping[str, object]] = {
    "date_nanos": "2026-11-21T01:02:03.000000Z",
    "keyword": "word",
    "text": "some words of text",
    "long": 17,
    "short": 503,
    "boolean": True,
    "ip": "2001:db8::7",
    "geo_point": {"lat": 52.5, "lon": 13.4},
    "object": {"team": "payments"},
}


def nested(values: Mapping[str, object]) -> dict[str, Any]:
    """Turn dotted names into the nested objects that documents consist of."""
    document: dict[str, Any] = {}
    for name, value in values.items():
        *parents, last = name.split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return document


def concrete() -> dict[str, str]:
    """Give the fields that documents carry, with their types."""
    return {name: field["type"] for name, field in FIELDS.items() if field["type"] != "alias"}


def aliases() -> dict[str, str]:
    """Give the alias fields, with what they stand for."""
    return {name: field["path"] for name, field in FIELDS.items() if field["type"] == "alias"}


def whole() -> dict[str, Any]:
    """Make a document that has every field."""
    return nested({name: BY_TYPE[kind] for name, kind in concrete().items()})
