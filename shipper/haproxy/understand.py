"""One line becomes one record: header, format, time. This is the definition of what a line means.

1. Recognition hangs on the line alone: the stock formats are tried in their order, the first complete match wins;
   then the shapes of HAProxy's own messages; then what a line cut short may be the beginning of.
2. No line is refused and no bytes raise: what nothing understands is a record as well, that says where reading stopped.
3. A date without an offset takes it, in this order of trust, from the header, the sender's zone, the listener's zone.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.haproxy.clock import Clock
from shipper.haproxy.events import read_event
from shipper.haproxy.fields import ABSENT, text
from shipper.haproxy.formats import FormatGroup, frontend_of, groups_in_use, named_format
from shipper.haproxy.record import PATHS, Attributes, Record
from shipper.haproxy.request import read_request, unescape_backslashes
from shipper.haproxy.structured import read_cbor, read_json
from shipper.haproxy.syslog import match_header, read_header
from shipper.haproxy.timestamps import (
    DAY_US,
    NEAR_US,
    OFFSET_US_MAX,
    OFFSETS_US,
    QUARTER_US,
    SECOND_US,
    TIMESTAMP_US_MAX,
    format_timestamp,
    offset_between,
    zone_moment,
    zone_offset,
)
from shipper.listen_url import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shipper.haproxy.clock import Instant
    from shipper.haproxy.fields import Part
    from shipper.haproxy.formats import CompiledFormat
    from shipper.haproxy.interpretation import Interpretation
    from shipper.haproxy.scanning import Scan
    from shipper.haproxy.syslog import Header, Identity


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a line beside its bytes."""

    zone: str
    """The IANA zone of its dates."""
    near_us: int
    """The moment that a date without a year is near to: the receipt, or the nearest dated line of a captured file."""
    received_us: int | None = None
    """The receipt of a live line; None in a captured file."""
    sender: str = ""
    """The address it came from."""
    cut: bool = False
    """The listener cut it at its bound."""
    replay_id: str | None = None
    """The replay that changes the line."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A line's record, the moment whose day names its index, and how wrong its sender's clock or zone seems."""

    record: Record
    index_us: int
    skew_us: int
    dated: bool
    """The line names its own day; otherwise it took one from what is near."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was made of a message: attributes, and its time where it tells one."""

    attributes: Attributes
    instant: Instant | None = None


def understand(raw: bytes, context: Context, interpretation: Interpretation) -> Understood:
    """Read one line (without its line end). Never raises."""
    header = read_header(match_header(raw))
    groups = groups_in_use(interpretation.formats)
    reading = _read_message(raw, header, groups, cut=context.cut)
    event_us, dated = event_time(reading.instant, header, context)
    start_us, index_us, suspect = accept(event_us, context.received_us, interpretation)
    attributes: Attributes = {"timestamp": format_timestamp(start_us), "line": "unparsed"}
    attributes |= surroundings(header.identity, context.sender) | reading.attributes | _coming(context)
    if suspect:
        attributes["time_suspect"] = True
    keep = interpretation.keep_original
    whole = attributes["line"] != "unparsed" and attributes.get("truncated") != "line"
    if keep == "always" or (keep == "unparsed" and not whole):
        attributes |= original(raw)
    attributes |= with_labels(attributes, interpretation.labels)
    total_us = reading.instant.total_us if reading.instant else 0
    skew_us = skew(event_us + total_us, context.received_us)
    return Understood(Record.model_validate(attributes), index_us, skew_us, dated)


def with_labels(attributes: Attributes, labels: Mapping[str, str]) -> Attributes:
    """Give the labels of the configuration and those of the line, which go before; nothing without any."""
    own = attributes.get("labels")
    both = {**labels, **(own if isinstance(own, dict) else {})}
    return {"labels": both} if both else {}


