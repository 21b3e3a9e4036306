"""Sends lines when they are due, and counts what was offered and what was reached.

1. What is due goes out at once, as one batch; what is not yet due is waited for, at least TICK_S: short sleeps cost
   more than they gain. A line is late by about that.
2. Who falls behind sends without pause until the schedule is caught up; how late it was is told.
3. ``offered = sent + lost``: every line is handed to the sender once, and the sender's counts tell the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from shipper.limits import REPLAY_BATCH_LINES_MAX
from shipper.replay.over_time import OverTime
from shipper.replay.pace import Unpaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shipper.replay.feed import Outgoing
    from shipper.replay.pace import Pace
    from shipper.replay.senders import Sender

TICK_S: Final = 0.001
"""The shortest wait."""
LOOK_S: Final = 0.2
"""The longest, so that a stop and the progress are seen."""


class Watch(Protocol):
    """Is told of each batch right after it was sent; must be quick."""

    def __call__(self, lines: Sequence[Outgoing]) -> None:
        """Take note of a batch; of an empty one when nothing was due for a while."""


@dataclass(slots=True)
class Course:
    """How the sending went."""

    offered: int = 0
    """Lines that were due and handed to the sender."""
    scheduled_s: float = 0.0
    """How long the schedule takes for so many lines; 0 without a pace."""
    took_s: float = 0.0
    """How long it took."""
    late_s_max: float = 0.0
    """How far a line was behind its schedule, at most."""
    stopped: bool = False
    """It was ended from outside."""
    over_time: OverTime = field(default_factory=OverTime)


class Sending:
    """One replay's sending. ``wait`` sleeps for so many seconds, and tells whether a stop was asked for."""

    def __init__(
        self, sender: Sender, pace: Pace, clock_s: Callable[[], float], wait: Callable[[float], bool], watch: Watch
    ) -> None:
        self.course = Course()
        self._sender = sender
        self._pace = pace
        self._paced = not isinstance(pace, Unpaced)
        self._clock_s = clock_s
        self._wait = wait
        self._watch = watch
        self._begun_s = clock_s()
        self._batch: list[Outgoing] = []
        self._batch_due_s = 0.0
        self._last_due_s = 0.0

    @property
    def since_s(self) -> float:
        """Seconds since the beginning."""
        return self._clock_s() - self._begun_s

    def run(self, lines: Iterable[Outgoing], batch_lines_max: int = REPLAY_BATCH_LINES_MAX) -> None:
        """Send all lines. What was read before an error of ``lines`` is sent; an error of the sender ends it."""
        last_us = 0
        now_s = 0.0
        due_of = self._pace.due_s
        try:
            for number, line in enumerate(lines):
                last_us = line.written_us
                due_s = due_of(number, last_us)
                if due_s > now_s or len(self._batch) >= batch_lines_max:
                    now_s = self._when_due(due_s)
                    if self.course.stopped:
                        return
                if not self._batch:
                    self._batch_due_s = due_s
                self._batch.append(line)
                self._last_due_s = max(self._last_due_s, due_s)
        finally:
            self._flush()
            course = self.course
            if self._paced and not course.stopped:
                course.scheduled_s = max(self._last_due_s, self._pace.due_s(course.offered, last_us))
                course.took_s = max(course.took_s, course.scheduled_s)

    def _when_due(self, due_s: float) -> float:
        """Send what was due so far, and wait until ``due_s`` or a stop; give the time of then."""
        self._flush()
        self.course.stopped = self._wait(0)
        while not self.course.stopped and (left_s := due_s - self.since_s) > 0:
            self.course.stopped = self._wait(min(max(left_s, TICK_S), LOOK_S))
            if left_s > LOOK_S:
                self._watch(())
        return self.since_s

    def _flush(self) -> None:
        """Send the batch, and take note of it."""
        batch, self._batch = self._batch, []
        if not batch:
            return
        course, handed = self.course, self._sender.handed
        before, lost_before = handed.lines, handed.lost.total()
        course.offered += len(batch)
        begin_s = self.since_s
        due_s = self._batch_due_s if self._paced else begin_s
        try:
            self._sender.send([line.raw for line in batch])
        finally:
            course.took_s = self.since_s
            course.late_s_max = max(course.late_s_max, begin_s - due_s)
            course.over_time.at(due_s).offered += len(batch)
            interval = course.over_time.at(begin_s)
            interval.sent += handed.lines - before
            interval.lost += handed.lost.total() - lost_before
        self._watch(batch)
