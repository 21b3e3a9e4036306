"""How far a direct replay is, and what became of its lines. Pure: what is read and what is settled comes in.

1. Batches are read in the order of the lines and settle in any. The state moves over what is settled in front, never
   past a line without a verdict; so whoever goes on from it sends nothing twice but what was under way.
2. ``read = blank + outside + indexed + already_there + dead_lettered + parked``. ``read`` is counted where lines are
   read and the verdicts where they are given, so that the sum can fail.
3. Position and counts are one record.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 -- pydantic reads the annotations of what is kept on disk
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

from shipper.journal.commit import Verdicts
from shipper.limits import REFUSED_PLACES_MAX, SUMMARY_REASONS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.journal.entry import Position
    from shipper.parking_totals import ParkingTotals

OTHER_REASONS: Final = "for other reasons"


@dataclass(frozen=True, slots=True)
class Refused:
    """Documents that were refused alike."""

    lines: int
    reason: str
    """What Elasticsearch said of the first of them."""
    places: tuple[str, ...]
    """Where the first of their lines stand: file and offset."""

    def __add__(self, other: Refused) -> Refused:
        """Sum two."""
        return Refused(self.lines + other.lines, self.reason, (self.places + other.places)[:REFUSED_PLACES_MAX])


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of lines."""

    read: int = 0
    """All of them, blank ones too."""
    blank: int = 0
    outside: int = 0
    """Of another time than the one that was asked for."""
    indexed: int = 0
    already_there: int = 0
    dead_lettered: int = 0
    """Refused for good."""
    parked: int = 0
    """Refused for now, and kept."""
    cut: int = 0
    """Longer than a line may be; among the others."""
    unparsed: int = 0
    """Not understood; among the others."""
    unmoved: int = 0
    """Without a date that could have been moved; among the others."""
    by_index: Mapping[str, int] = field(default_factory=dict)
    """Documents by the index that they were sent to."""
    refused: Mapping[str, Refused] = field(default_factory=dict)
    """The dead letters by the kind of error and the field."""

    def __add__(self, other: Tally) -> Tally:
        """Sum two tallies."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        by_index = dict(self.by_index)
        for index, documents in other.by_index.items():
            by_index[index] = by_index.get(index, 0) + documents
        refused = dict(self.refused)
        for kind, group in other.refused.items():
            known = kind if kind in refused or len(refused) < SUMMARY_REASONS_MAX else OTHER_REASONS
            refused[known] = refused[known] + group if known in refused else group
        return Tally(**counts, by_index=by_index, refused=refused)

    @property
    def documents(self) -> int:
        """Lines with a verdict."""
        return self.indexed + self.already_there + self.dead_lettered + self.parked

    @property
    def adds_up(self) -> bool:
        """Tell whether every line is accounted for."""
        groups = sum(group.lines for group in self.refused.values())
        return self.read == self.blank + self.outside + self.documents and self.dead_lettered == groups

    def with_verdicts(self, verdicts: Verdicts) -> Tally:
        """Add verdicts, without what was refused why."""
        return replace(
            self,
            indexed=self.indexed + verdicts.indexed,
            already_there=self.already_there + verdicts.already_there,
            dead_lettered=self.dead_lettered + verdicts.dead_lettered,
            parked=self.parked + verdicts.parked,
        )


_COUNTS: Final = tuple(each.name for each in fields(Tally) if each.name not in {"by_index", "refused"})


@dataclass(frozen=True, slots=True)
class Times:
    """What the times of the lines to come hang on. Microseconds since 1970."""

    near_us: int | None = None
    """Of the last dated line, as it stands in the file; None at the file's front."""
    first_us: int | None = None
    """Of the first line that was sent, as it stands in its file: from there on all are moved."""
    last_us: int = 0
    """The latest of this round."""
    lines: int = 0
    """Sent in this round."""
    later_us: int = 0
    """How much later than the first round this one is."""

    def with_line(self, us: int) -> Times:
        """Take note of a line that is sent."""
        first_us = us if self.first_us is None else self.first_us
        return replace(self, first_us=first_us, last_us=max(self.last_us, us), lines=self.lines + 1)

    def next_round(self) -> Times:
        """Let the next round follow this one, at its mean gap."""
        if self.first_us is None:
            return self
        span_us = self.last_us - self.first_us if self.lines else 0
        return Times(first_us=self.first_us, later_us=self.later_us + span_us + span_us // max(self.lines - 1, 1))


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a replay is: before ``end`` of a part, behind the line that has this offset and this `_id`.

    A part is one round of one file, counted from 0. At its front there is no such line, and the `_id` is empty.
    """

    part: int = 0
    offset: int = 0
    end: int = 0
    id: str = ""
    times: Times = field(default_factory=Times)


@dataclass(frozen=True, slots=True)
class State:
    """A direct replay, as it is kept on disk."""

    conditions: str
    """A hash of all that its documents hang on."""
    selection: Mapping[str, Any] = field(default_factory=dict)
    """What is replayed, so that it can go on by its id alone."""
    reached: Reached = field(default_factory=Reached)
    tally: Tally = field(default_factory=Tally)
    faults: tuple[str, ...] = ()
    """Files that could not be read to their end, and why."""
    took_s: float = 0.0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A batch on its way: what was read for it, and where the replay is behind it."""

    reached: Reached
    end: Position
    """Behind its last line."""
    tally: Tally
    documents: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A refusal, as far as it is counted."""

    position: Position
    kind: str
    reason: str
    place: str


class Settling:
    """Moves the state. Not thread-safe."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._open: dict[int, tuple[Step, Verdicts | None]] = {}
        self._end: Position | None = None
        self._letters: list[Letter] = []
        self._next_ticket = 0
        self._all_read = False

    @property
    def under_way(self) -> int:
        """Count the batches that are not passed."""
        return len(self._open)

    @property
    def done(self) -> bool:
        """Tell whether all was read, and is passed."""
        return self._all_read and not self._open

    def all_is_read(self) -> None:
        """Take note that no further batch comes."""
        self._all_read = True

    def open(self, step: Step) -> int:
        """Take note of the next batch in order of reading; one without documents is settled by it."""
        ticket = self._next_ticket
        self._next_ticket += 1
        self._open[ticket] = (step, None if step.documents else Verdicts())
        self._pass()
        return ticket

    def forget(self, ticket: int) -> None:
        """Take back the last batch: it was not sent after all."""
        del self._open[ticket]

    def refused(self, letters: Iterable[Letter]) -> None:
        """Take note of dead letters: of open batches, before they are settled, or of parked lines."""
        self._letters += letters
        self.state = replace(self.state, tally=self.state.tally + self._take_letters())

    def settle(self, ticket: int, verdicts: Verdicts) -> None:
        """Record that every document of a batch has its verdict."""
        step, settled = self._open[ticket]
        if settled is not None or verdicts.total != step.documents:
            raise ValueError(f"{verdicts} for a batch of {step.documents} documents")
        self._open[ticket] = (step, verdicts)
        self._pass()

    def _pass(self) -> None:
        for ticket, (step, verdicts) in list(self._open.items()):
            if verdicts is None:
                return
            faults = (*self.state.faults, step.fault) if step.fault else self.state.faults
            self._end = step.end
            tally = self.state.tally + step.tally.with_verdicts(verdicts) + self._take_letters()
            self.state = replace(self.state, reached=step.reached, tally=tally, faults=faults)
            del self._open[ticket]

    def _take_letters(self) -> Tally:
        """Count the letters of lines that are passed."""
        taken, left = Tally(), []
        for letter in self._letters:
            if self._end is not None and letter.position < self._end:
                taken += Tally(refused={letter.kind: Refused(1, letter.reason, (letter.place,))})
            else:
                left.append(letter)
        self._letters = left
        return taken


@dataclass(frozen=True, slots=True)
class Progress:
    """How a direct replay stands."""

    tally: Tally
    """Of what is settled."""
    read: int
    """Lines, with those under way."""
    bytes_read: int
    """Of the files as they lie there."""
    bytes_total: int | None
    took_s: float
    troubles: Mapping[str, str]
    """What delivery waits for, and why; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a direct replay ended, over all its starts."""

    replay_id: str | None
    tally: Tally
    finished: bool
    """All lines are settled; otherwise it was stopped, and goes on when it is started again."""
    faults: tuple[str, ...]
    """Files that could not be read to their end, and why."""
    took_s: float
    """Over all starts."""
    settled_before: int
    """Lines that were settled by earlier starts."""
    troubles: Mapping[str, str]
    """What it waited for when it was stopped."""
    latency: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """From handing over to the answer, and to being found; empty when it was not measured."""

    @property
    def rate(self) -> float:
        """Documents a second."""
        return self.tally.documents / self.took_s if self.took_s else 0.0


def in_all(tally: Tally, parked: ParkingTotals) -> Tally:
    """Give the tally with what became of the parked documents since."""
    return replace(
        tally,
        indexed=tally.indexed + parked.indexed,
        already_there=tally.already_there + parked.already_there,
        dead_lettered=tally.dead_lettered + parked.dead_lettered,
        parked=tally.parked - parked.settled,
    )