def bewildered(raw: bytes, context: Context, error: str) -> Understood:
    """Give the record of a line over which this code fell: a fault of shipper's, which must not stop the others."""
    attributes: Attributes = {
        "timestamp": format_timestamp(context.near_us),
        "line": "unparsed",
        "event_kind": "pipeline_error",
        "error_message": f"shipper failed on this line, please report it: {error:.500}",
    }
    record = Record.model_validate(attributes | _coming(context) | original(raw))
    return Understood(record, context.near_us, skew_us=0, dated=False)


def _coming(context: Context) -> Attributes:
    """Tell when a live line came, or in which replay a captured one."""
    attributes: Attributes = {}
    if context.received_us is not None:
        attributes["event_created"] = format_timestamp(context.received_us)
    if context.replay_id is not None:
        attributes["replay_id"] = context.replay_id
    return attributes


def original(raw: bytes) -> Attributes:
    """Give the line as it came; with its exact bytes as well where they are not UTF-8."""
    try:
        return {"event_original": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"event_original": text(raw), "event_original_base64": base64.b64encode(raw).decode("ascii")}


def surroundings(identity: Identity, sender: str) -> Attributes:
    """Tell who sent a line or where it stood, and which HAProxy it speaks of: the header's hostname, else the sender.

    ``sender`` is an address, the path of a unix socket, or the URL of a file; the last two name no HAProxy.
    """
    attributes = dict(identity.attributes)
    path = sender.removeprefix(FILE) if sender.startswith(FILE) else None
    if path:
        attributes["log_file_path"] = path
    elif sender:
        attributes["log_source_address"] = sender
    observer = identity.hostname or (None if path or sender.startswith("/") else sender)
    if observer:
        attributes["observer_name"] = observer
    return attributes


def _read_message(raw: bytes, header: Header, groups: Sequence[FormatGroup], *, cut: bool) -> _Reading:
    fitting = groups_for(raw, header, groups)
    if not cut:
        for whole in (raw, without_escapes(raw, header.end)):
            reading = _read_whole(whole, header.end, fitting) if whole is not None else None
            if reading is not None:
                return reading
    event = _read_event(raw[header.end :], cut=True) if cut else None
    return event or _read_cut(raw, header.end, fitting, cut=cut)


def groups_for(raw: bytes, header: Header, groups: Sequence[FormatGroup]) -> list[FormatGroup]:
    """Give the formats that a line may have, by its tag and, when it is of named values, by their names."""
    tag = header.identity.tag
    named = _named(raw, header.end)
    return [group for group in groups if group.is_for(tag)] + ([FormatGroup([named])] if named else [])


def _read_whole(raw: bytes, start: int, groups: Sequence[FormatGroup]) -> _Reading | None:
    """Read a line that is one of a format's, or HAProxy's own message."""
    for group in groups:
        match = group.match(raw, start)
        if match is not None:
            known, found = match
            values = {alias: value or b"" for alias, value in zip(known.plan.aliases, found, strict=True)}
            return _Reading(_traffic(known, values), known.clock.read(found))
    return _read_event(raw[start:], cut=False)


def _read_event(message: bytes, *, cut: bool) -> _Reading | None:
    event = read_event(message, cut=cut)
    return None if event is None else _Reading(event[0], EVENT_CLOCK.read([event[1]]))


def without_escapes(raw: bytes, start: int) -> bytes | None:
    """Give a line without the backslashes that a relay put in front of its quotes; None when it has none."""
    message = raw[start:]
    return raw[:start] + unescape_backslashes(message) if b'\\"' in message else None


def _named(raw: bytes, start: int) -> CompiledFormat | None:
    """Give the format of a line of named values that no configuration knows, by its names."""
    if raw.startswith(b"{", start):
        return named_format("json", tuple(read_json(raw, start).values))
    if raw.startswith((b"BF", b"bf"), start):
        return named_format("cbor", tuple(read_cbor(raw, start).values))
    return None


