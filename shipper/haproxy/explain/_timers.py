"""The timers as phases, and what their pattern tells (HAProxy manual, 8.4).

1. A timer of -1 is absent in the record. A phase was *never reached* only when its format logs it and it is absent.
2. In the tarpit `%Tw` is the time that the request was held; no other timer means anything then.
3. The first phase that was never reached is where the request ended, when its termination state says the same; then the
   time that is left of the total was spent waiting in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.haproxy.explain._model import TARPIT, TELLING_MS, Finding, Phase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shipper.haproxy.record import Record

SECTION: Final = "8.4"
RETRANSMITS_MS: Final = (1_000, 3_000, 6_000, 7_000, 12_000, 15_000)
"""How long a connection takes whose first SYN packets were lost, when they are sent again after 1, 3, 7, 15 seconds
(RFC 6298), or after 3, 6, 12 as older kernels do."""
EARLY_MS: Final = 20
LATE_MS: Final = 200
"""A time so near to one of them is taken for one: a network's own delay comes on top."""
SHARE_MIN: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Timer:
    name: str
    aliases: tuple[str, ...]
    attribute: str
    states: str
    """The second characters of termination states that say that the session ended in this phase."""
    took: str


_BEFORE: Final = (
    _Timer("handshake", ("Th",), "handshake_ms", "", "the handshake with the client"),
    _Timer("idle", ("Ti",), "idle_ms", "", "waiting for the client to send anything"),
)
"""What comes before a request's first byte: `%Ta` leaves it out."""
_TIMERS: Final = (
    _Timer("request", ("TR", "Tq"), "request_ms", "R", "receiving the request from the client"),
    _Timer("queue", ("Tw",), "queue_ms", "QT", "waiting in the queue for a server"),
    _Timer("connect", ("Tc",), "connect_ms", "C", "connecting to the server"),
    _Timer("response", ("Tr",), "response_ms", "H", "waiting for the server's response headers"),
)
_SIGNATURES: Final = {
    "handshake": ("no_request", "The handshake with the client was never complete.", "Look at `fc_err`."),
    "idle": ("no_request", "The client never sent anything.", "Browsers that connect ahead, and probes, do that."),
    "request": (
        "no_request",
        "The request was never complete.",
        "`timeout http-request` and `timeout client` bound this; a malformed request ends here as well.",
    ),
    "queue": (
        "no_queue",
        "It never came as far as the queue.",
        "It was refused, or no server was there to wait for: the termination state tells which.",
    ),
    "connect": (
        "no_connection",
        "No connection to the server came about.",
        "It was refused, or `timeout connect` expired: the termination state tells which.",
    ),
    "response": (
        "no_response",
        "The server took the connection, and never sent whole response headers.",
        "`timeout server` bounds this.",
    ),
}
"""What it means that a phase was the first that never ended: identity, text, advice."""
_DATA: Final = _Timer("data", ("Td",), "data_ms", "DL", "transferring the data")


def read_phases(record: Record, aliases: Collection[str]) -> tuple[Phase, ...]:
    """Give the phases that are known of, one after the other."""
    if record.line != "traffic":
        return ()
    if record.termination_phase == TARPIT:
        return () if record.queue_ms is None else (Phase(TARPIT, "%Tw", 0, record.queue_ms),)
    phases: list[Phase] = []
    at = counted_from = 0
    missing = False
    logged = frozenset() if record.truncated == "line" and record.total_ms is None else frozenset(aliases)
    for timer in (*_BEFORE, *_TIMERS):
        alias = next((f"%{name}" for name in timer.aliases if name in aliases), f"%{timer.aliases[0]}")
        lasted: int | None = getattr(record, timer.attribute)
        if lasted is not None:
            phases.append(Phase(timer.name, alias, at, lasted))
            at += lasted
            counted_from = at if timer in _BEFORE and "Ta" in aliases else counted_from
        elif not logged.isdisjoint(timer.aliases):
            left_ms = None if missing else _left_ms(record, timer, at - counted_from)
            phases.append(Phase(timer.name, alias, at, left_ms, ended_here=left_ms is not None))
            at += left_ms or 0
            missing = True
    if phases and not missing:
        phases.extend(_data(record, at, at - counted_from))
    return tuple(phases)


