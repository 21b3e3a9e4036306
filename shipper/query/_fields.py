"""A few fields of a line, without making its whole document.

1. What is given are members of the document that ``understand`` defines, by their paths.
2. Of a line that a format matches, nearly all, only the values that these fields hang on are read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from shipper.haproxy.formats import groups_in_use
from shipper.haproxy.record import PATHS
from shipper.haproxy.syslog import match_header, read_header
from shipper.haproxy.understand import Context, understand
from shipper.limits import VALUE_REMEMBERED_BYTES_MAX, VALUES_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shipper.config import Interpretation
    from shipper.haproxy.fields import Part
    from shipper.haproxy.formats import CompiledFormat
    from shipper.haproxy.record import Value
    from shipper.haproxy.syslog import Header

_Parts: TypeAlias = "list[tuple[Part, list[int]]]"
_CONTEXT: Final = Context(zone="UTC", near_us=0)
_CONTEXT_OF_A_CUT_LINE: Final = Context(zone="UTC", near_us=0, cut=True)
_ALWAYS: Final = ("haproxy.line", "haproxy.log_step")


class FieldReader:
    """Reads the fields with these paths, and what says whether a line counts. They may not hang on a line's date."""

    def __init__(self, interpretation: Interpretation, paths: Collection[str]) -> None:
        wanted = {*paths, *_ALWAYS}
        self._interpretation = interpretation
        self._wanted = {attribute: path for attribute, path in PATHS.items() if path in wanted}
        self._groups = groups_in_use(interpretation.formats)
        self._parts: dict[CompiledFormat, _Parts] = {}
        self._remembered = lru_cache(VALUES_REMEMBERED_MAX)(read_header)

    def read(self, raw: bytes, *, cut: bool = False) -> Mapping[str, Value]:
        """Give the fields that a line has; ``cut`` tells that ``raw`` is its beginning only."""
        found = None if cut else self._by_format(raw)
        if found is None:
            record = understand(raw, _CONTEXT_OF_A_CUT_LINE if cut else _CONTEXT, self._interpretation).record
            found = {name: value for name in self._wanted if (value := getattr(record, name)) is not None}
        return {path: found[name] for name, path in self._wanted.items() if name in found}

    def _by_format(self, raw: bytes) -> dict[str, Value] | None:
        header = self._header(match_header(raw))
        for group in self._groups:
            match = group.match(raw, header.end) if group.is_for(header.identity.tag) else None
            if match is not None:
                known, found = match
                return self._of_parts(known, found)
        return None

    def _of_parts(self, known: CompiledFormat, found: Sequence[bytes | None]) -> dict[str, Value]:
        parts = self._parts.get(known)
        if parts is None:
            parts = self._parts[known] = self._chosen(known)
        attributes = dict(known.constants)
        for part, places in parts:
            attributes |= part.read(*[found[place] or b"" for place in places])
        return attributes

    def _chosen(self, known: CompiledFormat) -> _Parts:
        """Choose the parts that give what is wanted, each with the places of its values."""
        places = {alias: place for place, alias in enumerate(known.plan.aliases)}
        chosen = (part for part in known.parts if not self._wanted.keys().isdisjoint(part.gives))
        return [(part, [places[alias] for alias in part.aliases]) for part in chosen]

    def _header(self, raw: bytes) -> Header:
        return self._remembered(raw) if len(raw) <= VALUE_REMEMBERED_BYTES_MAX else read_header(raw)
