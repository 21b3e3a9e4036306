"""Wires a replay over the network: sends captured lines as HAProxy would, waits for them, and has it proved.

1. Sending waits for nothing but the pace. A few lines a second are looked for meanwhile, by a thread of their own.
2. Lines have arrived when a shipper on this machine has accounted for as many as were sent, or as many documents can be
   found; otherwise when for SETTLE_QUIET_S nothing more came.
3. The proof reads the same lines again and holds the documents that were received meanwhile against them.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from shipper.elastic import Client
from shipper.encode import CapturedEncoder
from shipper.errors import Retryable, ShipperError
from shipper.haproxy.timestamps import SECOND_US, format_timestamp
from shipper.jobs import local_receiver
from shipper.jobs.local_receiver import LOST, accounted
from shipper.limits import REPLAY_BATCH_LINES_MAX
from shipper.query import Documents, Expected, Received, SearchProbe, by_content, verify_live
from shipper.replay.captures import STDIN
from shipper.replay.feed import Feed
from shipper.replay.kernel_drops import drops_at
from shipper.replay.pace import Unpaced
from shipper.replay.progress import Figures
from shipper.replay.senders import open_sender
from shipper.replay.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipper.config import Config
    from shipper.query import Finding, Latency, Verification
    from shipper.replay.direct import Refused
    from shipper.replay.feed import Outgoing, Selection, Tally
    from shipper.replay.pace import Pace
    from shipper.replay.progress import Progress
    from shipper.replay.senders import Framing, Handed, Target
    from shipper.replay.sending import Course
    from shipper.replay.stopping import Stopping

SETTLE_QUIET_S: Final = 20.0
"""Longer than the longest usual refresh interval: until then a document cannot be found."""
FOUND_S_MAX: Final = 10.0
"""How long what has arrived may take to be found: one that was refused never is."""
LOOK_S: Final = 0.25
"""Between two looks at the counters."""
CLOCKS_DIFFER_US_MAX: Final = SECOND_US
"""By which the receiver's clock may differ from ours."""


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What is sent where, and how."""

    selection: Selection
    target: Target
    pace: Pace
    framing: Framing = "newline"
    verify: bool = False
    measure: bool = False
    """Whether to look how soon lines are found, and how many arrive, without a proof; with one, so it is."""

    @property
    def looks(self) -> bool:
        """Whether Elasticsearch is looked at."""
        return self.verify or self.measure


@dataclass(slots=True)
class LiveOutcome:
    """What became of it."""

    begun_us: int
    tally: Tally
    handed: Handed
    course: Course
    faults: list[str] = field(default_factory=list)
    """What ended a file, the sending or the proof before its end."""
    receiver: Mapping[str, int] | None = None
    """Counters since the beginning: of a shipper on this machine; of another receiver here, what the kernel dropped."""
    refused: Mapping[str, Refused] = field(default_factory=dict)
    """Its dead letters."""
    verification: Verification | None = None
    searchable: Latency | None = None
    """From sending to being found."""
    arrived: int | None = None
    """Lines that became documents, where anybody can tell."""

    @property
    def good(self) -> bool:
        """Whether all that was asked for was sent, nothing is known to be lost, and what was verified is there."""
        lost = self.handed.lost.total() + self.handed.unreachable
        lost += sum((self.receiver or {}).get(name, 0) for name in LOST)
        return not self.faults and not lost and (self.verification is None or self.verification.complete)


def replay_live(
    config: Config, plan: LivePlan, *, stopping: Stopping, progress: Progress, tell: Callable[[Finding], None]
) -> LiveOutcome:
    """Send, and tell what became of it; findings of the proof are told as they come.

    A stop ends the sending and leaves the proof out; where nobody listens there is none either. Raises ConfigError,
    Permanent or Retryable when it cannot begin.
    """
    with closing(Client(config.elasticsearch)) as client:
        replay = _LiveReplay(config, plan, Documents(client, time.sleep), stopping, progress)
        with replay.looking():
            replay.send()
            replay.settle()
        replay.take_stock()
        outcome = replay.outcome
        if plan.verify and outcome.course.offered and not outcome.handed.nobody and not stopping.is_set():
            replay.verify(tell)
        return outcome


class _LiveReplay:
    """One replay, step by step."""

    def __init__(
        self, config: Config, plan: LivePlan, documents: Documents, stopping: Stopping, progress: Progress
    ) -> None:
        self._plan = plan
        self._pattern = config.index.pattern
        self._interpretation = config.interpretation()
        self._documents = documents
        self._stopping = stopping
        self._progress = progress
        self._receiver = local_receiver.watch(config.state_dir)
        self._drops_before = drops_at(plan.target)
        self._feed = Feed(plan.selection, self._interpretation)
        self._sender = open_sender(
            plan.target,
            framing=plan.framing,
            patient=isinstance(plan.pace, Unpaced),
            stopped=stopping.is_set,
            wait=stopping.wait,
        )
        self._sending = Sending(self._sender, plan.pace, time.monotonic, stopping.wait, self._watch)
        self._probe = SearchProbe(documents, self._pattern, clock_s=time.monotonic)
        self._encoder = CapturedEncoder(self._interpretation, now_us())
        self._looked_s = 0.0
        self.outcome = LiveOutcome(now_us(), self._feed.tally, self._sender.handed, self._sending.course)

    # -- sending -----------------------------------------------------------------------------------------------------

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look for some of the lines meanwhile, when the replay is to be proved."""
        if not self._plan.looks:
            yield
            return
        ended = threading.Event()
        thread = threading.Thread(target=self._probe.run, args=(ended.is_set, ended.wait), name="probe", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.outcome.searchable = self._probe.summary()

    def send(self) -> None:
        """Send all lines, or up to a stop."""
        live = any(str(file) == STDIN for file in self._plan.selection.files)
        try:
            self._sending.run(self._feed.lines(), 1 if live else REPLAY_BATCH_LINES_MAX)
        except Retryable as error:
            self.outcome.faults.append(str(error))
        finally:
            self._sender.close()
            self.outcome.faults += self._feed.faults

    def _watch(self, lines: Sequence[Outgoing]) -> None:
        if lines and self._plan.looks and self._probe.wants():
            self._look_for(lines[-1])
        if self._sending.since_s - self._looked_s >= LOOK_S:
            self._looked_s = self._sending.since_s
            self._progress.show(self._figures())

    def _look_for(self, line: Outgoing) -> None:
        document = json.loads(self._encoder.document(line.raw, cut=line.cut).json)
        query = by_content(document, format_timestamp(now_us() - CLOCKS_DIFFER_US_MAX))
        if query is not None:
            self._probe.sent(query)

    def _figures(self) -> Figures:
        feed, handed = self._feed, self._sender.handed
        counters = self._receiver.settled() if self._receiver else {}
        return Figures(
            feed.tally.read,
            feed.position,
            feed.size,
            self._plan.selection.limit,
            sent=handed.lines,
            indexed=counters.get("indexed"),
            already_there=counters.get("already_there"),
            refused=counters.get("dead_lettered"),
            dropped=handed.lost.total() + counters.get("kernel_drops", 0) + counters.get("dropped_full", 0),
        )

    # -- what became of it -------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until what was sent has arrived, or nothing more comes; for nothing where nobody listens."""
        if self._sender.handed.nobody:
            todo = "start the receiver, or name another with --to"
            self.outcome.faults.append(f"nobody listens at {self._plan.target.url}: {todo}")
            return
        arrived, came_s, bound_s = self._arrived(), time.monotonic(), SETTLE_QUIET_S
        if arrived < self._sender.handed.lines and not self._stopping.is_set():
            self._progress.say(self._waits_for(arrived))
        while time.monotonic() - came_s < bound_s and not self._stopping.is_set():
            before, arrived = arrived, self._arrived()
            if arrived >= self._sender.handed.lines:
                bound_s = FOUND_S_MAX
                if not self._probe.in_flight:
                    return
            if arrived > before:
                came_s = time.monotonic()
            self._stopping.wait(LOOK_S)
            self._progress.show(self._figures())

    def _waits_for(self, arrived: int) -> str:
        handed = self._sender.handed
        nobody = ""
        if handed.unreachable:
            times = f"{handed.unreachable:,} times nobody listened at {self._plan.target.url}; "
            nobody = times if arrived else f"nobody listens at {self._plan.target.url}, it seems; "
        who = "Elasticsearch finds" if self._receiver is None else "the shipper on this machine has accounted for"
        until = f"until {who} {handed.lines:,} lines, or nothing more comes for {SETTLE_QUIET_S:g} s"
        return f"{nobody}all is sent; waiting {until}"

    def _arrived(self) -> int:
        """Count the lines that have arrived; where nobody can tell, all have."""
        if self._receiver is not None:
            return accounted(self._receiver.counters())
        if not self._plan.looks:
            return self._sender.handed.lines
        return self._found() or 0

    def _found(self) -> int | None:
        """Count the documents that were received meanwhile; None where that cannot be asked."""
        try:
            return self._documents.count_each(self._pattern, [self._received().query])[0]
        except ShipperError:
            return None

    def _received(self) -> Received:
        differ_us = 0 if self._receiver else CLOCKS_DIFFER_US_MAX
        return Received(format_timestamp(self.outcome.begun_us - differ_us), format_timestamp(now_us() + differ_us))

    def take_stock(self) -> None:
        """Take note of what the receiver says."""
        drops = drops_at(self._plan.target)
        if self._receiver is not None:
            self.outcome.receiver = counters = self._receiver.counters()
            self.outcome.arrived = counters["indexed"] + counters["already_there"]
            pending = counters["pending"]
            if pending and accounted(counters) < self._sender.handed.lines and not self._stopping.is_set():
                self.outcome.faults.append(f"{pending:,} lines were received and wait: {self._receiver.trouble}")
            self.outcome.refused = self._receiver.refused(format_timestamp(self.outcome.begun_us))
            return
        if drops is not None and self._drops_before is not None:
            self.outcome.receiver = {"kernel_drops": drops - self._drops_before}
        if self._plan.looks:
            self.outcome.arrived = self._found()

    def verify(self, tell: Callable[[Finding], None]) -> None:
        """Hold what was received against what was sent."""
        self._progress.say(f"verifying {self.outcome.course.offered:,} lines")
        try:
            self.outcome.verification = verify_live(
                self._documents, self._pattern, self._expected, tell, self._received()
            )
        except ShipperError as error:
            self.outcome.faults.append(f"not verified: {error}")

    def _expected(self) -> Iterator[Expected]:
        """Give what was sent once more, each line with what it should have become."""
        selection = replace(self._plan.selection, limit=self.outcome.course.offered)
        encoder = CapturedEncoder(self._interpretation, self.outcome.begun_us)
        for line in Feed(selection, self._interpretation).lines():
            captured = encoder.document(line.raw, cut=line.cut)
            yield Expected(line.file, line.offset, line.raw, captured.index, "", captured.json)


def now_us() -> int:
    """Give the time in microseconds since 1970."""
    return time.time_ns() // 1_000
