"""The Python engine: a batch of journal entries becomes bulk bodies.

1. ``haproxy.understand`` defines what a line means. Lines that a plan matches completely, nearly all, take a shorter
   way to the same bytes (``_template``); the others take the way through the record.
2. A document hangs on its line and the segment's interpretation alone, not on its neighbours: batches may be cut
   anywhere.
3. A document is one `create`; its `_id` is the line's position.
4. Beside the line and its interpretation only what is added (``Enricher``) decides: files of the user's, that change.
5. Where something is hidden, the document is that of the hidden line; so is what becomes a dead letter.
"""

from __future__ import annotations

import binascii
from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Protocol

from shipper.encode._remembered import Days, Headers, Zones
from shipper.encode._template import Odd, Source, Template, to_json
from shipper.encode.body import Bodies, Encoded, HiddenLines
from shipper.haproxy.formats import formats_in_use, frontend_of, groups_in_use
from shipper.haproxy.privacy import hider_of
from shipper.haproxy.record import DEFAULTS
from shipper.haproxy.syslog import match_header
from shipper.haproxy.timestamps import DAY_US, format_timestamp
from shipper.haproxy.understand import (
    Context,
    accept,
    bewildered,
    moment_of,
    original,
    skew,
    surroundings,
    understand,
    with_labels,
)
from shipper.journal.entry import LINE_HEADER, Flag
from shipper.limits import VALUES_REMEMBERED_MAX, VALUES_REMEMBERED_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from shipper.config import Interpretation
    from shipper.haproxy.fields import Part
    from shipper.haproxy.formats import CompiledFormat, FormatGroup
    from shipper.haproxy.privacy import Hider
    from shipper.haproxy.record import Attributes
    from shipper.haproxy.syslog import Header, Identity
    from shipper.journal.entry import Batch, Entry, Origin

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_CUT: Final = int(Flag.CUT)
_FEW: Final = 8
"""More formats share what is remembered of values."""


class Enricher(Protocol):
    """Adds to what a line gives, by looking up what it names. A pure function for as long as it lives."""

    def gives(self, names: Collection[str]) -> tuple[str, ...]:
        """Name the attributes that may be added where these are."""

    def fields(self, attributes: Attributes) -> Attributes:
        """Give what is to be added to these attributes."""


_GIVEN: Final = ("timestamp", "event_created", "event_original", "time_suspect")


class _FormatWriter:
    """A format and the template of its documents."""

    def __init__(
        self,
        known: CompiledFormat,
        interpretation: Interpretation,
        hider: Hider | None,
        enricher: Enricher | None,
        remembered_max: int,
        replay_id: str | None,
    ) -> None:
        self.name = known.name
        self._hide_line = hider.line if hider else None
        self._hidden = hider.values(known) if hider else ()
        self._clock = known.clock.read
        aliases = known.plan.aliases
        places = {alias: place for place, alias in reversed(list(enumerate(aliases)))}
        self._keep_original = interpretation.keep_original == "always"
        labels = dict(interpretation.labels)
        optional = frozenset(field.alias for field in known.plan.fields if field.kind.optional)
        constants: Attributes = DEFAULTS | known.constants
        if labels and not any("labels" in part.gives for part in known.parts):
            constants["labels"] = labels
        if replay_id is not None:
            constants["replay_id"] = replay_id
        plain = [part for part in known.parts if len(part.aliases) == 1 and part.only is None]
        parts = [*plain, *(part for part in known.parts if part not in plain)]
        self._plain = _all_of([places[part.aliases[0]] for part in plain])
        self._picks = [_pick([places[alias] for alias in part.aliases], part.only) for part in parts[len(plain) :]]
        self._template = Template(
            [
                *(_source(part, _reader(part, optional, labels), enricher) for part in parts),
                Source(_SURROUNDINGS, _read_surroundings),
                Source(tuple(constants), lambda _: constants),
            ],
            _GIVEN,
            remembered_max,
        )

    def write(self, raw: bytes, found: Sequence[bytes | None], header: Header, line: LineContext) -> str | None:
        """Write the document of a line that the format matched; None where the record has to decide."""
        instant = self._clock(found)
        if instant is None:
            return None
        event_us = moment_of(instant, header.moment, line.zone, line.received_us)
        start_us, line.index_us, suspect = accept(event_us, line.received_us, line.interpretation)
        line.skew_us = skew(event_us + instant.total_us, line.received_us)
        if self._hidden:
            found = list(found)
            for place, hide in self._hidden:
                value = found[place]
                if value:
                    found[place] = hide(value)
        values = (
            *self._plain(found),
            *[pick(found) for pick in self._picks],
            (header.identity, line.sender),
            None,
        )
        given = (
            f'"@timestamp":"{format_timestamp(start_us)}",',
            "" if line.received_us is None else f'"created":"{format_timestamp(line.received_us)}",',
            _original(self._hide_line(raw) if self._hide_line else raw) if self._keep_original else "",
            '"time_suspect":true,' if suspect else "",
        )
        try:
            return self._template.write(values, given)
        except Odd:
            return None


