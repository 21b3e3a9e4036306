"""Are the documents exactly the lines? Requests as multisets, value by value; all other lines by their number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.demo import _requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.demo._requests import Request


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was sent beside what is there."""

    requests: int
    """Lines of requests that were sent."""
    others: int
    """Other lines that were sent."""
    other_documents: int
    """Documents that are no requests."""
    missing: tuple[Request, ...]
    """Sent, but not there."""
    surplus: tuple[Request, ...]
    """There, but not sent; twice there counts as well."""
    unreadable: tuple[str, ...]
    """Documents of requests that lack a field which every such line has."""

    @property
    def exact(self) -> bool:
        """True when the documents are the lines, no more and no less, and there are some."""
        differs = self.missing or self.surplus or self.unreadable or self.others != self.other_documents
        return self.requests > 0 and not differs


def compare(lines: Iterable[bytes], documents: Iterable[Mapping[str, Any]]) -> Comparison:
    """Compare recorded datagrams with the documents of all indices."""
    sent: Counter[Request | None] = Counter(_requests.from_line(line) for line in lines)
    there: Counter[Request | None] = Counter()
    unreadable = []
    for document in documents:
        if document["haproxy"]["line"] != "traffic":
            there[None] += 1
            continue
        try:
            there[_requests.from_document(document)] += 1
        except KeyError as error:
            unreadable.append(f"no {error} in {document}")
    others, other_documents = sent.pop(None, 0), there.pop(None, 0)
    return Comparison(
        requests=sent.total(),
        others=others,
        other_documents=other_documents,
        missing=tuple(request for request in (sent - there).elements() if request),
        surplus=tuple(request for request in (there - sent).elements() if request),
        unreadable=tuple(unreadable),
    )
