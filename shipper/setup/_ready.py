"""May documents be sent to this index? Asked before the first document of a new index, and on every reconnect.

1. An index that exists is judged by its `@timestamp` alone: no template can change it any more.
2. An index that does not exist is judged by what Elasticsearch would make of its name, whichever template that is.
3. An answer that Elasticsearch would not give, such as a proxy's page with a 200 or its 404 to a simulation, and one
   that may pass are Retryable: they say nothing of the index.
4. A newer shipper's template will do; an older one's would leave this version's fields unindexed, so it will not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import Retryable
from shipper.setup._check import Problem
from shipper.setup._client import BAD_REQUEST, NOT_FOUND, OK, may_pass, reason_of
from shipper.setup._install import Change
from shipper.setup._templates import Stamp, index_name, mapping, mapping_stamp

if TYPE_CHECKING:
    from datetime import datetime

    from shipper.config import Index
    from shipper.setup._client import Named

_SHOWN_CHARS: Final = 200
"""Of an answer that cannot be read: enough to see whose it is."""


def ready(client: Named, name: str) -> str | None:
    """Give None when documents may be sent to the index `name`, or else the reason why not, and what to do.

    Raises Retryable when nothing can be said of it now.
    """
    status, answer = client.request("GET", f"/{name}/_mapping")
    if status == OK:
        return _judge_index(name, answer)
    if status != NOT_FOUND:
        return _unknown(f"index {name}: its mapping could not be read", client, status, answer)
    status, answer = client.request("POST", f"/_index_template/_simulate_index/{name}")
    if status == NOT_FOUND:
        raise Retryable(f"index {name}: what answers knows no simulation: {reason_of(status, answer)}")
    if status != OK:
        return _unknown(f"index {name}: its template could not be simulated", client, status, answer)
    return _judge_template(name, _inner(answer, "template", "mappings"))


def ensure_tomorrow(client: Named, index: Index, now: datetime) -> Change | Problem:
    """Create the index of the day after `now` (UTC), so that midnight finds it there; twice is once.

    Nothing is created while the template is not ours: such an index would keep the wrong mapping for its whole day.
    """
    name = index_name(index, now + timedelta(days=1))
    reason = ready(client, name)
    if reason is not None:
        return Problem("mapping", reason)
    status, answer = client.request("PUT", f"/{name}")
    if status == OK:
        return Change("created", f"index {name}")
    if status == BAD_REQUEST and "resource_already_exists_exception" in reason_of(status, answer):
        return Change("unchanged", f"index {name}")
    return Problem("refused", f"index {name} could not be created: {reason_of(status, answer)}")


def _unknown(message: str, client: Named, status: int, answer: object) -> str:
    """Give the reason to hold the index, unless the same question may be answered later."""
    reason = f"{message}: {reason_of(status, answer)}"
    if may_pass(status):
        raise Retryable(f"{reason}, from {client.peer}")
    return reason


def _judge_index(name: str, answer: object) -> str | None:
    entries = _inner(answer)
    for real_name, entry in entries.items():
        found = _timestamp(_inner(entry, "mappings"))
        if found != _timestamp(mapping()):
            return (
                f"index {real_name} exists with another mapping of @timestamp ({found or 'none'}), which cannot be "
                f"changed: reindex or delete it, or choose another index.prefix"
            )
    return None if entries else f"index {name}: its mapping came back empty"


def _judge_template(name: str, found: Mapping[str, Any]) -> str | None:
    stamp, ours = Stamp.of(found), mapping_stamp()
    if stamp is None:
        return f"index {name} would not be made by shipper's template: run `shipper setup`; `shipper check` tells why"
    if stamp.version < ours.version:
        return f"index {name} would be made by the template of an older shipper: run `shipper setup`"
    if stamp.version == ours.version and stamp.hash != ours.hash:
        return f"index {name} would be made by another template than this version's: run `shipper setup`"
    if stamp == ours and _timestamp(found) != _timestamp(mapping()):
        return f"index {name} would get another @timestamp ({_timestamp(found)}): mend the custom component template"
    return None


def _timestamp(mappings: Mapping[str, Any]) -> object:
    return _inner(mappings, "properties").get("@timestamp")


def _inner(answer: object, *path: str) -> Mapping[str, Any]:
    """Give the object at ``path``, an empty one where there is none."""
    for key in path:
        answer = _object(answer).get(key, {})
    return _object(answer)


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Retryable(
            f"this answer is not Elasticsearch's, but of something before it: {str(value)[:_SHOWN_CHARS]!r}"
        )
    return value
