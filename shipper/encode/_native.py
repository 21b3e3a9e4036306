"""The native engine: batches are encoded in Rust, and only what that declines is encoded here, by the Python engine.

1. The bytes are those of the Python engine, whichever share of the lines is native: a property test says so.
2. Nothing is done here for a line that was not declined.
3. What rules hide and files know of values is asked of Python once a batch: each distinct value (``_answers``).
4. What the native engine knows of time zones it learns by year, from the one definition (``certain_offsets``): the
   year in which lines come at once, and others once lines were declined for want of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import shipper_native

from shipper.encode._answers import Question, questions_of
from shipper.encode._portable import documents_of, portable_groups, portable_plan
from shipper.encode._python import Encoder, LineContext
from shipper.encode.body import Body, Encoded, HiddenLines, item_of
from shipper.haproxy.timestamps import TIMESTAMP_US_MAX, certain_offsets
from shipper.journal.entry import LINE_HEADER, Flag
from shipper.limits import BULK_BYTES_MAX, ZONE_YEARS_MAX
from shipper.listen_url import FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.config import Interpretation
    from shipper.encode._python import Enricher
    from shipper.journal.entry import Batch, Entry, Line, Origin

VERSION: Final = shipper_native.__version__
BUILD: Final = shipper_native.__build__


class NativeEncoder(Encoder):
    """Encodes batches that share one interpretation, as ``Encoder`` does."""

    def __init__(self, interpretation: Interpretation, enricher: Enricher | None = None) -> None:
        super().__init__(interpretation, enricher=enricher)
        formats = [known for group in portable_groups(interpretation) for known in documents_of(group)]
        asked = {known: questions_of(known, self.hider, enricher) for known in formats}
        self._questions: list[Question] = [question for known in formats for question in asked[known]]
        self._engine = shipper_native.Engine(portable_plan(interpretation, asked))
        self._names = [known.name for known in formats]
        self._zone_names: dict[int, str] = {}
        self._learnt: set[tuple[int, int]] = set()
        self.declined = 0
        """Lines that Python encoded."""

    def encode(self, batch: Batch) -> Encoded:
        """Encode every line of ``batch``, in its order within each index. Never raises for a line's bytes."""
        entries = [self._entry(entry) for entry in batch.entries]
        encoding = self._engine.encode(entries, self._answers(entries))
        rest = _Rest(self)
        rest.encode(batch, encoding.declined)
        self.declined += len(encoding.declined)
        self._learn(encoding.unknown)
        indices = {day: rest.index(self._days[day]) for day in encoding.days}
        source = HiddenLines(batch, self.hider) if self.hider else batch
        bodies = tuple(
            Body(rest.names[index], content, array("Q", ends), array("Q", numbers), source)
            for index, content, ends, numbers in encoding.bodies(indices, rest.items, BULK_BYTES_MAX)
        )
        skews = [(number, batch.entries[entry].origins[origin], us) for number, entry, origin, us in encoding.skews]
        by_origin = {origin: us for _, origin, us in sorted(skews + rest.skews, key=itemgetter(0))}
        noticed = rest.unparsed, rest.undated, self._log_formats(batch, encoding, rest), by_origin
        return Encoded(bodies, *noticed, rest.line.failure)

    def _entry(self, entry: Entry) -> shipper_native.Entry:
        year = datetime.fromtimestamp(min(entry.received_us, TIMESTAMP_US_MAX) // 1_000_000, UTC).year
        origins = [self._origin(origin, year) for origin in entry.origins]
        return entry.segment, entry.received_us, entry.table, entry.data, entry.data_offset, origins

    def _answers(self, entries: Sequence[shipper_native.Entry]) -> list[list[shipper_native.Answer]]:
        if not self._questions:
            return []
        values = zip(self._questions, self._engine.ask(entries), strict=True)
        return [[question.answer(value) for value in asked] for question, asked in values]

    def _origin(self, origin: Origin, year: int) -> shipper_native.Origin:
        name = self.zones[origin]
        zone = self._engine.zone(name)
        self._zone_names[zone] = name
        self._learn([(zone, year)])
        return zone, origin.address, not origin.address.startswith("/"), origin.address.startswith(FILE)

    def _learn(self, unknown: Sequence[tuple[int, int]]) -> None:
        for zone, year in unknown:
            if (zone, year) not in self._learnt and len(self._learnt) < ZONE_YEARS_MAX:
                self._engine.learn(zone, year, certain_offsets(self._zone_names[zone], year))
                self._learnt.add((zone, year))

    def _log_formats(self, batch: Batch, encoding: shipper_native.Encoding, rest: _Rest) -> dict[Origin, str]:
        """Give the format of each entry's last line, by origin."""
        found: dict[Origin, str] = {}
        number = 0
        for entry in batch.entries:
            number += len(entry)
            if len(entry):
                place = encoding.format(number - 1)
                name = rest.log_formats.get(number - 1, "") if place is None else self._names[place]
                origin = LINE_HEADER.unpack_from(entry.table, len(entry.table) - LINE_HEADER.size)[2]
                if name:
                    found[entry.origins[origin]] = name
        return found


class _Rest:
    """The lines of a batch that the native engine declined, encoded by the Python engine."""

    def __init__(self, encoder: NativeEncoder) -> None:
        self._encoder = encoder
        self._numbers: dict[str, int] = {}
        self.line = LineContext(encoder.interpretation, zone="UTC")
        self.items: list[tuple[int, int, bytes]] = []
        self.unparsed: dict[Origin, int] = defaultdict(int)
        self.undated: dict[Origin, int] = defaultdict(int)
        self.log_formats: dict[int, str] = {}
        self.skews: list[tuple[int, Origin, int]] = []

    @property
    def names(self) -> list[str]:
        """The names of the indices, by their numbers."""
        return list(self._numbers)

    def index(self, name: str) -> int:
        """Give the number of an index."""
        return self._numbers.setdefault(name, len(self._numbers))

    def encode(self, batch: Batch, declined: Sequence[int]) -> None:
        """Encode the lines with these numbers, which rise."""
        first = taken = 0
        for entry in batch.entries:
            end = first + len(entry)
            until = bisect_left(declined, end, taken)
            if until > taken:
                chosen = {number - first for number in declined[taken:until]}
                for place, line in enumerate(entry.lines()):
                    if place in chosen:
                        self._encode(first + place, line)
            first, taken = end, until

    def _encode(self, number: int, line: Line) -> None:
        context = self.line
        context.zone, context.sender = self._encoder.zones[line.origin], line.origin.address
        context.received_us = context.near_us = line.received_us
        context.cut = Flag.CUT in line.flags
        document = self._encoder.document(line.raw, context)
        index = self.index(self._encoder.index_of(context.index_us))
        self.items.append((number, index, item_of(line.position.id(), document)))
        self.log_formats[number] = context.log_format
        if context.skew_us:
            self.skews.append((number, line.origin, context.skew_us))
        if not context.known:
            self.unparsed[line.origin] += 1
        if not context.dated:
            self.undated[line.origin] += 1
