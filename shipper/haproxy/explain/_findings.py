"""What a line tells beside its timers: its end, its cookies, its way through queues and retries, and what it lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shipper.haproxy.explain._errors import read_errors
from shipper.haproxy.explain._events import read_event
from shipper.haproxy.explain._model import TARPIT, TELLING_MS, Finding, Level
from shipper.haproxy.termination import read_cookies, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.haproxy.record import Record

NO_SERVER: Final = "<NOSRV>"
BAD_REQUEST: Final = "<BADREQ>"
SERVER_ERROR_MIN: Final = 500
_FINE: Final = frozenset({"normal", "local"})
_NOT_OURS: Final = frozenset({"client", "client_timeout", "admin", "backup_up"})


def read_findings(record: Record) -> Iterator[Finding]:
    """Give what the line tells, the most telling first."""
    if record.line == "unparsed":
        yield Finding("unparsed", f"{record.error_message}", "", "", "fault")
    elif record.line == "event":
        yield from read_event(record)
    else:
        yield from _read_end(record)
        yield from _read_status(record)
        yield from _read_cookies(record)
        yield from _read_way(record)
        yield from read_errors(record)
    yield from _read_gaps(record)


def _read_end(record: Record) -> Iterator[Finding]:
    state = record.termination_state or ""
    meaning = read_state(state)
    if meaning is None:
        if state:
            yield Finding("termination.unknown", f"HAProxy's manual has no termination state {state[:2]!r}.", "", "8.5")
        return
    by = record.termination_by
    level: Level = "fine" if by in _FINE else "note" if by in _NOT_OURS else "fault"
    found = Finding(f"termination.{state[:2]}", meaning.text, meaning.advice, "8.5", level)
    if state[:2] == "SC" and record.server_name == NO_SERVER:
        found = replace(
            found,
            text="The backend had no server to give the request to: all are DOWN or in maintenance, or there is none.",
            advice="The events `server_down` and `no_server_available` before it tell when and why.",
        )
    elif state[:2] == "PR" and record.http_request_method and record.http_response_status not in {None, 400, 500}:
        found = replace(
            found,
            text="HAProxy refused the request: a rule denied it.",
            advice="Look at the `http-request deny` rules.",
        )
    yield found


def _read_status(record: Record) -> Iterator[Finding]:
    status = record.http_response_status or 0
    if record.raw_request_line == BAD_REQUEST:
        yield Finding(
            "request.unreadable",
            "What the client sent was no complete HTTP request.",
            "`show errors` on the stats socket has the bytes of the last one that was malformed.",
            "8.6",
        )
    if status < SERVER_ERROR_MIN:
        return
    if record.termination_by == "normal" and record.response_ms is not None:
        yield Finding(
            "status.of_server",
            f"The server itself answered {status}; HAProxy only passed it on.",
            "Look at the application's log.",
            "8.2.3",
            "fault",
        )
    elif record.termination_by not in _FINE and record.response_ms is None:
        yield Finding("status.of_haproxy", f"The {status} is HAProxy's own, not an answer of the server.", "", "8.2.3")


def _read_cookies(record: Record) -> Iterator[Finding]:
    state = record.termination_state or ""
    meaning = read_cookies(state)
    if meaning is not None:
        level: Level = "note" if meaning.advice else "fine"
        yield Finding(f"cookies.{state[2:]}", meaning.text, meaning.advice, "8.5", level)


def _read_way(record: Record) -> Iterator[Finding]:
    section = "8.2.2" if record.mode == "tcp" else "8.2.3"
    before = (record.server_queue or 0) + (record.backend_queue or 0)
    waited_ms = record.queue_ms or 0
    alone = record.connections_retries or record.termination_phase == TARPIT  # both are counted as queue time
    if before or (waited_ms >= TELLING_MS and not alone):
        whose = [
            f"{count} in the queue of the {name}"
            for count, name in ((record.server_queue, "server"), (record.backend_queue, "backend"))
            if count
        ]
        behind = f", behind {' and '.join(whose)}" if whose else ""
        yield Finding(
            "queue.waited",
            f"It waited {waited_ms} ms for a free slot{behind}.",
            "The servers are at their `maxconn`. In bulk: add servers, make them faster, or raise it.",
            section,
        )
    retries = record.connections_retries
    if record.redispatched:
        yield Finding(
            "connect.redispatched",
            f"The first server could not be reached: the request went to another (retries: {retries or 0}).",
            "Do not blame the server that is named; the one before it failed.",
            section,
            "fault",
        )
    elif retries:
        again = "once" if retries == 1 else f"{retries} times"
        yield Finding(
            "connect.retried",
            f"Connecting to the server was tried again {again}.",
            "A server that restarts, a full backlog, or a network that loses packets.",
            section,
        )


def _read_gaps(record: Record) -> Iterator[Finding]:
    if record.truncated == "line":
        yield Finding(
            "truncated.line",
            "The line was cut; what stood behind the cut is unknown.",
            "`len` of the `log` line is too small (1024 by default), or somebody on the way cut it.",
            "4.2",
        )
    elif record.truncated == "request":
        yield Finding(
            "truncated.request",
            "The request was cut inside its quotes; the end of the URL and the version are unknown.",
            "Raise `tune.http.logurilen` (1024 by default), and `len` of the `log` line with it.",
            "3.2",
        )
    if record.captures_ambiguous:
        yield Finding(
            "captures.ambiguous",
            "One block of captured headers stands in the line: taken for the request's, it may be the response's.",
            "`--haproxy-cfg` tells shipper whose it is.",
            "8.8",
        )
    if record.field_errors:
        yield Finding("fields.unfit", f"Left out, because the value does not fit: {', '.join(record.field_errors)}.")
    if record.time_suspect:
        yield Finding("time.suspect", "The date is far from the time at which the line came.", "Look at the clocks.")
