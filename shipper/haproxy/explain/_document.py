"""The way back: a document, as it is indexed, becomes a record again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.record import PATHS, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMES: Final = {path: name for name, path in PATHS.items()}


def read_document(document: Mapping[str, Any]) -> Record:
    """Read a document of this version; pydantic's ValidationError for anything else."""
    return Record.model_validate(dict(_attributes(document, "")))


def _attributes(tree: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and path not in _NAMES:
            yield from _attributes(value, f"{path}.")
        else:
            yield _NAMES.get(path, path), value
