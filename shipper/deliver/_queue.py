"""What waits to be sent, and until when. Pure, no threads and no clock: ``now_s`` comes in, whatever clock it is of.

1. A job that backs off waits in a heap by its due time; it occupies nothing. All may be let go sooner.
2. The jobs of a held index wait together. One of them is let through now and then to see whether the index takes
   documents again; the first success releases the others.
3. While delivery is paused, one job at a time is let through in the same way, each time another one.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from shipper.deliver._body import halves, subset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shipper.deliver._body import Body


@dataclass(frozen=True, slots=True)
class Job:
    """One request to be made."""

    ticket: int | None
    """Of the batch; None for documents that are parked."""
    body: Body
    attempt: int = 0
    """Tries in a row that failed, for the back-off."""
    tries: int = 0
    """Requests that carried these documents."""
    refused_since_s: float | None = None
    """When one of these items was first refused alone."""
    halved_at: int | None = None
    """How often the index had taken documents when this request was first refused as a whole."""
    counted: bool = False
    """The fuse has seen these documents."""

    def sent(self) -> Job:
        """Give the job after one more request."""
        return replace(self, tries=self.tries + 1)

    def failed(self) -> Job:
        """Give the job after one more failure."""
        return replace(self, attempt=self.attempt + 1)

    def rest(self, numbers: Sequence[int], refused_s: float | None = None) -> Job:
        """Give a job of some of the items, refused alone at ``refused_s`` if not before."""
        since_s = refused_s if self.refused_since_s is None else self.refused_since_s
        return replace(self, body=subset(self.body, numbers), refused_since_s=since_s)

    def halves(self, accepted: int) -> tuple[Job, Job]:
        """Give two jobs of half of the items each."""
        half = replace(self, halved_at=accepted if self.halved_at is None else self.halved_at, attempt=0)
        first, second = halves(self.body)
        return replace(half, body=first), replace(half, body=second)


@dataclass(slots=True)
class _Hold:
    reason: str
    probe_at_s: float
    jobs: deque[Job] = field(default_factory=deque)


class Queue:
    """Jobs by due time, held indices, and pauses. Not thread-safe."""

    def __init__(self, probe_delay_s: float) -> None:
        self._probe_delay_s = probe_delay_s
        self._numbers = count()
        self._heap: list[tuple[float, int, Job]] = []
        self._holds: dict[str, _Hold] = {}
        self._pauses: dict[str, str] = {}
        self._probe_at_s = 0.0

    @property
    def held(self) -> Mapping[str, str]:
        """The held indices, with the reason."""
        return {index: hold.reason for index, hold in self._holds.items()}

    @property
    def pauses(self) -> Mapping[str, str]:
        """Why delivery is paused: a reason for each kind; empty when it is not."""
        return dict(self._pauses)

    def jobs(self) -> Iterator[Job]:
        """Give every job that waits."""
        yield from (job for _, _, job in self._heap)
        for hold in self._holds.values():
            yield from hold.jobs

    def put(self, job: Job, due_s: float) -> None:
        """Let ``job`` wait until ``due_s``."""
        heapq.heappush(self._heap, (due_s, next(self._numbers), job))

    def hasten(self, due_s: float) -> None:
        """Let no job back off beyond ``due_s``."""
        self._heap = [(min(due, due_s), number, job) for due, number, job in self._heap]
        heapq.heapify(self._heap)

    def hold(self, index: str, reason: str, now_s: float) -> bool:
        """Hold ``index``; tell whether it was not held before."""
        if index in self._holds:
            self._holds[index].reason = reason
            return False
        self._holds[index] = _Hold(reason, now_s + self._probe_delay_s)
        return True

    def release(self, index: str, now_s: float) -> bool:
        """Let all jobs of ``index`` go; tell whether it was held."""
        hold = self._holds.pop(index, None)
        for job in hold.jobs if hold else ():
            self.put(job, now_s)
        return hold is not None

    def hurry(self, index: str, now_s: float) -> None:
        """Let the next job of a held index through at once."""
        if index in self._holds:
            self._holds[index].probe_at_s = now_s

    def pause(self, kind: str, reason: str, now_s: float) -> bool:
        """Pause delivery; tell whether it was not paused for this kind of reason before."""
        if not self._pauses:
            self._probe_at_s = now_s + self._probe_delay_s
        new = kind not in self._pauses
        self._pauses[kind] = reason
        return new

    def resume(self, kind: str) -> bool:
        """Take one kind of reason away; tell whether it was there."""
        return self._pauses.pop(kind, None) is not None

    def take(self, now_s: float) -> Job | None:
        """Give the next job that may be sent now."""
        if self._pauses:
            return self._take_probe(now_s)
        for hold in self._holds.values():
            if hold.jobs and now_s >= hold.probe_at_s:
                hold.probe_at_s = now_s + self._probe_delay_s
                return hold.jobs.popleft()
        while self._heap and self._heap[0][0] <= now_s:
            job = heapq.heappop(self._heap)[2]
            held = self._holds.get(job.body.index)
            if held is None:
                return job
            held.jobs.append(job)
            if now_s >= held.probe_at_s:
                return self.take(now_s)
        return None

    def wait_s(self, now_s: float) -> float | None:
        """Give the seconds until ``take`` may give something, or None when only a change can bring it."""
        if self._pauses:
            times = [self._probe_at_s] if any(True for _ in self.jobs()) else []
        else:
            times = [hold.probe_at_s for hold in self._holds.values() if hold.jobs]
            times += [due_s for due_s, _, _ in self._heap[:1]]
        return max(0.0, min(times) - now_s) if times else None

    def _take_probe(self, now_s: float) -> Job | None:
        if now_s < self._probe_at_s:
            return None
        job = self._pop_any()
        if job is not None:
            self._probe_at_s = now_s + self._probe_delay_s
        return job

    def _pop_any(self) -> Job | None:
        if self._heap:
            return heapq.heappop(self._heap)[2]
        return next((hold.jobs.popleft() for hold in self._holds.values() if hold.jobs), None)