def _left_ms(record: Record, timer: _Timer, spent_ms: int) -> int | None:
    """Give what is left of the total for the phase in which the session ended, None when it was another."""
    state = (record.termination_state or "")[1:2]
    if record.total_ms is None or not state or state not in timer.states:
        return None
    return max(record.total_ms - spent_ms, 0)


def _data(record: Record, at: int, spent_ms: int) -> Iterator[Phase]:
    """Give the transfer; in TCP mode it is what the total has beside the other timers."""
    if record.data_ms is not None:
        yield Phase(_DATA.name, "Td", at, record.data_ms)
    elif record.mode == "tcp" and record.total_ms is not None:
        yield Phase(_DATA.name, "", at, max(record.total_ms - spent_ms, 0))


def read_timers(record: Record, phases: tuple[Phase, ...]) -> Iterator[Finding]:
    """Give what the timers tell."""
    if record.termination_phase == TARPIT:
        held = "".join(f" for {phase.lasted_ms} ms" for phase in phases)
        yield Finding("timers.tarpit", f"The request was held{held}.", "`timeout tarpit` bounds this.", SECTION)
        return
    yield from _read_signature(record, phases)
    yield from _read_retransmits(record)
    yield from _read_longest(record, phases)
    if record.partial:
        yield Finding(
            "timers.lower_bound",
            "The line was written before the transfer ended: the total time and the bytes are lower bounds.",
            "`option logasap` does that.",
            "8.3.2",
        )


def _read_signature(record: Record, phases: tuple[Phase, ...]) -> Iterator[Finding]:
    """Read the first timer that is missing; nothing is to be said of it when HAProxy answered by itself."""
    missing = next((phase for phase in phases if phase.lasted_ms is None or phase.ended_here), None)
    if missing is not None and record.termination_by != "local":
        identity, text, advice = _SIGNATURES[missing.name]
        waited = f" It was given up after {missing.lasted_ms} ms." if missing.lasted_ms else ""
        yield Finding(f"timers.{identity}", f"{text}{waited}", advice, SECTION)


def _read_retransmits(record: Record) -> Iterator[Finding]:
    handshake_ms = record.handshake_ms
    if handshake_ms is not None and _is_late(handshake_ms):
        yield Finding(
            "timers.handshake_lost",
            f"The handshake took {handshake_ms} ms, near to the time after which a lost packet is sent again.",
            "Packets get lost between the client and HAProxy; far clients and small MTUs do that.",
            SECTION,
        )
    connect_ms = record.connect_ms
    if connect_ms is None or record.connections_retries:
        return
    if _is_late(connect_ms):
        yield Finding(
            "timers.syn_lost",
            f"Connecting took {connect_ms} ms, near to the time after which a lost SYN packet is sent again.",
            "Packets get lost between HAProxy and the server, or the server's backlog is full.",
            SECTION,
            "fault",
        )


def _is_late(lasted_ms: int) -> bool:
    return any(-EARLY_MS <= lasted_ms - ms <= LATE_MS for ms in RETRANSMITS_MS)


def _read_longest(record: Record, phases: tuple[Phase, ...]) -> Iterator[Finding]:
    total_ms = record.total_ms or 0
    longest = max(
        (phase for phase in phases if phase.name != "idle"), key=lambda phase: phase.lasted_ms or 0, default=None
    )
    if longest is None or longest.ended_here or total_ms < TELLING_MS:
        return
    if not SHARE_MIN * total_ms <= (longest.lasted_ms or 0) <= total_ms:
        return
    took = next(timer.took for timer in (*_BEFORE, *_TIMERS, _DATA) if timer.name == longest.name)
    if longest.name == "queue" and record.connections_retries and not (record.server_queue or record.backend_queue):
        took = "pausing before connecting was tried again"
    yield Finding(
        f"timers.longest.{longest.name}",
        f"Most of the time, {longest.lasted_ms} of {total_ms} ms, went into {took}.",
        "",
        SECTION,
    )