def formats_of_cut(scans: Sequence[tuple[FormatGroup, Scan]]) -> list[tuple[CompiledFormat, Scan]]:
    """Give the formats that a line which ends too soon may be of, the likeliest first, and how far it goes by each."""
    may_be = [
        (known, scan)
        for group, scan in scans
        if scan.cut and (known := group.may_be(scan.values)) is not None and _is_enough(known, scan)
    ]
    named = [(known, scan) for known, scan in may_be if known.claims(scan.values)]
    may_be = named or may_be
    return [pair for pair in may_be if not pair[1].doubtful] or may_be


def _read_cut(raw: bytes, start: int, groups: Sequence[FormatGroup], *, cut: bool) -> _Reading:
    """Read what a line that ends too soon has of the formats that it may be of, or say what it has of none."""
    scans = [(group, group.plan.scan(raw, start)) for group in groups]
    may_be = formats_of_cut(scans)
    if may_be:
        known, scan = may_be[0]
        values = {a: v for a, v in scan.values.items() if all(other.values.get(a) == v for _, other in may_be)}
        attributes = _traffic(known, values)
        if values == scan.values:
            attributes |= _touched(known, scan)
        constants = [other.constants for other, _ in may_be]
        differ = {name for name, value in known.constants.items() if any(each[name] != value for each in constants)}
        attributes = {name: value for name, value in attributes.items() if name not in differ}
        instant = known.clock.read([scan.values.get(alias) for alias in known.plan.aliases])
        return _Reading(attributes | {"truncated": "line"}, instant)
    group, scan = max(scans, key=lambda pair: pair[1].column)
    expected = scan.expected if not scan.cut else "the rest of the line, which is cut"
    reason = _reason(raw, start, groups) or (
        f"not a line of {group.first.name}: expected {expected} at column {scan.column}"
    )
    attributes = {"line": "unparsed", "event_kind": "pipeline_error", "error_message": reason}
    return _Reading(attributes | {"truncated": "line"} if cut else attributes)


def _reason(raw: bytes, start: int, groups: Sequence[FormatGroup]) -> str:
    """Say what keeps a line from being of any format, where it is not its grammar."""
    if raw.startswith(b"{", start) and _named(raw, start) is None:
        return "an object without names that are HAProxy's: name its format in [[formats]], or show haproxy.cfg"
    for group in groups:
        found = group.plan.match(raw, start) if group.place is not None else None
        if found is not None and group.place is not None:
            frontend = text(frontend_of(found[group.place]))
            return f"a line of {group.first.name}, but frontend {frontend!r} is not one that this format is for"
    return ""


VALUES_OF_A_CUT_LINE_MIN: Final = 3
"""A line that ends too soon is of a format when its date is there, or so many of its values."""


def _is_enough(known: CompiledFormat, scan: Scan) -> bool:
    """Tell whether a line that ends too soon has enough of a format; half a date counts as one value."""
    values = len(scan.values) + (scan.touched == known.clock.alias and scan.rest != b"")
    return known.clock.alias in scan.values or values >= VALUES_OF_A_CUT_LINE_MIN


def _traffic(known: CompiledFormat, values: Mapping[str, bytes]) -> Attributes:
    attributes = dict(known.constants)
    date = values.get(known.clock.alias or "")
    found = known.clock.read([values.get(alias) for alias in known.plan.aliases])
    errors = [PATHS["timestamp"]] if date and date not in ABSENT and found is None else []
    for part in (each for whole in known.parts for each in _readable(whole, values)):
        given = dict(part.read(*(values[alias] for alias in part.aliases)))
        wrong = given.pop("field_errors", None)
        if isinstance(wrong, list):
            errors += wrong
        attributes |= given
    return attributes | {"field_errors": errors} if errors else attributes


