"""The compiled formats as the native engine gets them: one plan in JSON, which hangs on the interpretation alone.

A plan is `{"version", "times", "formats"}`. A format has its *steps* (literals, blanks, and fields with the name of
their kind in ``haproxy.kinds``), the values that tell its *date* and its *total*, the *tags* and *frontends* that it is
for, and its *documents*: the members in the record's order, objects as lists of members, each value with the name of
its reader and the values it reads. Of each document Python is *asked* for something of some values.

1. The plan holds the formats that come first in the order of trying, up to the first that the native engine cannot
   execute: a line that fits none of them is Python's, so that precedence is kept.
2. How a line is read there, and why that is how a plan reads it, is the matter of ``_portable_steps``.
3. A part of a format that has no reader here keeps the whole format out.
"""

from __future__ import annotations

import json
import math
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from shipper.encode._portable_headers import header_readers
from shipper.encode._portable_steps import PROVEN, Unportable, portable_steps
from shipper.encode._template import to_json
from shipper.haproxy import termination
from shipper.haproxy.formats import groups_in_use
from shipper.haproxy.headers import GIVES
from shipper.haproxy.parts import label_names
from shipper.haproxy.plan import Plan
from shipper.haproxy.record import DEFAULTS, PATHS
from shipper.haproxy.request import REQUEST_ATTRIBUTES
from shipper.haproxy.timestamps import DAY_US, NEAR_US, OFFSET_US_MAX, OFFSETS_US, TIMESTAMP_US_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    from pydantic.fields import FieldInfo

    from shipper.config import Interpretation
    from shipper.encode._answers import Question
    from shipper.haproxy.fields import Part
    from shipper.haproxy.formats import CompiledFormat, FormatGroup
    from shipper.haproxy.headers import Names
    from shipper.haproxy.record import Attributes

    Reader: TypeAlias = dict[str, Any]
    Members: TypeAlias = list[tuple[str, Any]]

PLAN_VERSION: Final = 2
_KNOWN: Final = {
    "version",
    "listener_zones",
    "senders",
    "formats",
    "index",
    "keep_original",
    "labels",
    "privacy",
    "privacy_key",
}
"""What of an interpretation the plan or its user takes in: with anything else, all lines are Python's."""
_BLOCKS: Final = {"hr", "hs"}
_REQUEST: Final = "r"
_PIECES: Final = {"HM", "HU", "HP", "HPO", "HQ", "HV"}
_OF_HEADERS: Final = {"request_headers", "response_headers", *(name for names in GIVES.values() for name in names)} - {
    "http_request_id"
}
_DATES: Final = {"tr", "t"}
_ERRORS: Final = dict.fromkeys(sorted(termination.ERRORS), "failure")
_EACH: Final[dict[str, str]] = {
    "timestamp": "timestamp",
    "event_created": "created",
    "syslog_priority": "priority",
    "syslog_facility": "facility",
    "syslog_severity": "severity",
    "syslog_hostname": "hostname",
    "syslog_appname": "tag",
    "syslog_procid": "process",
    "log_source_address": "sender",
    "process_name": "tag",
    "process_pid": "process_number",
    "observer_name": "observer",
}
"""Readers of what comes with every line."""
_READERS: Final[dict[str, str]] = {
    **dict.fromkeys((f"{side}_address" for side in ("destination", "server")), "word"),
    **dict.fromkeys((f"{side}_ip" for side in ("destination", "server", "source_nat")), "ip"),
    **dict.fromkeys((f"{side}_port" for side in ("destination", "server", "source_nat")), "count"),
    **dict.fromkeys(("bytes_uploaded", "haproxy_pid", "request_counter", "log_counter"), "count"),
    **dict.fromkeys(("session_ms", "user_ms", "handshake_ms", "idle_ms"), "timer"),
    **dict.fromkeys(("http_request_id", "observer_hostname", "log_step"), "word"),
    **dict.fromkeys(("source_address", "backend_name", "server_name", "request_cookie", "response_cookie"), "word"),
    **dict.fromkeys(("termination_state", "tls_client_server_name"), "word"),
    **dict.fromkeys(("source_port", "bytes_read", "connections_retries", "server_queue", "backend_queue"), "count"),
    **dict.fromkeys((f"connections_{name}" for name in ("active", "frontend", "backend", "server")), "count"),
    **dict.fromkeys(("fc_err", "ssl_c_err", "ssl_c_ca_err"), "count"),
    **dict.fromkeys(("request_ms", "queue_ms", "connect_ms", "response_ms", "total_ms"), "timer"),
    **dict.fromkeys(("partial", "redispatched"), "plus"),
    "source_ip": "ip",
    "frontend_name": "name",
    "event_duration": "nanoseconds",
    "data_ms": "rest",
    "http_response_status": "status",
    "ssl_fc_err": "hex",
    "tls_established": "tilde",
    "tls_resumed": "flag",
    "tls_version": "tls_version",
    "tls_version_protocol": "tls_protocol",
    "tls_cipher": "cipher",
    "raw_request_line": "raw_request",
    "http_request_method": "method",
    "http_version": "version",
    "url_original": "url",
    "url_scheme": "scheme",
    "url_domain": "domain",
    "url_port": "url_port",
    "url_path": "path",
    "url_path_pattern": "pattern",
    "url_query": "query",
}
"""Readers by the attribute that they give; what they read is what the part reads."""
_NEVER: Final = "truncated"
"""Given by requests that the native engine declines."""


