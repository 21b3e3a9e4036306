"""What `shipper top` counts: the lines of the last minute or so, told apart, by the second of their receipt.

1. Times are counted and not summed up: percentiles are exact, by nearest rank, over the whole window.
2. A window begins with a whole second; one that has left it is forgotten.
3. Where not all entries are read, counts are of the lines read; ``View.scale`` is what rates are multiplied with.
   Percentiles and shares stand for themselves.
4. What senders choose is bounded: groups in a second, characters of a name, events shown.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.termination import ERRORS
from shipper.limits import TOP_EVENTS_MAX, TOP_GROUPS_MAX, TOP_NAME_CHARS_MAX
from shipper.query import Dimension, Phase, counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.query import Group, Question

OTHERS: Final = "(others)"
"""What is counted together once there are too many groups."""
FIELDS: Final = frozenset(
    {"event.category", "message", Dimension.STATUS.field, Dimension.TERMINATION.field},
)
"""What a line has to tell, beside what is asked for."""
_SECOND_US: Final = 1_000_000
_SERVER_ERROR: Final = 500
_OF_CONNECTIONS: Final = frozenset({"network", "web"})
"""Categories of events that come with each connection."""


@dataclass(slots=True)
class Ended:
    """Lines of traffic: how they ended, and how often each time, in milliseconds, is there in each phase."""

    requests: int = 0
    errors: int = 0
    """With a status of 500 and more."""
    abnormal: int = 0
    """With a termination state that tells of an error."""
    failed: int = 0
    """Of either kind, or both."""
    states: Counter[str] = field(default_factory=Counter)
    """The termination states of those that ended so."""
    times: dict[Phase, Counter[int]] = field(default_factory=dict)

    def add(self, document: Mapping[str, Any], phases: tuple[Phase, ...]) -> None:
        """Count a line."""
        state = document.get(Dimension.TERMINATION.field, "-")
        error, abnormal = document.get(Dimension.STATUS.field, 0) >= _SERVER_ERROR, state[0] in ERRORS
        self.requests += 1
        self.errors += error
        self.abnormal += abnormal
        self.failed += error or abnormal
        if abnormal:
            self.states[state] += 1
        for phase in phases:
            ms = document.get(phase.field)
            if ms is not None:
                self.times.setdefault(phase, Counter())[ms] += 1

    def merge(self, other: Ended) -> None:
        """Count what another has counted."""
        self.requests += other.requests
        self.errors += other.errors
        self.abnormal += other.abnormal
        self.failed += other.failed
        self.states.update(other.states)
        for phase, times in other.times.items():
            self.times.setdefault(phase, Counter()).update(times)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that HAProxy said of itself, and when that came."""

    received_us: int
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """The window as of now. ``lines`` came, ``read`` of them were looked at; the rest of the counts is of those."""

    now_us: int
    seconds: float
    """How much time the window covers: less than was asked for at the beginning."""
    lines: int
    read: int
    unparsed: int
    dropped: int
    """Lines that came and are not in the journal: it was full, or the kernel's buffer was."""
    whole: Ended
    groups: Mapping[Group, Ended]
    events: tuple[Event, ...]
    """The last ones, newest first."""

    @property
    def scale(self) -> float:
        """How many lines stand for one that was read."""
        return self.lines / self.read if self.read else 1.0

    def rate(self, count: int) -> float:
        """Give what a count comes to in a second, over all lines."""
        return count * self.scale / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class _Second:
    lines: int = 0
    read: int = 0
    unparsed: int = 0
    dropped: int = 0
    groups: dict[Group, Ended] = field(default_factory=dict)


class Window:
    """Counts what comes; ``now_us`` is when that begins, unless what comes is older."""

    def __init__(self, question: Question, window_s: int, now_us: int) -> None:
        self._question = question
        self._window_s = window_s
        self._began_us = now_us
        self._seconds: dict[int, _Second] = {}
        self._events: deque[Event] = deque(maxlen=TOP_EVENTS_MAX)

    def oldest_us(self, now_us: int) -> int:
        """Tell which lines are too old for the window: those received before."""
        return (now_us // _SECOND_US - self._window_s) * _SECOND_US

    def came(self, received_us: int, lines: int, dropped: int) -> None:
        """Take note of an entry, whether it will be read or not."""
        self._began_us = min(self._began_us, received_us)
        second = self._second(received_us)
        second.lines += lines
        second.dropped += dropped

    def add(self, received_us: int, document: Mapping[str, Any]) -> None:
        """Count what a line that was read says, by the paths of the fields."""
        second = self._second(received_us)
        second.read += 1
        kind = document["haproxy.line"]
        second.unparsed += kind == "unparsed"
        if kind == "event" and document.get("event.category") not in _OF_CONNECTIONS:
            self._events.appendleft(Event(received_us, _short(document.get("message", ""))))
        if counts(document) and self._question.filters.fit(document):
            self._tally(second, document).add(document, self._question.phases)

    def view(self, now_us: int) -> View:
        """Give the window as of now, and forget what is older."""
        since_us = max(self._began_us, self.oldest_us(now_us))
        for gone in [number for number in self._seconds if number < since_us // _SECOND_US]:
            del self._seconds[gone]
        groups: dict[Group, Ended] = {}
        whole = Ended()
        for second in self._seconds.values():
            for group, tally in second.groups.items():
                groups.setdefault(group, Ended()).merge(tally)
                whole.merge(tally)
        seconds = self._seconds.values()
        return View(
            now_us=now_us,
            seconds=max(0, now_us - since_us) / _SECOND_US,
            lines=sum(second.lines for second in seconds),
            read=sum(second.read for second in seconds),
            unparsed=sum(second.unparsed for second in seconds),
            dropped=sum(second.dropped for second in seconds),
            whole=whole,
            groups=groups,
            events=tuple(event for event in self._events if event.received_us >= since_us),
        )

    def _second(self, received_us: int) -> _Second:
        return self._seconds.setdefault(received_us // _SECOND_US, _Second())

    def _tally(self, second: _Second, document: Mapping[str, Any]) -> Ended:
        group: Group = tuple([_short(document.get(by.field)) for by in self._question.by])
        if group not in second.groups and len(second.groups) >= TOP_GROUPS_MAX:
            group = (OTHERS,) * len(group)
        return second.groups.setdefault(group, Ended())


def _short(value: Any) -> Any:  # noqa: ANN401 -- a name, a number or nothing
    return value[:TOP_NAME_CHARS_MAX] if isinstance(value, str) else value
