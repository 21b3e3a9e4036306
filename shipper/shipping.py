"""The shipping process's loop: read the journal, encode, submit for delivery, move the commit.

1. Batches are submitted in the journal's order and settle in any; the ledger moves the commit over what is settled.
2. A batch waits for company at most the linger time, and only when the journal has no more.
3. While delivery has no room, one batch is in hand and nothing more is read: lines wait in the journal.
4. A stop ships what the journal still holds, within its time, or until Elasticsearch does not answer; the rest is there
   at the next start. A patient one goes on until all is settled, a hasty one leaves the journal to the process that
   comes next.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError

from shipper import memory
from shipper.config import Interpretation
from shipper.encode import make_encoder
from shipper.limits import BATCH_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.deliver import Delivery
    from shipper.encode import Body, Encoded, Encoder, Engine, Enricher
    from shipper.journal import Committer, Ledger, Reader, Verdicts
    from shipper.processes import Stop
    from shipper.service import Accounts

_log = structlog.get_logger()

PROGRESS_INTERVAL_S: Final = 60.0
"""Between two events that say how far the shipping is."""

ENCODERS_REMEMBERED_MAX: Final = 4
"""Each start of shipper brings at most one new interpretation."""

GIVE_BACK_INTERVAL_S: Final = 1.0
"""Between two times that freed memory goes back to the kernel: at most a few bodies are cleared once more."""

ROOM_WAIT_S: Final = 0.1
"""How soon a stop is noticed while delivery has no room."""

LEAVE_S_MAX: Final = 5.0
"""How long requests under way are waited for when another process goes on: what has no verdict then, it sends again."""

UNANSWERED_S_MAX: Final = 3.0
"""How long a stop goes on while Elasticsearch does not answer: time for another node, or for a proxy that starts again.
What is longer away keeps nothing but the process, whose ports are closed; the journal has the lines."""

DRAIN_TURN_S: Final = 1.0
"""Between two commits, and two signs of life, at the end."""

_NOT_LOGGED: Final = {"version", "engine", "pid", "started_at", "taken_at", "senders", "expected"}


@dataclass(slots=True)
class Shipping:
    """The parts of the shipping process, wired by the pipeline. ``settled`` is where delivery tells its verdicts."""

    reader: Reader
    delivery: Delivery
    ledger: Ledger
    committer: Committer
    settled: SimpleQueue[tuple[int, Verdicts]]
    accounts: Accounts
    interpretation: Interpretation
    """Today's, for segments whose own cannot be read."""
    lines_max: int
    linger_s: float
    engine: Engine = "python"
    enricher: Enricher | None = None
    sent: Callable[[Sequence[Body]], None] = lambda _: None
    """Is called with the bodies of each batch that delivery has taken."""
    _in_hand: tuple[int, Encoded] | None = None
    _encoders: dict[bytes, Encoder] = field(default_factory=dict)
    _progress_s: float = field(default_factory=time.monotonic)
    _gave_back_s: float = field(default_factory=time.monotonic)
    _answered_s: float = field(default_factory=time.monotonic)

    def run(self, stop: Stop, shutdown_timeout_s: float) -> None:
        """Ship until ``stop``, then what is left for at most ``shutdown_timeout_s``."""
        while not stop.is_set() or (stop.is_patient and self._is_under_way()):
            if not self._take() or (self._submit() and not self.reader.more):
                stop.wait(self.linger_s)
            self._commit()
            self.delivery.check()
            if time.monotonic() - self._progress_s >= PROGRESS_INTERVAL_S:
                self._tell("progress")
        self._answered_s = time.monotonic()
        deadline_s = self._answered_s + shutdown_timeout_s
        while not stop.is_hasty and self._left_s(deadline_s) > 0 and self._take():
            self._submit()
            self._commit()
        self._drain(stop, deadline_s)
        self.delivery.close(0.0)
        self._commit()
        self.committer.write()
        self._tell("shipping_stopped")

    def _drain(self, stop: Stop, deadline_s: float) -> None:
        """Wait until ``deadline_s`` for what is under way, alive meanwhile; in haste, or in vain, not for long."""
        if stop.is_hasty:
            deadline_s = min(deadline_s, time.monotonic() + LEAVE_S_MAX)
        while not self.delivery.drain(max(0.0, min(DRAIN_TURN_S, self._left_s(deadline_s)))):
            self._commit()
            stop.is_set()  # a look is a beat of the pulse
            if self._left_s(deadline_s) <= 0:
                break

    def _left_s(self, deadline_s: float) -> float:
        """Give what is left of a stop until ``deadline_s``: little, while requests get no answer."""
        now_s = time.monotonic()
        if not self.delivery.status().failure:
            self._answered_s = now_s
        return min(deadline_s, self._answered_s + UNANSWERED_S_MAX) - now_s

    def _is_under_way(self) -> bool:
        """Say whether there is a line that is not settled."""
        return self._take() or self.ledger.open_lines > 0

    def _take(self) -> bool:
        """Have a batch in hand, encoded; False when the journal has nothing more now."""
        while self._in_hand is None:
            batch = self.reader.read(self.lines_max, BATCH_BYTES_MAX)
            if batch is None:
                self.accounts.caught_up()
                return False
            ticket = self.ledger.open(batch)
            if len(batch):
                self.accounts.opened(ticket, batch)
                encoder = self._encoder(batch.interpretation)
                encoded = encoder.encode(batch)
                self.accounts.encoded(batch, encoded, encoder.interpretation.zone_of)
                if encoded.failure:
                    hint = "it is indexed with error.message; report it"
                    _log.error("line_not_encoded", error=encoded.failure, hint=hint)
                self._in_hand = ticket, encoded
        return True

    def _submit(self) -> bool:
        """Hand the batch over; False when there was no room for it in ROOM_WAIT_S."""
        if self._in_hand is not None:
            ticket, encoded = self._in_hand
            if not self.delivery.submit(ticket, encoded.bodies, ROOM_WAIT_S):
                return False
            self._in_hand = None
            self.sent(encoded.bodies)
        return True

    def _encoder(self, interpretation: bytes) -> Encoder:
        encoder = self._encoders.get(interpretation)
        if encoder is None:
            if len(self._encoders) >= ENCODERS_REMEMBERED_MAX:
                self._encoders.clear()
            encoder = self._encoders[interpretation] = make_encoder(
                self._read(interpretation), self.engine, self.enricher
            )
        return encoder

    def _read(self, interpretation: bytes) -> Interpretation:
        """Read a segment's interpretation; lines of one that this version cannot read are taken as today's are."""
        try:
            read = Interpretation.model_validate_json(interpretation)
        except ValidationError as error:
            _log.error("interpretation_not_understood", error=str(error), instead="today's configuration")
            return self.interpretation
        return read.with_key(self.interpretation.privacy_key)

    def _commit(self) -> None:
        """Move the commit over what has settled, and tell delivery when it is on disk; and say how all stands."""
        while True:
            try:
                ticket, verdicts = self.settled.get_nowait()
            except Empty:
                break
            self.ledger.settle(ticket, verdicts)
            self.accounts.settled(ticket)
        written = self.committer.tick()
        if written is not None and written.position is not None:
            self.delivery.committed(written.position)
        self.accounts.tick(self.ledger.commit, self.delivery.status)
        if time.monotonic() - self._gave_back_s >= GIVE_BACK_INTERVAL_S:
            memory.give_back()
            self._gave_back_s = time.monotonic()

    def _tell(self, event: str) -> None:
        """Log the counters and how all stands, without the table of senders."""
        self._progress_s = time.monotonic()
        status = self.accounts.status(self.ledger.commit, self.delivery.status())
        _log.info(event, **status.model_dump(mode="json", exclude=_NOT_LOGGED), unexplained=status.unexplained)
