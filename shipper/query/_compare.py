"""Documents compared: by field, and by a hash of what a line alone decides. Pure.

1. What the way of a line decides, and not the line, does not count: the receipt, the sender, the file it stood in.
2. A line that was not wholly understood is compared by its bytes: what is said of it changes from version to version.
3. An event's time does not count where documents are counted: most take it from a header without a year.
4. What enrichment adds does not count: it is of files that change.
5. No document raises, whatever its shape: others write to indices as well.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.syslog import match_header
from shipper.query._findings import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipper.query._findings import Document

_OF_THE_WAY: Final = (
    ("event", "created"),
    ("haproxy", "time_suspect"),
    ("log", "file", "path"),
    ("log", "source", "address"),
)
_LOOKED_UP: Final = (
    ("source", "geo"),
    ("source", "as"),
    ("user_agent", "name"),
    ("user_agent", "version"),
    ("user_agent", "device"),
    ("user_agent", "os"),
)
_HASH_BYTES: Final = 16
"""No two of 10^12 lines share one by chance."""


_written: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""Writes a value in one form. Values that Python calls equal, like 1 and true, are not the same there."""
_as_encoded: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def value_at(document: Any, path: str) -> Any:  # noqa: ANN401 -- JSON can be anything
    """Give a field's value, whether objects are nested or their names are dotted; None where there is none."""
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    head, dot, rest = path.partition(".")
    return value_at(document.get(head), rest) if dot else None


def differences(expected: Document, actual: Document) -> tuple[Difference, ...]:
    """Give the fields in which ``actual`` is not ``expected``, in the order of their names."""
    expected, actual = _without_all(expected, _LOOKED_UP), _without_all(actual, _LOOKED_UP)
    if _written(expected) == _written(actual):
        return ()
    left, right = dict(_leaves(expected)), dict(_leaves(actual))
    return tuple(
        Difference(path, left.get(path), right.get(path))
        for path in sorted(left.keys() | right.keys())
        if _written(left.get(path)) != _written(right.get(path))
    )


def is_written(document: Document, text: str) -> bool:
    """Tell whether a document is, member for member, what the encoder wrote as ``text``."""
    return _as_encoded(document) == text


def by_line_alone(document: Document) -> Document:
    """Give what of a document hangs on the line and not on the way it took."""
    document = _without_all(document, (*_OF_THE_WAY, *_LOOKED_UP))
    if value_at(document, "log.syslog.hostname") is None:
        document = _without(document, ("observer", "name"))  # it is the sender
    return document


def _without_all(tree: Document, paths: Iterable[tuple[str, ...]]) -> Document:
    for path in paths:
        tree = _without(tree, path)
    return tree


def _without(tree: Document, path: tuple[str, ...]) -> Document:
    """Give a tree without a leaf, and without the objects that it leaves empty; only what changes is copied."""
    head, *rest = path
    child = tree.get(head)
    if rest:
        left = _without(child, tuple(rest)) if isinstance(child, dict) else child
        if left is child:
            return tree
        if left:
            return {**tree, head: left}
    return {name: value for name, value in tree.items() if name != head} if head in tree else tree


def key(document: Document) -> bytes:
    """Give the same hash for two documents that may be of the same line, in whatever way it came."""
    kind = value_at(document, "haproxy.line")
    if kind == "unparsed" or value_at(document, "haproxy.truncated") == "line":
        for field in ("event.original_base64", "event.original"):
            kept = value_at(document, field)
            if kept is not None:
                return _hash(_written([field, kept]))
    bare = by_line_alone(document)
    return _hash(_written(bare if kind == "traffic" else _without(bare, ("@timestamp",))))


def pair_key(document: Document) -> bytes | None:
    """Give a hash of what is likely still the same in a document that was altered; None where nothing is."""
    for path in ("event.original", "message"):
        said = value_at(document, path)
        if said is not None:
            return _hash(repr(said))
    address = value_at(document, "source.address")
    if address is None:
        return None
    return _hash(repr((value_at(document, "@timestamp"), address, value_at(document, "source.port"))))


def text_key(text: object) -> bytes:
    """Give the same hash for a raw line and for its message alone: a shipper may keep the syslog header or not."""
    raw = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
    message = raw[len(match_header(raw)) :].decode("utf-8", "replace")
    return _hash(message.strip())


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_HASH_BYTES).digest()


def _leaves(tree: Document, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
