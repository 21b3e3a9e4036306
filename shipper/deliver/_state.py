"""Everything the workers share: what waits, what is open, what is known of the cluster. A monitor: any thread may call.

1. One lock guards it; no request, no disk and no callback happens under it.
2. Bytes without a verdict are bounded: ``admit`` blocks. A batch that is larger than the bound goes alone. A body that
   was cut counts whole until its last part is settled: so long it is in memory.
3. What is said to people is said at a change, once.
4. A job that comes wakes one worker, and who takes one wakes another for those that are left. So somebody always waits
   for the job that is due next, and the others sleep on.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from shipper import limits
from shipper.deliver._backoff import Backoff
from shipper.deliver._body import Remainder, pieces, whole
from shipper.deliver._contract import DeliveryEndedError
from shipper.deliver._fuse import Fuses
from shipper.deliver._health import Health
from shipper.deliver._open import OpenBatches
from shipper.deliver._queue import Job, Queue
from shipper.deliver._window import Pressure, Window
from shipper.elastic import CREDENTIALS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from shipper import config
    from shipper.deliver._answers import Cause
    from shipper.deliver._body import Body
    from shipper.journal.commit import Verdicts

_log = structlog.get_logger()

PAUSED_REFUSED: Final = "requests refused"
PAUSED_ALIKE: Final = "documents refused alike"
PAUSED_DEAD_LETTERS: Final = "dead letters"
_TODO: Final = {
    PAUSED_REFUSED: f"check the credentials ({CREDENTIALS}) and what they may do",
    PAUSED_ALIKE: "whole requests are refused; the reason says why",
    PAUSED_DEAD_LETTERS: "make room: `shipper dead-letters list`, then `retry` or `purge`, or raise their bytes_max",
}
_OF: Final = ": "
"""Between a kind of pause and the index that it is of."""


PARKED_TURN: Final = Job(None, Remainder("", b"", (), (), ()))
"""Stands for the turn of what is parked."""


class State:
    """Shared by the workers and by whoever submits."""

    def __init__(self, settings: config.Delivery, *, clock_s: Callable[[], float], rng: random.Random) -> None:
        self._settings = settings
        self._clock_s = clock_s
        self._rng = rng
        self._backoff = Backoff(settings.retry_delay_s_min, settings.retry_delay_s_max)
        self._fuses = Fuses(limits.FUSE_WINDOW_ITEMS, settings.fuse_share_max)
        self._health = Health(settings.park_after_s)
        self._queue = Queue(settings.pause_delay_s)
        self._window = Window(settings.requests_in_flight_max)
        self._open = OpenBatches()
        self._ready: set[str] = set()
        self._parked_at_s = clock_s()
        self._jobs_of: Counter[int] = Counter()
        """How many jobs share the bytes of a body, by its ``id``, which is its own as long: each of them holds it."""
        self._unsettled_bytes = 0
        self._in_flight = 0
        self.asked = False
        """Whether there was a request yet."""
        self._closing = False
        self._stopped = False
        self._error: BaseException | None = None
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        """Whoever admits or closes waits for it."""
        self._work = threading.Condition(lock)
        """Workers wait for it."""

    # -- coming and going --------------------------------------------------------------------------------------------

    def admit(self, ticket: int, bodies: Sequence[Body], timeout_s: float | None) -> bool:
        """Take a batch, once there is room; False when there is none in time, or when closing.

        Raises DeliveryEndedError when a worker has failed.
        """
        size = sum(len(body.content) for body in bodies)
        with self._changed:
            room = self._changed.wait_for(lambda: self._closing or self._stopped or self._has_room(size), timeout_s)
            self.check()
            if self._closing or not room:
                return False
            self._open.open(ticket, sum(map(len, bodies)))
            for body in bodies:
                self.put(Job(ticket, body))
            return True

    def next(self) -> Job | None:
        """Wait for a job, and count it as in flight; an empty one for the turn of what is parked. None: stopped."""
        with self._changed:
            while not self._stopped:
                now_s = self._clock_s()
                full = self._in_flight >= self._window.requests
                job = None if full else self._take(now_s)
                if job is not None:
                    self._in_flight += 1
                    if self._queue.wait_s(now_s) is not None:
                        self._work.notify()
                    return job
                waits_s = (None if full else self._queue.wait_s(now_s), self._settings.pause_delay_s)
                self._work.wait(min(wait_s for wait_s in waits_s if wait_s is not None))
            return None

    def _take(self, now_s: float) -> Job | None:
        """Take what may be sent now; of a job that is larger than requests may be, the first piece."""
        if self._parked_turn(now_s):
            return PARKED_TURN
        job = self._queue.take(now_s)
        if job is None or len(job.body.content) <= self._window.bytes_max:
            return job
        first, *rest = (replace(job, body=body) for body in pieces(job.body, self._window.bytes_max))
        for piece in rest:
            self._count(piece, 1)
            self._queue.put(piece, now_s)
        return first

    def measured(self, bytes_sent: int, sent_s: float, pressure: Pressure | None) -> None:
        """Let the window follow what a request met."""
        now_s = self._clock_s()
        with self._changed:
            self.asked = True
            if pressure is Pressure.NONE:
                self._window.answered(bytes_sent, now_s - sent_s)
            if pressure in {Pressure.BUSY, Pressure.UNANSWERED}:
                self._window.refused(sent_s, now_s)
            if pressure in {Pressure.TOO_LARGE, Pressure.UNANSWERED}:
                self._window.too_large(bytes_sent)

    def done(self, job: Job) -> None:
        """Take note that a job from ``next`` is dealt with: settled, or put again."""
        with self._changed:
            self._in_flight -= 1
            if job is PARKED_TURN:
                self._parked_at_s = self._clock_s() + self._settings.pause_delay_s
            else:
                self._count(job, -1)
            self._changed.notify_all()

    def put(self, job: Job, delay_s: float = 0.0) -> None:
        """Let a job wait. What is parked waits where it is."""
        if job.ticket is None:
            return
        with self._changed:
            self._count(job, 1)
            self._queue.put(job, self._clock_s() + delay_s)
            self._work.notify()

    def _count(self, job: Job, jobs: int) -> None:
        """Count the bytes that a job keeps in memory, once for all jobs that share them."""
        body = whole(job.body)
        before = self._jobs_of[id(body)]
        self._jobs_of[id(body)] += jobs
        if not before:
            self._unsettled_bytes += len(body.content)
        elif not self._jobs_of[id(body)]:
            del self._jobs_of[id(body)]
            self._unsettled_bytes -= len(body.content)

    def retry(self, job: Job) -> None:
        """Let a job wait for its back-off."""
        failed = job.failed()
        self.put(failed, self._backoff.delay_s(failed.attempt, self._rng))

    def tally(self, ticket: int, verdicts: Verdicts) -> Verdicts | None:
        """Add verdicts; give the sum once the batch has them all, and never after the end."""
        with self._changed:
            return None if self._stopped else self._open.tally(ticket, verdicts)

    @property
    def closing(self) -> bool:
        """Whether an end is near."""
        return self._closing

    def drain(self, timeout_s: float) -> bool:
        """Admit nothing more, wait until nothing is under way or time is over; tell which."""
        with self._changed:
            self._closing = True
            self._wake_all()
            return self._changed.wait_for(lambda: self._stopped or not (self._open or self._in_flight), timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Admit nothing more, wait until all is settled or time is over; tell which."""
        with self._changed:
            self.drain(timeout_s)
            self._stopped = True
            self._wake_all()
            return not self._open

    def check(self) -> None:
        """Raise DeliveryEndedError when a worker has failed."""
        if self._error is not None:
            raise DeliveryEndedError(f"delivery has ended: {self._error!r}") from self._error

    def fail(self, error: BaseException) -> None:
        """End: a worker met what nobody expected."""
        with self._changed:
            self._error, self._stopped = error, True
            self._wake_all()

    def figures(self) -> dict[str, int]:
        """Count what is under way."""
        with self._changed:
            return {
                "in_flight": self._in_flight,
                "in_flight_max": self._window.requests,
                "request_bytes_max": self._window.bytes_max,
                "unsettled_bytes": self._unsettled_bytes,
                "unsettled_batches": len(self._open),
                "waiting_items": sum(len(job.body) for job in self._queue.jobs()),
            }

    @property
    def held(self) -> Mapping[str, str]:
        """The held indices, with the reason."""
        with self._changed:
            return self._queue.held

    @property
    def paused(self) -> Mapping[str, str]:
        """Why delivery is paused, and what to do."""
        with self._changed:
            return {key: f"{why}; {_TODO[key.partition(_OF)[0]]}" for key, why in self._queue.pauses.items()}

    # -- what is known -----------------------------------------------------------------------------------------------

    def is_ready(self, index: str) -> bool:
        """Tell whether ``index`` was found ready since the last failed connection."""
        with self._changed:
            return index in self._ready

    def ready(self, index: str) -> None:
        """Take note that ``index`` may be written to."""
        with self._changed:
            self._ready.add(index)

    def disconnected(self) -> None:
        """Take note that a connection failed: whatever answers next may be another cluster, or an emptied one."""
        with self._changed:
            self._ready.clear()

    @property
    def failure(self) -> str:
        """Why the last request got no answer that could be read; empty when it did."""
        return self._health.failure

    def failed(self, cause: Cause) -> None:
        """Take note of such a request."""
        with self._changed:
            newly, self._health.failure = not self._health.failure, str(cause)
        if newly:
            _log.warning("elasticsearch_failing", status=cause.status, reason=str(cause))

    def answered(self, job: Job, good: int, refused: Counter[str]) -> bool:
        """Take note of an answer that could be read; tell whether what it refuses may become dead letters."""
        index, now_s = job.body.index, self._clock_s()
        with self._changed:
            if self._health.failure:
                self._health.failure = ""
                self._queue.hasten(now_s + self._settings.retry_delay_s_min)  # what they wait for is over
                self._work.notify_all()
                _log.info("elasticsearch_answered")
            self.resume(PAUSED_REFUSED)
            held_back = self._fuses.hold(index, good, refused, counted=job.counted)
            if good:
                self._accepted(index, now_s)
            elif not refused:
                self._health.refused(index, now_s)
            if good and not held_back:
                self._release(index, now_s)
            return not held_back

    def settled(self) -> None:
        """Take note that an item got its verdict."""
        with self._changed:
            self._health.settled(self._clock_s())

    def overdue(self, job: Job) -> bool:
        """Tell whether the items of ``job`` are to be parked."""
        with self._changed:
            return self._health.overdue(job, self._clock_s())

    def times_accepted(self, index: str) -> int:
        """Tell how often ``index`` took documents."""
        with self._changed:
            return self._health.times_accepted(index)

    def at_fault(self, job: Job) -> bool:
        """Tell whether the single document of ``job`` is at fault, now that its request was refused."""
        with self._changed:
            return self._health.at_fault(job)

    def refused_alike(self, index: str) -> bool:
        """Take note that a single document was refused; tell whether that is too often."""
        with self._changed:
            return self._health.refused_alike(index)

    # -- holds and pauses --------------------------------------------------------------------------------------------

    def hold(self, index: str, reason: str) -> None:
        """Let the documents for one index wait until it takes one again."""
        with self._changed:
            now_s = self._clock_s()
            self._health.refused(index, now_s)
            newly = self._queue.hold(index, reason, now_s)
        if newly:
            _log.warning("index_held", index=index, reason=reason, retry_s=self._settings.pause_delay_s)

    def hurry(self, index: str) -> None:
        """Let the next job of a held index through: the one before it was parked."""
        with self._changed:
            self._queue.hurry(index, self._clock_s())
            self._work.notify_all()

    def pause(self, kind: str, cause: Cause | str, index: str = "") -> None:
        """Pause delivery; ``index`` tells whose documents must be accepted to end it, where that matters."""
        key = f"{kind}{_OF}{index}" if index else kind
        with self._changed:
            newly = self._queue.pause(key, str(cause), self._clock_s())
        if newly:
            retry_s = self._settings.pause_delay_s
            _log.warning("delivery_paused", kind=key, reason=str(cause), todo=_TODO[kind], retry_s=retry_s)

    def resume(self, kind: str) -> None:
        """Take one reason for the pause away."""
        with self._changed:
            if self._queue.resume(kind):
                self._work.notify_all()
                _log.info("delivery_resumed", kind=kind)

    def _wake_all(self) -> None:
        self._changed.notify_all()
        self._work.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._unsettled_bytes or self._unsettled_bytes + size <= self._settings.unsettled_bytes_max

    def _parked_turn(self, now_s: float) -> bool:
        """Give the turn to one worker at a time, while there is hope."""
        if now_s < self._parked_at_s or self._closing or self._queue.pauses or self._health.failure:
            return False
        self._parked_at_s = math.inf
        return True

    def _accepted(self, index: str, now_s: float) -> None:
        self._health.accepted(index)
        self._health.settled(now_s)
        self.resume(f"{PAUSED_ALIKE}{_OF}{index}")

    def _release(self, index: str, now_s: float) -> None:
        if self._queue.release(index, now_s):
            _log.info("index_released", index=index)
            self._work.notify_all()
