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

from shipper.haproxy.events import read_event
from shipper.haproxy.fields import PARTS, text
from shipper.haproxy.record import PATHS, Attributes, Record
from shipper.haproxy.request import read_request
from shipper.haproxy.stock import STOCK
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
    read_haproxy_second,
    zone_moment,
    zone_offset,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Interpretation
    from shipper.haproxy.plan import Plan, Scan
    from shipper.haproxy.syslog import Header, Identity

MS_US: Final = 1_000
DATE_ALIAS: Final = "tr"
"""A line that ends inside a format is taken for a cut line of it when its date is there."""

TRAFFIC: Final[dict[str, Attributes]] = {
    "http": {
        "event_kind": "event",
        "event_category": "web",
        "event_type": "access",
        "line": "traffic",
        "mode": "http",
    },
    "tcp": {
        "event_kind": "event",
        "event_category": "network",
        "event_type": "connection",
        "line": "traffic",
        "mode": "tcp",
    },
}
"""What every line of a mode has."""


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
    """What a format made of a message: values by alias, and the attributes that say how complete they are."""

    plan: Plan | None
    values: Mapping[str, bytes]
    attributes: Attributes


def understand(raw: bytes, context: Context, interpretation: Interpretation) -> Understood:
    """Read one line (without its line end). Never raises."""
    header = read_header(match_header(raw))
    reading = _read_message(raw, header.end, cut=context.cut)
    event_us, dated = _event_time(reading.values, header, context)
    start_us, index_us, suspect = accept(event_us, context.received_us, interpretation)
    attributes: Attributes = {"timestamp": format_timestamp(start_us), "line": "unparsed"}
    attributes |= surroundings(header.identity, context.sender) | reading.attributes
    if context.received_us is not None:
        attributes["event_created"] = format_timestamp(context.received_us)
    if suspect:
        attributes["time_suspect"] = True
    keep = interpretation.keep_original
    whole = attributes["line"] != "unparsed" and attributes.get("truncated") != "line"
    if keep == "always" or (keep == "unparsed" and not whole):
        attributes |= original(raw)
    if interpretation.labels:
        attributes["labels"] = interpretation.labels
    total_us = total_of(reading.values.get("Ta", b"0"))
    skew_us = skew(event_us + total_us, context.received_us)
    return Understood(Record.model_validate(attributes), index_us, skew_us, dated)


def bewildered(raw: bytes, context: Context, error: Exception) -> Understood:
    """Give the record of a line over which this code fell: a fault of shipper's, which must not stop the others."""
    attributes: Attributes = {
        "timestamp": format_timestamp(context.near_us),
        "line": "unparsed",
        "event_kind": "pipeline_error",
        "error_message": f"shipper failed on this line, please report it: {error!r:.500}",
    }
    if context.received_us is not None:
        attributes["event_created"] = format_timestamp(context.received_us)
    record = Record.model_validate(attributes | original(raw))
    return Understood(record, context.near_us, skew_us=0, dated=False)


def original(raw: bytes) -> Attributes:
    """Give the line as it came; with its exact bytes as well where they are not UTF-8."""
    try:
        return {"event_original": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"event_original": text(raw), "event_original_base64": base64.b64encode(raw).decode("ascii")}


def surroundings(identity: Identity, sender: str) -> Attributes:
    """Tell who sent a line, and which HAProxy it speaks of: the header's hostname, or else the sender."""
    attributes = dict(identity.attributes)
    if sender:
        attributes["log_source_address"] = sender
    if identity.hostname or sender:
        attributes["observer_name"] = identity.hostname or sender
    return attributes


