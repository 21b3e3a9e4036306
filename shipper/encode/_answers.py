"""What the native engine asks of the values of a batch: what stands in their places, and what is added for them.

1. A question is of one value of a format. Its answer hangs on the value's bytes alone.
2. First what rules hide is hidden, then what is left is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from shipper.encode._template import to_json
from shipper.limits import ENRICHED_REMEMBERED_MAX, VALUE_REMEMBERED_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from shipper.encode._python import Enricher
    from shipper.haproxy.fields import Part
    from shipper.haproxy.formats import CompiledFormat
    from shipper.haproxy.privacy import Hider

    Answer: TypeAlias = tuple[bytes, bytes, Sequence[bytes]]

_CAPTURES: Final = "hr"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the values of one alias."""

    alias: str
    gives: tuple[str, ...]
    """The attributes that may be added; an answer has a JSON text for each, empty where there is nothing."""
    answer: Callable[[bytes], Answer]
    """Gives the value again, what stands in its place, and what is added."""


def questions_of(known: CompiledFormat, hider: Hider | None, enricher: Enricher | None) -> list[Question]:
    """Give what is to be asked of a format's values, in the order of the line."""
    hides = dict(hider.values(known)) if hider else {}
    looked_up = {known.plan.aliases.index(_alias(part)): part for part in known.parts if _gives(part, enricher)}
    return [
        _question(alias, hides.get(place), looked_up.get(place), enricher)
        for place, alias in enumerate(known.plan.aliases)
        if place in hides or place in looked_up
    ]


def _gives(part: Part, enricher: Enricher | None) -> tuple[str, ...]:
    return enricher.gives(part.gives) if enricher else ()


def _alias(part: Part) -> str:
    """Give the alias of which alone that hangs which is looked up: of captures the request's, whatever is beside it."""
    return _CAPTURES if _CAPTURES in part.aliases else part.aliases[0]


def _question(
    alias: str, hide: Callable[[bytes], bytes] | None, part: Part | None, enricher: Enricher | None
) -> Question:
    if part is None or enricher is None:
        hidden = hide or bytes
        return Question(alias, (), lambda raw: (raw, hidden(raw), ()))
    gives = _gives(part, enricher)

    def answer(raw: bytes) -> Answer:
        value = hide(raw) if hide else raw
        added = enricher.fields(part.read(*(value if each == alias else b"" for each in part.aliases)))
        return raw, value, tuple(_json(added[name]) if name in added else b"" for name in gives)

    remembered = lru_cache(ENRICHED_REMEMBERED_MAX)(answer)
    return Question(alias, gives, lambda raw: (remembered if len(raw) <= VALUE_REMEMBERED_BYTES_MAX else answer)(raw))


def _json(value: object) -> bytes:
    return to_json({"": value})[4:-1].encode()
