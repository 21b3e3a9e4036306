"""Deletes the indices of days that are over for long enough, and no other.

1. An index is a day's when its name is the prefix, a `-`, and a date that, written again, is the same text. So neither
   another prefix's indices nor anything made by hand is ever taken for one.
2. Indices are deleted one by one, by their whole names: no pattern is ever sent to be deleted.
3. A day is over when Elasticsearch's clock says so as well: one that runs ahead must not empty the cluster.
4. What cannot be deleted now (a snapshot of it is being taken) is said, and the others are deleted all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shipper.errors import Permanent, Retryable
from shipper.setup._check import Problem
from shipper.setup._client import NOT_FOUND, OK, may_pass, reason_of
from shipper.setup._install import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.config import Index
    from shipper.setup._client import Client


@dataclass(frozen=True, slots=True)
class Day:
    """The index of a day (its begin, UTC)."""

    name: str
    begin: datetime
    documents: int | None
    """None for one that is closed."""
    size: int | None
    """Bytes on the disks, those of replicas with them."""


def days(client: Client, index: Index) -> list[Day]:
    """Give the indices of all days, the oldest first. Raises Retryable or Permanent."""
    path = (
        f"/_cat/indices/{index.pattern}?format=json&bytes=b&h=index,docs.count,store.size&expand_wildcards=open,closed"
    )
    status, answer = client.request("GET", path)
    if status != OK or not isinstance(answer, list):
        message = f"the indices {index.pattern} could not be listed: {reason_of(status, answer)}"
        raise Retryable(message) if status == OK or may_pass(status) else Permanent(message)
    found = [_day(row, begin) for row in answer if (begin := day_of(index, str(row.get("index")))) is not None]
    return sorted(found, key=lambda day: (day.begin, day.name))


def clock_of(client: Client) -> datetime:
    """Give the time by Elasticsearch's clocks, the slowest where they differ. Raises Retryable or Permanent."""
    status, answer = client.request("GET", "/_nodes/stats/process?filter_path=nodes.*.timestamp")
    nodes = answer.get("nodes") if status == OK and isinstance(answer, dict) else None
    if not nodes:
        message = f"the clock of Elasticsearch could not be read: {reason_of(status, answer)}"
        raise Retryable(message) if status == OK or may_pass(status) else Permanent(message)
    return datetime.fromtimestamp(min(node["timestamp"] for node in nodes.values()) / 1_000, UTC)


def day_of(index: Index, name: str) -> datetime | None:
    """Give the begin of the day whose index this is; None for any other index."""
    prefix = f"{index.prefix}-"
    if not name.startswith(prefix):
        return None
    try:
        begin = datetime.strptime(name.removeprefix(prefix), index.date_format).replace(tzinfo=UTC)
    except ValueError:
        return None
    return begin if prefix + begin.strftime(index.date_format) == name else None


def overdue(found: Sequence[Day], keep_days: int, now: datetime) -> list[Day]:
    """Give the days that have ended for ``keep_days`` or longer."""
    return [day for day in found if day.begin + timedelta(days=1 + keep_days) <= now]


def prune(client: Client, found: Sequence[Day]) -> list[Change | Problem]:
    """Delete the indices of these days, and say of each what became of it. Raises Retryable without an answer."""
    return [_delete(client, day) for day in found]


def _delete(client: Client, day: Day) -> Change | Problem:
    status, answer = client.request("DELETE", f"/{day.name}")
    if status in {OK, NOT_FOUND}:
        return Change("deleted", f"index {day.name}")
    return Problem("refused", f"index {day.name} was not deleted: {reason_of(status, answer)}")


def _day(row: dict[str, Any], begin: datetime) -> Day:
    documents, size = row.get("docs.count"), row.get("store.size")
    return Day(str(row["index"]), begin, _number(documents), _number(size))


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdigit() else None