class _Lane:
    """A group of formats, and what writes the documents of each."""

    def __init__(self, group: FormatGroup, writers: Mapping[CompiledFormat, _FormatWriter]) -> None:
        self.match = group.plan.match
        self.is_for = group.is_for
        self.place = group.place
        self.first = writers[group.first]
        self.writers = {name: writers[known] for name, known in group.by_frontend.items()}


def _all_of(places: Sequence[int]) -> Callable[[Sequence[bytes | None]], Sequence[bytes | None]]:
    """Give what takes the values at these places out of a line's."""
    return itemgetter(*places) if len(places) > 1 else lambda found: [found[place] for place in places]


def _pick(places: Sequence[int], only: slice | None) -> Callable[[Sequence[bytes | None]], object]:
    """Give what takes a part's values out of a line's."""
    if only is None:
        return itemgetter(*places)
    return lambda found: tuple([(found[place] or b"")[only] for place in places])


def _reader(part: Part, optional: frozenset[str], labels: Mapping[str, str]) -> Callable[[Any], Attributes]:
    """Give what reads the value, or the values, that ``_pick`` takes out; the configured labels join the line's own."""
    read = part.read
    if labels and "labels" in part.gives:
        return lambda values: with_labels(read(*(value or b"" for value in _several(values))), labels)
    if not optional.isdisjoint(part.aliases):
        return lambda values: read(*(value or b"" for value in _several(values)))
    return read if len(part.aliases) == 1 and part.only is None else lambda values: read(*values)


def _source(part: Part, read: Callable[[Any], Attributes], enricher: Enricher | None) -> Source:
    """Give what a part gives, with what is added to it."""
    more = enricher.gives(part.gives) if enricher else ()
    if enricher is None or not more:
        return Source(part.gives, read, part.few)
    add = enricher.fields

    def enriched(values: Any) -> Attributes:  # noqa: ANN401 -- one value, or a tuple of them
        attributes = read(values)
        return attributes | add(attributes)

    return Source((*part.gives, *more), enriched, part.few)


def _several(values: Any) -> tuple[bytes | None, ...]:  # noqa: ANN401 -- one value, or a tuple of them
    return values if isinstance(values, tuple) else (values,)


_SURROUNDINGS: Final = (
    "syslog_priority",
    "syslog_facility",
    "syslog_severity",
    "syslog_hostname",
    "syslog_appname",
    "syslog_procid",
    "log_source_address",
    "log_file_path",
    "process_name",
    "process_pid",
    "observer_name",
)
"""What the header and the sender give."""


def _read_surroundings(key: tuple[Identity, str]) -> Attributes:
    return surroundings(*key)


def _original(raw: bytes) -> str:
    fields = {name.removeprefix("event_"): value for name, value in original(raw).items()}
    return to_json(fields)[1:-1] + ","


@dataclass(slots=True)
class LineContext:
    """What is known of the line at hand, and below what the encoder found out."""

    interpretation: Interpretation
    zone: str
    sender: str = ""
    near_us: int = 0
    received_us: int | None = None
    cut: bool = False

    index_us: int = 0
    skew_us: int = 0
    known: bool = True
    dated: bool = True
    log_format: str = ""
    failure: str = ""