def portable_groups(interpretation: Interpretation) -> list[FormatGroup]:
    """Give the formats that the native engine can execute, in the order of trying."""
    if any(getattr(interpretation, name) != field.get_default() for name, field in _fields(interpretation)):
        return []
    groups = takewhile(_is_portable, groups_in_use(interpretation.formats))
    if interpretation.privacy.active:  # of the stock formats it is shown that what is hidden is all of it
        groups = takewhile(_is_proven, groups)
    return list(groups)


def _is_proven(group: FormatGroup) -> bool:
    return isinstance(group.plan, Plan) and group.plan.steps in PROVEN


def _fields(interpretation: Interpretation) -> Iterable[tuple[str, FieldInfo]]:
    """Give what an interpretation holds beyond what this module knows."""
    return ((name, field) for name, field in type(interpretation).model_fields.items() if name not in _KNOWN)


def documents_of(group: FormatGroup) -> list[CompiledFormat]:
    """Give the formats of a group, each of which has documents of its own."""
    return [group.first] if group.place is None else list(dict.fromkeys(group.by_frontend.values()))


def _is_portable(group: FormatGroup) -> bool:
    plan = group.plan
    if not isinstance(plan, Plan) or group.first.clock.alias not in _DATES:
        return False
    try:
        portable_steps(plan.steps)
        for known in documents_of(group):
            _sources(known)
    except Unportable:
        return False
    return True


def portable_plan(
    interpretation: Interpretation, asked: Mapping[CompiledFormat, Sequence[Question]] | None = None
) -> bytes:
    """Write the plan of an interpretation; ``asked`` is what Python is asked of the values of each format."""
    index = interpretation.index
    past, future = index.accept_past_days, index.accept_future_days
    times = {
        "until_us": TIMESTAMP_US_MAX,
        "past_us": None if past is None else math.floor(past * DAY_US),
        "future_us": None if future is None else math.floor(future * DAY_US),
        "offsets_us": sorted(OFFSETS_US),
        "near_us": NEAR_US,
        "skew_us_max": 2 * OFFSET_US_MAX,
    }
    formats = [_format(group, interpretation, asked or {}) for group in portable_groups(interpretation)]
    return json.dumps({"version": PLAN_VERSION, "times": times, "formats": formats}).encode()


def _format(
    group: FormatGroup, interpretation: Interpretation, asked: Mapping[CompiledFormat, Sequence[Question]]
) -> dict[str, Any]:
    known, formats = group.first, documents_of(group)
    aliases = known.plan.aliases
    by_frontend = group.by_frontend if group.place is not None else {}
    steps = known.plan.steps if isinstance(known.plan, Plan) else ()
    portable = portable_steps(steps)
    return {
        "steps": portable.steps,
        "doubts": portable.doubts,
        "front": portable.front,
        "proven": steps in PROVEN,
        "date": known.clock.alias,
        "total": known.clock.total,
        "tags": sorted(group.tags),
        "frontend": None if group.place is None else aliases[group.place],
        "frontends": {name.decode(): formats.index(each) for name, each in by_frontend.items()},
        "documents": [_document(each, interpretation, asked.get(each, ())) for each in formats],
        "asked": [[question.alias for question in asked.get(each, ())] for each in formats],
    }


