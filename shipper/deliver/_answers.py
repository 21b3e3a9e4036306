"""What a bulk answer means: bytes in, outcomes out. Pure; no bytes whatever raise an exception.

1. A batch is judged by its items, never by its HTTP status alone; an answer that does not fit what was sent (no JSON,
   another number of items) says nothing of any item, and the request counts as failed.
2. Only what speaks of the document makes a dead letter. What speaks of the index, the cluster or the credentials is
   waited for, so that nothing is discarded for a fault outside the document.
3. What is unknown is waited for as well, unless it is a 400: that is said of the document as it was sent.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from shipper.limits import REASON_CHARS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.elastic import Answer


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something was refused, in Elasticsearch's words."""

    status: int
    type: str
    reason: str
    caused_by: str = ""
    field: str | None = None
    by: str = ""
    """Who answered so, where it is said of the whole request."""

    def __str__(self) -> str:
        said = ": ".join(filter(None, (self.type, self.reason))) or f"status {self.status}"
        told = f"{said} ({self.caused_by})" if self.caused_by else said
        return f"{told}, from {self.by}" if self.by else told


@dataclass(frozen=True, slots=True)
class Again:
    """The item alone is sent again, after a back-off."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Refused:
    """The document can never be indexed: a dead letter."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class IndexHeld:
    """The index takes nothing until a person mends it; the document is as good as any."""

    cause: Cause


Trouble = Again | Refused | IndexHeld


@dataclass(frozen=True, slots=True)
class Items:
    """A verdict on each item: those without trouble are in the index, ``already_there`` of them from before."""

    already_there: int
    troubles: Mapping[int, Trouble]


class Remedy(enum.Enum):
    """What is done about a request that failed as a whole."""

    AGAIN = "again"
    """The same bytes, after a back-off."""
    SHRINK = "shrink"
    """In halves, down to one document; that one is too large for good."""
    HALVE = "halve"
    """In halves, down to one document; when single ones are refused alike, the fault is not theirs."""
    PAUSE = "pause"
    """All of delivery waits for a person."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The request failed as a whole; nothing is known of any item."""

    remedy: Remedy
    cause: Cause


_OK: Final = range(200, 300)
_WHOLE: Final = 200
_CONFLICT: Final = 409
_BAD: Final = 400
_TOO_LARGE: Final = 413
_BUSY: Final = 429
_ERRORS: Final = range(500, 600)
_CLIENT_ERRORS: Final = range(400, 500)

_REMEDIES: Final = {401: Remedy.PAUSE, 403: Remedy.PAUSE, 408: Remedy.AGAIN, 413: Remedy.SHRINK, 429: Remedy.AGAIN}

_PASSING: Final = frozenset(
    {"cluster_block_exception", "es_rejected_execution_exception", "resource_already_exists_exception"}
)
"""Passes by itself, whatever the status: a block is lifted, a queue drains, another shipper made the index first."""

_OF_THE_INDEX: Final = frozenset(
    {
        "index_closed_exception",
        "index_not_found_exception",
        "invalid_index_name_exception",
        "security_exception",
        "validation_exception",
    }
)

_FIELD: Final = re.compile(
    r"""field\ ?=?\ ?[\["](?P<field>[^\]"]+)[\]"] | mapper\ \[(?P<mapper>[^\]]+)\]
      | introduction\ of\ \[(?P<strict>[^\]]+)\] | object\ mapping\ for\ \[(?P<object>[^\]]+)\]""",
    re.VERBOSE,
)
_DEPTH_MAX: Final = 8
"""Levels of `caused_by` that are told; Elasticsearch's own messages have two or three."""


def read(answer: Answer, count: int) -> Items | Failed:
    """Read the answer to a bulk request of ``count`` items."""
    if answer.status == _WHOLE and answer.body == _all_created(count):
        return Items(0, {})
    content = _json(answer.body)
    if answer.status not in _OK:
        return Failed(_remedy(answer.status), _whole_cause(answer, content))
    items = _items(content, count)
    if items is None:
        reason = f"the answer does not fit the {count} items that were sent"
        return Failed(Remedy.AGAIN, Cause(answer.status, "unreadable_answer", reason, by=answer.by))
    return items


@lru_cache(maxsize=64)
def _all_created(count: int) -> bytes:
    """Write the usual answer as Elasticsearch does: every item is new. It need not be read item by item."""
    return b'{"errors":false,"items":[%b]}' % b",".join([b'{"create":{"status":201}}'] * count)


def _remedy(status: int) -> Remedy:
    return _REMEDIES.get(status, Remedy.HALVE if status in _CLIENT_ERRORS else Remedy.AGAIN)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _items(content: object, count: int) -> Items | None:
    """Read the items, or give None when they are not what was asked about."""
    if not isinstance(content, Mapping):
        return None
    items, errors = content.get("items"), content.get("errors")
    if not isinstance(items, list) or len(items) != count or not isinstance(errors, bool):
        return None
    already_there = 0
    troubles: dict[int, Trouble] = {}
    for number, item in enumerate(items):
        result = item.get("create") if isinstance(item, dict) else None
        if not isinstance(result, dict) or type(status := result.get("status")) is not int:
            return None
        if status in _OK:
            continue
        trouble = _trouble(_cause(status, result.get("error")))
        if trouble is None:
            already_there += 1
        else:
            troubles[number] = trouble
    return Items(already_there, troubles)


def _trouble(cause: Cause) -> Trouble | None:
    """Classify an item that is not 2xx; None says that its document is there already."""
    if cause.status == _CONFLICT and cause.type in {"", "version_conflict_engine_exception"}:
        return None
    if cause.status in {_BUSY, _CONFLICT} or cause.status in _ERRORS or cause.type in _PASSING:
        return Again(cause)
    if cause.type in _OF_THE_INDEX or (cause.type == "illegal_argument_exception" and cause.field is None):
        return IndexHeld(cause)
    if cause.status in {_BAD, _TOO_LARGE}:
        return Refused(cause)
    return IndexHeld(cause) if cause.status in _CLIENT_ERRORS else Again(cause)


def _whole_cause(answer: Answer, content: object) -> Cause:
    cause = _cause(answer.status, content.get("error") if isinstance(content, Mapping) else None)
    return replace(cause, by=answer.by)


def _cause(status: int, error: object) -> Cause:
    if not isinstance(error, Mapping):
        return Cause(status, "", _text(error))
    chain = list(_chain(error))
    said = "; ".join(f"{kind}: {reason}" for kind, reason in chain[1:])
    fields = (_field(reason) for _, reason in chain)
    kind, reason = chain[0]
    return Cause(status, kind, reason, said[:REASON_CHARS_MAX], next(filter(None, fields), None))


def _chain(error: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give type and reason of an error and of what caused it, outermost first."""
    current: object = error
    for _ in range(_DEPTH_MAX):
        if not isinstance(current, Mapping):
            return
        yield _text(current.get("type")), _text(current.get("reason"))
        current = current.get("caused_by")


def _field(reason: str) -> str | None:
    match = _FIELD.search(reason)
    return next(filter(None, match.groups()), None) if match else None


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:REASON_CHARS_MAX]
