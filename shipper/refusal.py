"""What is known of a document that Elasticsearch refused for good: delivery tells it, dead letters keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipper.journal.entry import Line


@dataclass(frozen=True, slots=True)
class Refusal:
    """One document and its refusal."""

    id: str
    """Its `_id`."""
    index: str
    """The index that refused it."""
    line: Line
    """The line it was made of."""
    document: bytes
    """The JSON that was sent."""
    tries: int
    """Requests that carried it."""
    status: int
    """The item's status, or the request's."""
    type: str
    reason: str
    """What Elasticsearch said."""
    caused_by: str
    """And what it named as the cause; empty when nothing."""
    field: str | None
    """The field it complained of, where it is known."""
