"""The policy by which Elasticsearch deletes days itself, where it has ILM: not every distribution does.

1. The policy has the prefix's name and the stamp of shipper. One of this name that is somebody else's stays as it is.
2. ILM counts from an index's creation, or from the date in its name where it can read that: only `%Y.%m.%d`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.errors import Permanent, Retryable
from shipper.setup._check import Problem
from shipper.setup._client import NOT_FOUND, OK, may_pass, reason_of
from shipper.setup._install import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Index
    from shipper.setup._client import Client

VERSION: Final = 1
_READABLE: Final = "%Y.%m.%d"


def lifecycle_settings(index: Index) -> dict[str, str]:
    """Give the index settings that put each new day under the policy."""
    settings = {"index.lifecycle.name": index.prefix}
    if index.date_format == _READABLE:
        settings["index.lifecycle.parse_origination_date"] = "true"
    return settings


def install_policy(client: Client, index: Index, keep_days: int) -> Change:
    """Install or update the policy. Raises Permanent where there is no ILM, or a policy that is not shipper's."""
    subject, wanted = _subject(index), _policy(keep_days)
    stored = _stored(client, index)
    if stored is not None and stored["_meta"] == wanted["_meta"]:
        return Change("unchanged", subject)
    status, answer = client.request("PUT", f"/_ilm/policy/{index.prefix}", {"policy": wanted})
    if status != OK:
        message = f"{subject} was refused: {reason_of(status, answer)}"
        raise Retryable(message) if may_pass(status) else Permanent(message)
    return Change("created" if stored is None else "updated", subject, (f"days are deleted after {keep_days} days",))


def check_policy(client: Client, index: Index, keep_days: int) -> Problem | None:
    """Say what is wrong with the policy. Raises Retryable."""
    try:
        stored = _stored(client, index)
    except Permanent as error:
        return Problem("unreadable", str(error))
    if stored is None:
        return Problem("missing", f"{_subject(index)} is missing: run `shipper setup`")
    if stored["_meta"] != _policy(keep_days)["_meta"]:
        return Problem("differs", f"{_subject(index)} is not that of {keep_days} days: run `shipper setup`")
    return None


def _subject(index: Index) -> str:
    return f"ILM policy {index.prefix}"


def _stored(client: Client, index: Index) -> Mapping[str, Any] | None:
    """Give shipper's policy; None where there is none. Raises Retryable or Permanent, for another's as well."""
    subject = _subject(index)
    status, answer = client.request("GET", f"/_ilm/policy/{index.prefix}")
    if status not in {OK, NOT_FOUND}:
        message = f"{subject} could not be read: {reason_of(status, answer)}"
        raise Retryable(message) if may_pass(status) else Permanent(_unless_there_is_none(message, answer))
    stored: Mapping[str, Any] | None = answer.get(index.prefix, {}).get("policy") if status == OK else None
    if stored is not None and "shipper" not in (stored.get("_meta") or {}):
        raise Permanent(f"{subject} exists and was not made by shipper, so it stays as it is; rename or delete it")
    return stored


def _policy(keep_days: int) -> dict[str, Any]:
    return {
        "_meta": {"shipper": {"version": VERSION, "keep_days": keep_days}},
        "phases": {
            "hot": {"min_age": "0ms", "actions": {}},
            "delete": {"min_age": f"{keep_days + 1}d", "actions": {"delete": {}}},
        },
    }


def _unless_there_is_none(message: str, answer: Mapping[str, Any]) -> str:
    """Say so where the server does not know the path at all."""
    missing = "no handler found" in str(answer.get("error") if isinstance(answer, dict) else "")
    return f'this Elasticsearch has no ILM; set retention.by = "shipper" ({message})' if missing else message