def _document(known: CompiledFormat, interpretation: Interpretation, asked: Sequence[Question]) -> Members:
    constants: Attributes = DEFAULTS | known.constants
    labels = _labels(known, interpretation.labels)
    if interpretation.labels and not labels:
        constants["labels"] = dict(interpretation.labels)
    each = _EACH | ({"event_original": "original"} if interpretation.keep_original == "always" else {})
    readers: dict[str, Reader] = {name: {"read": read} for name, read in each.items()}
    readers |= {name: {"read": "constant", "json": _written(value)} for name, value in constants.items()}
    readers |= _sources(known) | labels
    for question in asked:
        added = enumerate(question.gives)
        readers |= {name: {"read": "added", "of": [question.alias], "at": place} for place, name in added}
    return _members({name: readers[name] for name in PATHS if name in readers})


def _written(value: object) -> str:
    return to_json({"": value})[4:-1]


def _sources(known: CompiledFormat) -> dict[str, Reader]:
    """Give the readers of what a format's values give. Raises Unportable."""
    return {name: reader for part in known.parts for name, reader in _of_part(part, known.names).items()}


def _labels(known: CompiledFormat, configured: Mapping[str, str]) -> dict[str, Reader]:
    """Give the reader of the labels that a format's values become, behind those of the configuration."""
    names = label_names(known.plan.fields)
    if not names:
        return {}
    if not set(names.values()).isdisjoint(configured):
        raise Unportable("labels")
    headers = [(name, place) for place, name in enumerate(names.values())]
    return {"labels": {"read": "labels", "of": list(names), "headers": headers, "json": _written(configured)[1:-1]}}


def _of_part(part: Part, names: Names) -> dict[str, Reader]:
    """Give the readers of a part: what a request gives and, behind it or alone, captured headers."""
    if part.gives == ("labels",):
        return {}
    given = [name for name in part.gives if name != _NEVER]
    others = tuple(alias for alias in part.aliases if alias != _REQUEST)
    if set(part.gives) <= _OF_HEADERS or not _BLOCKS.isdisjoint(others):
        headers = header_readers(others, names) if _BLOCKS.issuperset(others) else None
        if headers is None:
            raise Unportable(part.aliases)
        own = {name: _reader(name, part) for name in given if name in REQUEST_ATTRIBUTES and "r" in part.aliases}
        return own | {name: reader for name, reader in headers.items() if name in given}
    if not _PIECES.isdisjoint(others):
        raise Unportable(part.aliases)
    return {name: _reader(name, part) for name in given}


def _reader(name: str, part: Part) -> Reader:
    of = list(part.aliases)
    if name == "tls_established" and of == ["ssl_fc"]:
        return {"read": "flag", "of": of}
    if name in _READERS:
        return {"read": _READERS[name], "of": of}
    if name == "event_outcome" and of != ["fc_err"]:
        return {"read": "status_outcome" if of == ["ST"] else "outcome", "of": of, "names": _ERRORS}
    if name == "termination_by":
        return {"read": "letter", "of": of, "at": 0, "names": termination.BY}
    if name == "termination_phase":
        return {"read": "letter", "of": of, "at": 1, "names": termination.PHASE}
    raise Unportable(name)


def _members(readers: Mapping[str, Reader]) -> Members:
    """Arrange readers as the document has their values."""
    tree: dict[str, Any] = {}
    for name, reader in readers.items():
        *parents, leaf = PATHS[name].split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, _Object())
        node[leaf] = reader
    return _listed(tree)


class _Object(dict[str, Any]):
    """An object of the document on its way."""


def _listed(tree: Mapping[str, Any]) -> Members:
    return [(key, _listed(node) if isinstance(node, _Object) else node) for key, node in tree.items()]