def _read_message(raw: bytes, start: int, *, cut: bool) -> _Reading:
    for plan in () if cut else STOCK:
        found = plan.match(raw, start)
        if found is not None:
            values = {alias: value or b"" for alias, value in zip(plan.aliases, found, strict=True)}
            return _Reading(plan, values, _traffic(plan, values))
    event = None if cut else read_event(raw[start:])
    if event is not None:
        attributes, date = event
        return _Reading(None, {DATE_ALIAS: date}, attributes)
    scans = [(plan, plan.scan(raw, start)) for plan in STOCK]
    for plan, scan in scans:
        if scan.cut and DATE_ALIAS in scan.values:
            return _Reading(plan, scan.values, _traffic(plan, scan.values) | _touched(scan) | {"truncated": "line"})
    plan, scan = max(scans, key=lambda known: known[1].column)
    expected = scan.expected if not scan.cut else "the rest of the line, which is cut"
    reason = f"not a line of {plan.name}: expected {expected} at column {scan.column}"
    attributes = {"line": "unparsed", "event_kind": "pipeline_error", "error_message": reason}
    return _Reading(None, {}, attributes | {"truncated": "line"} if cut else attributes)


def _traffic(plan: Plan, values: Mapping[str, bytes]) -> Attributes:
    attributes: Attributes = TRAFFIC[plan.mode] | {"log_format": plan.name}
    date = values.get(DATE_ALIAS)
    errors = [PATHS["timestamp"]] if date and read_haproxy_second(date[:20]) is None else []
    for part in PARTS:
        if all(alias in values for alias in part.aliases):
            found = dict(part.read(*(values[alias] for alias in part.aliases)))
            wrong = found.pop("field_errors", None)
            if isinstance(wrong, list):
                errors += wrong
            attributes |= found
    return attributes | {"field_errors": errors} if errors else attributes


def _touched(scan: Scan) -> Attributes:
    """Read what is sure of the field in which the line was cut, and of a pair whose second half is missing."""
    attributes: Attributes = {}
    if scan.touched == "r":
        attributes |= read_request(scan.rest, closed=False)
    if scan.values.get("hr") and "hs" not in scan.values:
        captures = next(part for part in PARTS if part.aliases == ("hr", "hs"))
        attributes |= captures.read(scan.values["hr"], scan.rest if scan.touched == "hs" else b"")
        attributes.pop("response_captures", None)
    return attributes


def total_of(raw: bytes) -> int:
    """Give %Ta in microseconds, 0 where it is not known."""
    return max(int(raw.removeprefix(b"+")), 0) * MS_US


def _event_time(values: Mapping[str, bytes], header: Header, context: Context) -> tuple[int, bool]:
    """Give the moment of a line (its date, or the header's, or what is near), and whether the line names its day."""
    date = values.get(DATE_ALIAS, b"")
    second = read_haproxy_second(date[:20]) if date else None
    if second is not None:
        total_us = total_of(values.get("Ta", b"0"))
        wall_us = second + int(date[21:24]) * MS_US
        return resolve(wall_us, total_us, header.moment, context.zone, context.received_us), True
    if header.moment is not None:
        return header.moment, True
    wall = header.wall(context.near_us)
    if wall is None:
        return context.near_us, False
    return zone_moment(context.zone, wall, context.received_us), header.iso is not None


def resolve(wall_us: int, total_us: int, sent_us: int | None, zone: str, received_us: int | None) -> int:
    """Give the moment of a request's local start.

    ``sent_us`` is when a header with an offset says that the line was written: the end of a request that took
    ``total_us``. What is left between is the body's offset, unless a relay wrote the header later: what is left must be
    the offset of some zone.
    """
    if sent_us is not None:
        start_us = sent_us - total_us
        offset = offset_between(wall_us, start_us)
        if offset in OFFSETS_US and abs(wall_us - offset - start_us) <= NEAR_US:
            return wall_us - offset
    certain = zone_offset(zone, wall_us // SECOND_US)
    if certain is not None:
        return wall_us - certain
    hint = sent_us if sent_us is not None else received_us
    return zone_moment(zone, wall_us, None if hint is None else hint - total_us)


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
