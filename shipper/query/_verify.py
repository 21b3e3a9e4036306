"""Verification: whether each captured line is in Elasticsearch as the document that it should be.

1. `direct`: a direct replay gave each line an `_id` of its own. Each document is asked for by it, and compared whole.
2. `live`: a line that came over a socket has another `_id`. Documents and lines are counted by a hash of what hangs on
   the line alone; of equal lines it is the last that are called missing. A line without a document and a document
   without a line that still have time, client and port in common are one line whose document was altered.
3. `field`: the lines of another shipper. They are counted in the same way, by the raw text in one field.
4. Memory is bounded: batches, pages, and a temporary database on disk.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from shipper.errors import ShipperError
from shipper.limits import QUERY_BYTES_MAX, QUERY_DOCUMENTS_MAX, VERIFY_FIELDS_MAX
from shipper.query._compare import by_line_alone, differences, is_written, key, pair_key, text_key, value_at
from shipper.query._findings import Altered, Missing, Surplus, Verification
from shipper.query._multiset import DocumentKeys, LineKeys, Multiset
from shipper.query._zones import SAMPLE_LINES_MAX, difference_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from shipper.query._findings import Difference, Document, Expected, Tell, Way
    from shipper.query._multiset import Left
    from shipper.query._reading import Documents, Hit

OTHER_FIELDS: Final = "other fields"
_MARGIN: Final = "2m"
"""Around the lines' own time: a line without a date has that of its receipt, or of the line beside it."""


@dataclass(slots=True)
class _Tally:
    """What was found so far."""

    way: Way
    tell: Tell
    lines: int = 0
    missing: int = 0
    altered: int = 0
    surplus: int | None = None
    fields: Counter[str] = field(default_factory=Counter)
    off_by_s: int = 0
    sample: list[Expected] = field(default_factory=list)
    """Some of the missing lines."""

    def miss(self, line: Expected) -> None:
        self.missing += 1
        if len(self.sample) < SAMPLE_LINES_MAX:
            self.sample.append(line)
        self.tell(Missing(line.file, line.offset, line.raw))

    def compare(self, line: Expected, index: str, id_: str, found: tuple[Difference, ...]) -> None:
        if not found:
            return
        self.altered += 1
        for each in found:
            known = each.field in self.fields or len(self.fields) < VERIFY_FIELDS_MAX
            self.fields[each.field if known else OTHER_FIELDS] += 1
        self.tell(Altered(line.file, line.offset, line.raw, index, id_, found))

    def spare(self, index: str, id_: str) -> None:
        self.surplus = (self.surplus or 0) + 1
        self.tell(Surplus(index, id_))

    def result(self) -> Verification:
        return Verification(
            self.way, self.lines, self.missing, self.altered, self.surplus, dict(self.fields), off_by_s=self.off_by_s
        )


# -- by id -----------------------------------------------------------------------------------------------------------


def is_direct(documents: Documents, first: Sequence[Expected]) -> bool:
    """Tell whether one of the ``first`` lines of a capture has a document with the `_id` of a direct replay."""
    return any(found is not None for found in documents.get([(line.index, line.id) for line in first]))


def verify_direct(documents: Documents, expected: Iterable[Expected], tell: Tell) -> Verification:
    """Ask for the document of each line by its `_id`. Findings are told in the order of the lines."""
    tally = _Tally("direct", tell)
    for batch in _batches(expected):
        stored = documents.get([(line.index, line.id) for line in batch])
        for line, document in zip(batch, stored, strict=True):
            tally.lines += 1
            if document is None:
                tally.miss(line)
            elif not is_written(document, line.document):
                tally.compare(line, line.index, line.id, differences(json.loads(line.document), document))
    return tally.result()


def _batches(expected: Iterable[Expected]) -> Iterator[list[Expected]]:
    batch: list[Expected] = []
    size = 0
    for line in expected:
        batch.append(line)
        size += len(line.document)
        if len(batch) >= QUERY_DOCUMENTS_MAX or size >= QUERY_BYTES_MAX:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


# -- by content ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Received:
    """The documents that came between two moments, as timestamps: those of a replay over the network."""

    first: str
    last: str

    @property
    def query(self) -> Mapping[str, object]:
        """What finds them."""
        return {"range": {"event.created": {"gte": self.first, "lte": self.last}}}


class _Keys(Protocol):
    """How lines and documents are made comparable."""

    way: Way
    fields: Sequence[str]
    """All that is needed of a document; empty: the whole."""

    def of_line(self, line: Expected) -> tuple[bytes, bytes | None, str]:
        """Give a line's key, the key by which it is paired with what it may have become, and its time."""

    def of_document(self, hit: Hit) -> tuple[bytes | None, bytes | None, str]:
        """Give the same of a document; it has no key when no line can be found in it."""


class _ByDocument:
    """Compares the whole document."""

    way: Way = "live"
    fields: Sequence[str] = ()

    def of_line(self, line: Expected) -> tuple[bytes, bytes | None, str]:
        return self._keys(json.loads(line.document))

    def of_document(self, hit: Hit) -> tuple[bytes, bytes | None, str]:
        return self._keys(hit.source)

    @staticmethod
    def _keys(document: Document) -> tuple[bytes, bytes | None, str]:
        return key(document), pair_key(document), str(value_at(document, "@timestamp"))