def _readable(part: Part, values: Mapping[str, bytes]) -> Iterator[Part]:
    """Give a part when its values are there, or else what can be read of it without the rest."""
    for each in (part,) if all(alias in values for alias in part.aliases) else part.apart:
        if all(alias in values for alias in each.aliases):
            yield each


def _touched(known: CompiledFormat, scan: Scan) -> Attributes:
    """Read what is sure of the field in which the line was cut, and of a pair whose second half is missing."""
    attributes: Attributes = {}
    if scan.touched == "r" and known.quotes_request:
        attributes |= read_request(scan.rest, closed=False)
    if scan.values.get("hr") and "hs" not in scan.values:
        attributes |= known.read_cut_captures(scan.values["hr"], scan.rest if scan.touched == "hs" else b"")
    return attributes


EVENT_CLOCK: Final = Clock(["t"])


def event_time(instant: Instant | None, header: Header, context: Context) -> tuple[int, bool]:
    """Give the moment of a line (its date, or the header's, or what is near), and whether the line names its day."""
    if instant is not None:
        return moment_of(instant, header.moment, context.zone, context.received_us), True
    if header.moment is not None:
        return header.moment, True
    wall = header.wall(context.near_us)
    if wall is None:
        return context.near_us, False
    return zone_moment(context.zone, wall, context.received_us), header.iso is not None


def moment_of(instant: Instant, sent_us: int | None, zone: str, received_us: int | None) -> int:
    """Give the moment of an instant: by its own offset, or else by what is known of its zone."""
    if instant.offset_us is not None:
        return instant.wall_us - instant.offset_us
    return resolve(instant.wall_us, instant.total_us, sent_us, zone, received_us)


def resolve(wall_us: int, total_us: int, sent_us: int | None, zone: str, received_us: int | None) -> int:
    """Give the moment of a request's local start.

    ``sent_us`` is when a header with an offset says that the line was written: the end of a request that took
    ``total_us``. What is left between is the body's offset, unless a relay wrote the header later: what is left must be
    the offset of some zone.
    """
    told = told_offset(wall_us, total_us, sent_us)
    if told is not None:
        return wall_us - told
    certain = zone_offset(zone, wall_us // SECOND_US)
    if certain is not None:
        return wall_us - certain
    hint = sent_us if sent_us is not None else received_us
    return zone_moment(zone, wall_us, None if hint is None else hint - total_us)


def told_offset(wall_us: int, total_us: int, sent_us: int | None) -> int | None:
    """Give the offset of a request's local start that its header tells; None where it tells none."""
    if sent_us is None:
        return None
    start_us = sent_us - total_us
    offset = offset_between(wall_us, start_us)
    return offset if offset in OFFSETS_US and abs(wall_us - offset - start_us) <= NEAR_US else None


def accept(event_us: int, received_us: int | None, interpretation: Interpretation) -> tuple[int, int, bool]:
    """Give `@timestamp`, the moment that names the index, and whether the time is suspect.

    A live line far from its receipt goes to the index of its receipt: no sender can fill a cluster with indices.
    """
    holds = 0 <= event_us <= TIMESTAMP_US_MAX
    if received_us is None:
        within = min(max(event_us, 0), TIMESTAMP_US_MAX)
        return within, within, not holds
    past, future = interpretation.index.accept_past_days, interpretation.index.accept_future_days
    age = received_us - event_us
    if holds and (past is None or age <= past * DAY_US) and (future is None or -age <= future * DAY_US):
        return event_us, event_us, False
    return (event_us if holds else received_us), received_us, True


def skew(end_us: int, received_us: int | None) -> int:
    """Give by how many whole quarters of an hour, in microseconds, a line's end is off from its receipt.

    0 where no mistake in a zone explains it: a line that is days old was late.
    """
    if received_us is None:
        return 0
    offset = offset_between(received_us, end_us)
    near = abs(received_us - end_us - offset) <= NEAR_US
    return offset if near and QUARTER_US <= abs(offset) <= 2 * OFFSET_US_MAX else 0