class Encoder:
    """Encodes batches that share one interpretation.

    ``replay_id`` is that of a replay which changes the documents; ``enricher`` adds what it knows to each.
    """

    def __init__(
        self, interpretation: Interpretation, replay_id: str | None = None, enricher: Enricher | None = None
    ) -> None:
        self.interpretation = interpretation
        self._replay_id = replay_id
        formats = formats_in_use(interpretation.formats)
        remembered_max = max(VALUES_REMEMBERED_MAX * _FEW // max(len(formats), _FEW), VALUES_REMEMBERED_MIN)
        self.hider = hider = hider_of(interpretation)
        self._enricher = enricher
        writers = {
            known: _FormatWriter(known, interpretation, hider, enricher, remembered_max, replay_id) for known in formats
        }
        self._lanes = [_Lane(group, writers) for group in groups_in_use(interpretation.formats)]
        self._tagged = any(group.tags for group in groups_in_use(interpretation.formats))
        self._headers = Headers()
        self.zones = Zones(interpretation)
        self._days = Days(interpretation)

    def encode(self, batch: Batch) -> Encoded:
        """Encode every line of ``batch``, in its order within each index. Never raises for a line's bytes."""
        return _Encoding(self, batch).run()

    def document(self, raw: bytes, line: LineContext) -> str:
        """Give the JSON of a line's document; what else it says is left in ``line``. Never raises for its bytes."""
        try:
            return self._understood(raw, line)
        except Exception as error:  # noqa: BLE001 -- a fault of ours in one line may not hold up all the others
            said = repr(error) if self.hider is None else type(error).__name__  # the rest may quote the line
            line.failure = said
            line.known, line.dated, line.log_format = False, False, ""
            failed = bewildered(raw if self.hider is None else b"", self._context(line), said)
            line.index_us, line.skew_us = failed.index_us, failed.skew_us
            return to_json(failed.record.document())

    def _understood(self, raw: bytes, line: LineContext) -> str:
        header = self._headers[match_header(raw)]
        if not line.cut:
            lanes = self._lanes
            if self._tagged:
                tag = header.identity.tag
                lanes = [lane for lane in lanes if lane.is_for(tag)]
            for lane in lanes:
                found = lane.match(raw, header.end)
                if found is not None:
                    writer = lane.first if lane.place is None else lane.writers.get(frontend_of(found[lane.place]))
                    if writer is None:
                        continue
                    text = writer.write(raw, found, header, line)
                    if text is not None:
                        line.known = line.dated = True
                        line.log_format = writer.name
                        return text
                    break
        if self.hider is not None:
            raw = self.hider.line(raw, cut=line.cut)
        understood = understand(raw, self._context(line), self.interpretation)
        line.index_us, line.skew_us, line.dated = understood.index_us, understood.skew_us, understood.dated
        line.known = understood.record.line != "unparsed"
        line.log_format = understood.record.log_format or ""
        record = understood.record
        if self._enricher is not None:
            known = {name: value for name, value in record if value is not None}
            record = record.model_copy(update=self._enricher.fields(known))
        return to_json(record.document())

    def _context(self, line: LineContext) -> Context:
        return Context(line.zone, line.near_us, line.received_us, line.sender, line.cut, self._replay_id)

    def index_of(self, moment_us: int) -> str:
        """Name the daily index of a moment."""
        return self._days[moment_us // DAY_US]


class _Encoding:
    """One batch on its way."""

    def __init__(self, encoder: Encoder, batch: Batch) -> None:
        self._encoder = encoder
        self._batch = batch
        self._line = LineContext(encoder.interpretation, zone="UTC")
        self._bodies = Bodies(HiddenLines(batch, encoder.hider) if encoder.hider else batch)
        self._skews: dict[Origin, int] = {}
        self._unparsed: Counter[Origin] = Counter()
        self._undated: Counter[Origin] = Counter()
        self._log_formats: dict[Origin, str] = {}

    def run(self) -> Encoded:
        for entry in self._batch.entries:
            self._encode_entry(entry)
        noticed = self._unparsed, self._undated, self._log_formats, self._skews
        return Encoded(self._bodies.done(), *noticed, self._line.failure)

    def _encode_entry(self, entry: Entry) -> None:
        zones = [self._encoder.zones[origin] for origin in entry.origins]
        prefix = binascii.b2a_base64(entry.segment, newline=False).translate(_URL_SAFE).decode("ascii")
        line, start, data = self._line, 0, entry.data
        for length, delta_us, origin, flags in LINE_HEADER.iter_unpack(entry.table):
            line.zone, line.sender = zones[origin], entry.origins[origin].address
            line.received_us = line.near_us = entry.received_us + delta_us
            line.cut = flags & _CUT != 0
            document = self._encoder.document(data[start : start + length], line)
            tail = binascii.b2a_base64((entry.data_offset + start).to_bytes(4, "big"), newline=False)[:6]
            identity = prefix + tail.translate(_URL_SAFE).decode("ascii")
            self._bodies.add(self._encoder.index_of(line.index_us), identity, document)
            if line.skew_us:
                self._skews[entry.origins[origin]] = line.skew_us
            if not line.known:
                self._unparsed[entry.origins[origin]] += 1
            if not line.dated:
                self._undated[entry.origins[origin]] += 1
            start += length
        if len(entry) and line.log_format:
            self._log_formats[entry.origins[origin]] = line.log_format