class _ByField:
    """Compares the raw line with one field, as another shipper may write it."""

    way: Way = "field"

    def __init__(self, name: str) -> None:
        self.fields: Sequence[str] = (name,)
        self._name = name

    def of_line(self, line: Expected) -> tuple[bytes, bytes | None, str]:
        return text_key(line.raw), None, ""

    def of_document(self, hit: Hit) -> tuple[bytes | None, bytes | None, str]:
        text = value_at(hit.source, self._name)
        return None if text is None else text_key(text), None, ""


def verify_live(
    documents: Documents,
    pattern: str,
    expected: Callable[[], Iterable[Expected]],
    tell: Tell,
    received: Received | None = None,
) -> Verification:
    """Count documents against lines: those that were ``received`` in some time, or else those of the lines' own time.

    ``expected`` is called again when something is missing, to tell what. Surplus documents are told after the lines.
    """
    return _by_content(documents, pattern, expected, tell, keys=_ByDocument(), received=received)


def verify_field(
    documents: Documents, pattern: str, expected: Callable[[], Iterable[Expected]], tell: Tell, name: str
) -> Verification:
    """Count the raw lines against what all documents have in the field ``name``, with the syslog header or without."""
    return _by_content(documents, pattern, expected, tell, keys=_ByField(name), received=None)


def _by_content(
    documents: Documents,
    pattern: str,
    expected: Callable[[], Iterable[Expected]],
    tell: Tell,
    *,
    keys: _Keys,
    received: Received | None,
) -> Verification:
    tally = _Tally(keys.way, tell, surplus=0)
    with closing(Multiset()) as counted:
        times = _Times()
        counted.add_lines(_keys_of_lines(expected(), keys, times, tally))
        if tally.lines:
            documents.refresh(pattern)
            hits = documents.search(pattern, received.query if received else times.query, keys.fields)
            counted.add_documents(_keys_of_documents(hits, keys, None if received else times))
            counted.settle()
            _tell_lines(counted.left_lines(), expected, documents, tally)
            for index, id_ in counted.surplus():
                tally.spare(index, id_)
            if tally.way == "live":
                within = received.query if received else None
                with suppress(ShipperError):  # it is a hint
                    tally.off_by_s = difference_s(documents, pattern, tally.sample, within)
    return tally.result()


@dataclass(slots=True)
class _Times:
    """The first and the last time of the lines, as timestamps; both empty where times do not count."""

    first: str = ""
    last: str = ""

    def add(self, timestamp: str) -> None:
        self.first = min(self.first or timestamp, timestamp)
        self.last = max(self.last, timestamp)

    @property
    def query(self) -> Mapping[str, object]:
        """What finds the documents of this time, and a little around it."""
        if not self.last:
            return {"match_all": {}}
        return {"range": {"@timestamp": {"gte": f"{self.first}||-{_MARGIN}", "lte": f"{self.last}||+{_MARGIN}"}}}


def _keys_of_lines(lines: Iterable[Expected], keys: _Keys, times: _Times, tally: _Tally) -> Iterator[LineKeys]:
    for number, line in enumerate(lines):
        key_, pair, timestamp = keys.of_line(line)
        times.add(timestamp)
        tally.lines += 1
        yield LineKeys(number, key_, pair)


def _keys_of_documents(hits: Iterable[Hit], keys: _Keys, times: _Times | None) -> Iterator[DocumentKeys]:
    for hit in hits:
        key_, pair, timestamp = keys.of_document(hit)
        counts = times is None or times.first <= timestamp <= times.last
        yield DocumentKeys(hit.index, hit.id, key_, pair, counts)


def _tell_lines(
    left: Iterator[Left], expected: Callable[[], Iterable[Expected]], documents: Documents, tally: _Tally
) -> None:
    """Read the lines once more, as far as there are such that no document took."""
    batch: list[tuple[Expected, tuple[str, str] | None]] = []
    wanted = next(left, None)
    lines = iter(enumerate(expected())) if wanted else iter(())
    for number, line in lines:
        if wanted is None:
            break
        if number == wanted.line:
            batch.append((line, wanted.document))
            wanted = next(left, None)
        if len(batch) >= QUERY_DOCUMENTS_MAX:
            _tell_batch(batch, documents, tally)
            batch.clear()
    _tell_batch(batch, documents, tally)


def _tell_batch(batch: Sequence[tuple[Expected, tuple[str, str] | None]], documents: Documents, tally: _Tally) -> None:
    """Tell of lines that no document took: that they are missing, or in which fields their document differs."""
    where = [document for _, document in batch if document is not None]
    stored = dict(zip(where, documents.get(where), strict=True))
    for line, document in batch:
        actual = None if document is None else stored[document]
        if document is None or actual is None:
            tally.miss(line)
        else:
            expected = by_line_alone(json.loads(line.document))
            tally.compare(line, *document, differences(expected, by_line_alone(actual)))
