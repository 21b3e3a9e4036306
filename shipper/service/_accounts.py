"""The accounts of the shipping process: the loop tells what happens, once a second they become a status.

1. The loop's thread alone uses them; it costs a batch some microseconds, and a second one look at the journal.
2. What came is counted by the journal's census, what became of it by the commit record and the parking log. What is
   pending is what the census is ahead of the commit, and what is parked. So nothing is counted twice, nothing hangs on
   the life of a process, and the sums can fail.
3. Ages and lags are by the clock of the receipt; intervals and rates by one that nobody sets.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from shipper.journal import bound, bytes_on_disk, room
from shipper.journal.census import Census
from shipper.limits import CENSUS_ENTRIES_MAX, DISK_FREE_SHARE_MIN
from shipper.service._histogram import Histogram
from shipper.service._rate import WINDOW_S, Rate
from shipper.service._senders import Senders, moment
from shipper.service._settled import Settled
from shipper.service._status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from shipper.journal import Batch, Commit
    from shipper.parking_totals import ParkingTotals
    from shipper.service._senders import Encoded

_log = structlog.get_logger()

STATUS_INTERVAL_S: Final = 1.0
"""Between two statuses."""
COUNTING_INTERVAL_S: Final = 0.2
"""The same while not all of the journal is counted yet."""


class Delivery(Protocol):
    """How delivery stands."""

    @property
    def in_flight(self) -> int:
        """Requests without an answer yet."""

    @property
    def in_flight_max(self) -> int:
        """How many there may be now."""

    @property
    def request_bytes_max(self) -> int:
        """How large they may be now."""

    @property
    def unsettled_bytes(self) -> int:
        """Bytes in memory."""

    @property
    def held(self) -> Mapping[str, str]:
        """Indices that take nothing, with the reason."""

    @property
    def paused(self) -> Mapping[str, str]:
        """Why nothing is sent."""

    @property
    def asked(self) -> bool:
        """Whether there was a request yet."""

    @property
    def failure(self) -> str:
        """Why the last request was not answered; empty when it was."""

    @property
    def parked(self) -> ParkingTotals:
        """What was ever parked, and what became of it."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """``now_us`` is the clock of the receipt, ``now_s`` one that nobody sets."""

    now_us: Callable[[], int]
    now_s: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Rates:
    """How fast lines come, are indexed, and are dropped."""

    received: Rate
    indexed: Rate
    dropped: Rate


class Accounts:
    """From ``commit`` and ``parked`` on, as they are at the start.

    ``expected`` are networks, each with the seconds after which it counts as silent; ``publish`` gets each status;
    ``listeners`` are their URLs, in their order.
    """

    def __init__(  # noqa: PLR0913 -- what it counts, against what, and who is told
        self,
        journal: Path,
        journal_bytes_max: int,
        commit: Commit,
        parked: ParkingTotals,
        expected: Iterable[tuple[str, float]],
        *,
        clocks: Clocks,
        publish: Callable[[Status], None],
        engine: str = "python",
        listeners: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._clocks = clocks
        self._publish = publish
        self._journal = journal
        self._journal_bytes, self._journal_bytes_max = 0, bound(journal, journal_bytes_max)
        self._journal_room_bytes = self._journal_bytes_max
        self._version = version("shipper")
        self._started_us = clocks.now_us()
        self._census = Census(journal, commit)
        self._settled = Settled(commit, parked)
        self._senders = Senders(expected, self._started_us, listeners)
        self._parsed = self._unparsed = 0
        self.settling = Histogram()
        """How long lines took from their receipt to their verdict; of a batch, all as long as its oldest."""
        self._open: dict[int, tuple[int, int]] = {}
        self._lag_s, self._lag_at_s = 0.0, -WINDOW_S
        self._rates: _Rates | None = None
        self._due_s = clocks.now_s()
        self._failing = False

    # -- what the loop tells -----------------------------------------------------------------------------------------

    def opened(self, ticket: int, batch: Batch) -> None:
        """Take note of a batch that waits for its verdicts from now on."""
        self._open[ticket] = next(entry.received_us for entry in batch.entries if len(entry)), len(batch)

    def encoded(self, batch: Batch, encoded: Encoded, zone_of: Callable[[int, str], str]) -> None:
        """Take note of what was in a batch; ``zone_of`` tells the zone of a listener's sender."""
        unparsed = sum(encoded.unparsed.values())
        self._parsed += len(batch) - unparsed
        self._unparsed += unparsed
        self._senders.came(batch, encoded, zone_of, self._clocks.now_s())

    def settled(self, ticket: int) -> None:
        """Take note that a batch has its verdicts."""
        if ticket in self._open:
            received_us, lines = self._open.pop(ticket)
            self._lag_s, self._lag_at_s = self._age_s(received_us), self._clocks.now_s()
            self.settling.add(self._lag_s, lines)

    def caught_up(self) -> None:
        """Take note that the journal has nothing more to read now."""
        self._senders.read_until(self._clocks.now_us())

    def tick(self, commit: Commit, delivery: Callable[[], Delivery]) -> None:
        """Publish a status if one is due. To be called often."""
        now_s = self._clocks.now_s()
        if now_s >= self._due_s:
            status = self.status(commit, delivery())
            self._due_s = now_s + (STATUS_INTERVAL_S if status.counted else COUNTING_INTERVAL_S)
            self._publish(status)

    # -- what it comes to --------------------------------------------------------------------------------------------

    def status(self, commit: Commit, delivery: Delivery) -> Status:
        """Give the status as of now. ``commit`` is at or past the record on disk."""
        now_s = self._clocks.now_s()
        counted = self._count(commit)
        settled = self._settled.as_of(commit, delivery.parked)
        tally, (oldest_us, _) = self._census.tally, next(iter(self._open.values()), (None, 0))
        dropped = tally.dropped_full + tally.kernel_drops
        rates = self._rates or _Rates(*(Rate(total, now_s) for total in (tally.received, settled.indexed, dropped)))
        if counted:  # what was there at the start is no rate
            self._rates = rates
        return Status(
            version=self._version,
            engine=self._engine,
            pid=os.getpid(),
            started_at=moment(self._started_us),
            taken_at=moment(self._clocks.now_us()),
            received=tally.received,
            journaled=self._census.journaled,
            dropped_full=tally.dropped_full,
            refused_sender=tally.refused_sender,
            empty=tally.empty,
            kernel_drops=tally.kernel_drops,
            indexed=settled.indexed,
            already_there=settled.already_there,
            dead_lettered=settled.dead_lettered,
            pending=self._census.journaled - commit.journaled + settled.parked,
            parked=settled.parked,
            journal_lost=settled.journal_lost,
            parsed=self._parsed,
            unparsed=self._unparsed,
            counted=counted,
            oldest_pending_age_s=None if oldest_us is None else self._age_s(oldest_us),
            lag_s=self._lag_s if now_s - self._lag_at_s < WINDOW_S else None,
            received_per_s=round(rates.received.per_s(tally.received, now_s), 1),
            indexed_per_s=round(rates.indexed.per_s(settled.indexed, now_s), 1),
            dropped_lately=rates.dropped.growth(dropped, now_s),
            reachable=not delivery.failure if delivery.asked else None,
            failure=delivery.failure,
            requests_in_flight=delivery.in_flight,
            requests_in_flight_max=delivery.in_flight_max,
            request_bytes_max=delivery.request_bytes_max,
            unsettled_bytes=delivery.unsettled_bytes,
            held=dict(delivery.held),
            paused=dict(delivery.paused),
            journal_bytes=self._journal_bytes,
            journal_bytes_max=self._journal_bytes_max,
            journal_room_bytes=self._journal_room_bytes,
            senders=self._senders.table(now_s),
            lines_of_other_senders=self._senders.lines_of_others,
            expected=self._senders.watch(),
        )

    def _count(self, commit: Commit) -> bool:
        """Count on in the journal, anew where it has been overtaken; say whether all is counted."""
        try:
            counted = self._census.look(CENSUS_ENTRIES_MAX)
            if self._census.journaled < commit.journaled:
                self._census.close()
                self._census = Census(self._journal, commit)
                counted = self._census.look(CENSUS_ENTRIES_MAX)
            self._journal_bytes = bytes_on_disk(self._journal)
            self._journal_room_bytes = room(self._journal, self._journal_bytes_max, DISK_FREE_SHARE_MIN)
        except OSError as error:
            if not self._failing:
                _log.warning("journal_not_counted", error=str(error))
            counted = False
            self._failing = True
        else:
            self._failing = False
        return counted

    def _age_s(self, received_us: int) -> float:
        return round(max(0, self._clocks.now_us() - received_us) / 1e6, 3)
