"""Bodies in, verdicts out, with several requests in flight: the workers, and what each answer makes them do.

1. Each item gets exactly one verdict: indexed, already there, dead letter (on disk before it is told), or parked (on
   disk as well). What has none when delivery closes stays in the journal.
2. An item that is in the index, or refused for good, is never sent again; what is sent again is a subset of the bytes.
3. A job that waits occupies no worker. A worker makes one request at a time; their number is the bound in flight.
4. An exception that nobody expected ends delivery: ``check`` and ``submit`` raise it as ``DeliveryEndedError``, and
   nothing settles any more. It is no ``Fatal``: a new process is well again, and the receiving one never stopped.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from shipper import limits
from shipper.deliver._answers import Cause, Failed, IndexHeld, Items, Refused, Remedy, read
from shipper.deliver._body import document, pieces
from shipper.deliver._contract import Status, Surroundings
from shipper.deliver._queue import Job
from shipper.deliver._state import PARKED_TURN, PAUSED_ALIKE, PAUSED_DEAD_LETTERS, PAUSED_REFUSED, State
from shipper.deliver._window import Pressure
from shipper.errors import Retryable
from shipper.journal.commit import Verdicts
from shipper.refusal import Refusal

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shipper import config
    from shipper.deliver._body import Body
    from shipper.journal.entry import Position

_log = structlog.get_logger()

_JOIN_S: Final = 1.0
"""How long ``close`` waits for a worker whose request has no answer yet; its verdict is then not told any more."""

_BUSY: Final = {429, 502, 503, 504}
"""Of an item: the cluster has no room for it now."""

_FUSE_BLOWN: Final = "too many documents would become dead letters, mend the index template or the mapping: {}"


class Delivery:
    """Delivers bodies until it is closed. ``clock_s`` is monotonic."""

    def __init__(
        self,
        settings: config.Delivery,
        surroundings: Surroundings,
        *,
        request_timeout_s: float,
        clock_s: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._request_timeout_s = request_timeout_s
        self._clock_s = clock_s
        self._unrecorded: list[tuple[list[str], Verdicts]] = []
        """Verdicts on parked documents that the disk did not take; only whoever has the parked turn looks at it."""
        self._state = State(settings, clock_s=clock_s, rng=rng)
        self._threads = [
            threading.Thread(target=self._work, name=f"deliver-{number}", daemon=True)
            for number in range(settings.requests_in_flight_max)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, ticket: int, bodies: Sequence[Body], timeout_s: float | None = None) -> bool:
        """Take a batch; wait at most ``timeout_s`` (None: for ever) while the bound on unsettled bytes is reached.

        A batch has a document at least: what has none is settled without us. False says that it was not taken: out of
        time, or closing. Raises DeliveryEndedError.
        """
        parts = [part for body in bodies for part in pieces(body, limits.BULK_BYTES_MAX)]
        return self._state.admit(ticket, parts, timeout_s)

    def check(self) -> None:
        """Raise DeliveryEndedError when an error has ended delivery. Cheap: for turns without anything to submit.

        A delivery that has ended settles nothing, and whoever waits for that would wait for ever.
        """
        self._state.check()

    def committed(self, position: Position) -> None:
        """Take note that the commit record on disk has reached ``position``: parked lines before it may be tried."""
        self._surroundings.parking.committed(position)

    def status(self) -> Status:
        """Tell how delivery stands."""
        return Status(
            **self._state.figures(),
            held=self._state.held,
            paused=self._state.paused,
            asked=self._state.asked,
            failure=self._state.failure,
            parked=self._surroundings.parking.totals,
        )

    def drain(self, timeout_s: float) -> bool:
        """Take nothing more, wait until nothing is under way or ``timeout_s`` is over; tell which. May be repeated."""
        return self._state.drain(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Take nothing more, wait until all is settled or ``timeout_s`` is over, end the workers.

        Tells whether all was settled. After it has returned nothing is told to ``settled``.
        """
        done = self._state.close(timeout_s)
        for thread in self._threads:
            thread.join(_JOIN_S)
        return done

    # -- workers -----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001 -- raised by `check`; a silent end would hang whoever waits
            _log.exception("delivery_failed")
            self._state.fail(error)

    def _turn(self) -> bool:
        """Do one job, and keep nothing of it while waiting for the next; False at the end."""
        job = self._state.next()
        if job is None:
            return False
        if job is PARKED_TURN:
            self._try_parked()
        else:
            self._send(job)
        self._state.done(job)
        return True

    def _try_parked(self) -> None:
        """Go round the indices for which documents are parked, and stay where they are taken again.

        What has its verdict already is not tried once more: as a dead letter it would be written twice.
        """
        parking = self._surroundings.parking
        self._unrecorded = [verdict for verdict in self._unrecorded if not parking.settle(*verdict)]
        if self._unrecorded:
            return
        for index in sorted(parking.indices()):
            body = parking.body(index)
            while body is not None and not self._state.closing:
                settled = parking.totals.settled
                self._send(Job(None, body))
                taken = parking.totals.settled > settled and not self._unrecorded
                body = parking.body(index) if taken else None

    def _send(self, job: Job) -> None:
        """Make one request and act on its answer."""
        job = job.sent()
        sent_s = self._clock_s()
        outcome = self._ask(job)
        self._state.measured(len(job.body.content), sent_s, _pressure(outcome))
        if isinstance(outcome, Items):
            self._act_on_items(job, outcome)
        elif isinstance(outcome, Failed):
            self._act_on_failure(job, outcome)
        else:
            self._wait(job, range(len(job.body)), str(outcome.cause))

    def _ask(self, job: Job) -> Items | Failed | IndexHeld:
        index = job.body.index
        try:
            if not self._state.is_ready(index):
                reason = self._surroundings.ready(index)
                if reason is not None:
                    return IndexHeld(Cause(0, "", reason))
                self._state.ready(index)
            answer = self._surroundings.transport.bulk(index, job.body.content, self._request_timeout_s)
        except Retryable as error:
            self._state.disconnected()
            return Failed(Remedy.AGAIN, Cause(0, "", str(error)))
        return read(answer, len(job.body))

    # -- what an answer means ----------------------------------------------------------------------------------------

    def _act_on_failure(self, job: Job, failure: Failed) -> None:
        alone = len(job.body) == 1
        if failure.remedy is Remedy.AGAIN:
            self._state.failed(failure.cause)
            self._state.retry(job)
        elif failure.remedy is Remedy.PAUSE:
            self._state.pause(PAUSED_REFUSED, failure.cause)
            self._state.retry(job)
        elif not alone:
            self._halve(job, failure.cause)
        elif failure.remedy is Remedy.SHRINK or self._state.at_fault(job):
            self._bury(job, {0: failure.cause})
        else:
            self._doubt(job, failure.cause)

    def _doubt(self, job: Job, cause: Cause) -> None:
        """Send a document again whose request was refused: it is not known yet whose fault that is."""
        index = job.body.index
        if job.ticket is not None and self._state.refused_alike(index):
            self._state.pause(PAUSED_ALIKE, cause, index)
        first = job.halved_at is None
        self._state.retry(replace(job, halved_at=self._state.times_accepted(index)) if first else job)

    def _halve(self, job: Job, cause: Cause) -> None:
        _log.info("request_halved", index=job.body.index, items=len(job.body), status=cause.status, reason=str(cause))
        for half in job.halves(self._state.times_accepted(job.body.index)):
            if job.ticket is None:
                self._send(half)
            else:
                self._state.put(half)

    def _act_on_items(self, job: Job, items: Items) -> None:
        all_items = range(len(job.body))
        good = [number for number in all_items if number not in items.troubles] if items.troubles else all_items
        refused = {number: t.cause for number, t in items.troubles.items() if isinstance(t, Refused)}
        held = [t.cause for t in items.troubles.values() if isinstance(t, IndexHeld)]
        waiting = [number for number in items.troubles if number not in refused]
        may_bury = self._state.answered(job, len(good), Counter(cause.type for cause in refused.values()))
        if good:
            self._settle(job, good, Verdicts(len(good) - items.already_there, items.already_there))
        if refused and may_bury:
            self._bury(job, refused)
        elif refused:
            self._wait(replace(job, counted=True), list(refused), _FUSE_BLOWN.format(next(iter(refused.values()))))
        if waiting:
            self._wait(job, waiting, str(held[0]) if held and not good else None)

    # -- what becomes of documents -----------------------------------------------------------------------------------

    def _settle(self, job: Job, numbers: Iterable[int], verdicts: Verdicts) -> None:
        """Give the items ``numbers`` their verdict."""
        if job.ticket is None:
            ids = [job.body.id(number) for number in numbers]
            if not self._surroundings.parking.settle(ids, verdicts):
                self._unrecorded.append((ids, verdicts))
            return
        total = self._state.tally(job.ticket, verdicts)
        if total is not None:
            self._surroundings.settled(job.ticket, total)

    def _wait(self, job: Job, numbers: Sequence[int], held: str | None) -> None:
        """Let items that are refused for now wait, or park them when they have waited for long; hold their index."""
        if job.ticket is None:
            return
        if held is not None:
            self._state.hold(job.body.index, held)
        rest = job.rest(numbers, self._clock_s())
        if not self._state.overdue(rest) or not self._surroundings.parking.park(rest.body):
            self._state.retry(rest)
            return
        _log.warning("documents_parked", index=job.body.index, items=len(numbers))
        self._settle(job, numbers, Verdicts(parked=len(numbers)))
        self._state.hurry(job.body.index)

    def _bury(self, job: Job, refused: Mapping[int, Cause]) -> None:
        """Make dead letters."""
        refusals = _refusals(job, refused)
        reason = self._surroundings.dead_letters.write(refusals)
        if reason is not None:
            self._state.pause(PAUSED_DEAD_LETTERS, reason)
            self._state.put(replace(job.rest(list(refused)), counted=True))
            return
        self._state.resume(PAUSED_DEAD_LETTERS)
        self._state.settled()
        letter = refusals[0]
        _log.warning(
            "dead_letters_written", index=letter.index, items=len(refusals), type=letter.type, reason=letter.reason
        )
        self._settle(job, refused, Verdicts(dead_lettered=len(refusals)))


def _pressure(outcome: Items | Failed | IndexHeld) -> Pressure | None:
    """Tell what an answer says of the cluster's room; None when it says nothing, as a quick refusal does."""
    if isinstance(outcome, Failed):
        if outcome.remedy is Remedy.SHRINK:
            return Pressure.TOO_LARGE
        if outcome.remedy is Remedy.AGAIN:
            return Pressure.BUSY if outcome.cause.status else Pressure.UNANSWERED
    elif isinstance(outcome, Items):
        if any(trouble.cause.status in _BUSY for trouble in outcome.troubles.values()):
            return Pressure.BUSY
        return None if outcome.troubles else Pressure.NONE
    return None


def _refusals(job: Job, refused: Mapping[int, Cause]) -> list[Refusal]:
    return [
        Refusal(
            id=job.body.id(number),
            index=job.body.index,
            line=line,
            document=document(job.body, number),
            tries=job.tries,
            status=cause.status,
            type=cause.type,
            reason=cause.reason,
            caused_by=cause.caused_by,
            field=cause.field,
        )
        for line, (number, cause) in zip(job.body.lines(list(refused)), refused.items(), strict=True)
    ]
