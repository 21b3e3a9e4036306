"""The accounts, told by a loop that the test plays, over a real journal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.deliver import Status as Delivery
from shipper.encode import Encoded
from shipper.journal import Commit, Ledger, ReceiveTally, StateFolder, Verdicts
from shipper.limits import MIB
from shipper.parking_totals import ParkingTotals
from shipper.service import Accounts, Clocks, Status
from tests.journal.drafts import Clock, draft, reader, writer

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.journal import Batch

IDLE = Delivery(0, 4, MIB, 0, 0, 0, held={}, paused={}, asked=True, failure="", parked=ParkingTotals())
NOTHING = Encoded((), {}, {}, {}, {})


@dataclass
class Loop:
    """The shipping loop, without encoding and delivery."""

    state: StateFolder
    commit: Commit = field(default_factory=Commit)
    clock: Clock = field(default_factory=Clock)
    published: list[Status] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state.journal.mkdir(exist_ok=True)
        self.ledger = Ledger(self.commit)
        self.reader = reader(self.state, self.commit.position)
        self.accounts = Accounts(
            self.state.journal,
            MIB,
            self.commit,
            ParkingTotals(),
            [("192.0.2.1", 10.0)],
            clocks=Clocks(self.clock, lambda: self.clock.now_us / 1e6),
            publish=self.published.append,
        )

    def wait(self, seconds: float) -> None:
        self.clock.now_us += int(seconds * 1e6)

    def read(self) -> tuple[int, Batch] | None:
        batch = self.reader.read(1, MIB)
        if batch is None:
            self.accounts.caught_up()
            return None
        ticket = self.ledger.open(batch)
        self.accounts.opened(ticket, batch)
        self.accounts.encoded(batch, NOTHING, lambda *_: "UTC")
        return ticket, batch

    def settle(self, ticket: int, batch: Batch) -> None:
        self.ledger.settle(ticket, Verdicts(indexed=len(batch)))
        self.accounts.settled(ticket)

    def status(self, delivery: Delivery = IDLE) -> Status:
        status = self.accounts.status(self.ledger.commit, delivery)
        assert not status.counted or status.unexplained == 0
        return status


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(StateFolder(tmp_path))


def test_an_elasticsearch_that_was_not_asked_yet_is_neither_reachable_nor_away(loop: Loop) -> None:
    asked = (loop.status(replace(IDLE, asked=False)), loop.status(), loop.status(replace(IDLE, failure="503")))
    assert [status.reachable for status in asked] == [None, True, False]
    assert asked[0].attention == ()


def test_a_line_is_pending_from_the_journal_on_until_it_is_settled(loop: Loop) -> None:
    journal = writer(loop.state, loop.clock)
    for lines in (1, 2):
        journal.append(draft(*[b"x"] * lines, received_us=loop.clock.now_us))
        loop.wait(1)
    assert (loop.status().pending, loop.status().oldest_pending_age_s) == (3, None)
    read = loop.read()
    assert read is not None
    loop.wait(1)
    status = loop.status()
    assert (status.pending, status.oldest_pending_age_s, status.lag_s) == (3, 3.0, None)
    loop.settle(*read)
    status = loop.status()
    assert (status.pending, status.indexed, status.oldest_pending_age_s, status.lag_s) == (2, 1, None, 3.0)
    loop.wait(61)
    assert loop.status().lag_s is None


def test_the_oldest_is_that_of_the_batch_that_was_read_first_and_is_not_settled(loop: Loop) -> None:
    journal = writer(loop.state, loop.clock)
    reads = []
    for _ in range(3):
        journal.append(draft(b"x", received_us=loop.clock.now_us))
        reads.append(loop.read())
        loop.wait(1)
    first, second, _ = reads
    assert first is not None
    assert second is not None
    loop.settle(*second)
    assert loop.status().oldest_pending_age_s == 3.0
    assert loop.status().pending == 3  # the commit waits for the first
    loop.settle(*first)
    assert loop.status().oldest_pending_age_s == 1.0
    assert loop.status().pending == 1


def test_the_counters_go_on_in_the_next_life_and_rates_begin_anew(loop: Loop) -> None:
    journal = writer(loop.state, loop.clock)
    for _ in range(4):
        journal.append(draft(b"x", b"y", tally=ReceiveTally(empty=1, dropped_full=2)))
    for _ in range(2):
        read = loop.read()
        assert read is not None
        loop.settle(*read)
    next_life = Loop(loop.state, loop.ledger.commit, loop.clock)
    status = next_life.status()
    assert (status.received, status.journaled, status.indexed, status.pending) == (20, 8, 4, 4)
    assert (status.dropped_full, status.empty) == (8, 4)
    assert status.received_per_s == 0.0  # what was there before is no rate
    next_life.wait(10)
    journal.append(draft(*[b"x"] * 50))
    assert next_life.status().received_per_s == 5.0


def test_what_is_dropped_is_a_matter_of_the_last_minute(loop: Loop) -> None:
    journal = writer(loop.state, loop.clock)
    journal.append(draft(tally=ReceiveTally(kernel_drops=9)))
    assert loop.status().dropped_lately == 0  # before the start
    journal.append(draft(b"x", tally=ReceiveTally(dropped_full=2, kernel_drops=3)))
    assert loop.status().dropped_lately == 5
    seen = []
    for _ in range(20):
        loop.wait(5)
        seen.append(loop.status().dropped_lately)
    assert (seen[0], seen[-1]) == (5, 0)


def test_a_long_journal_is_counted_in_steps_and_its_sums_are_not_judged_before(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.service._accounts.CENSUS_ENTRIES_MAX", 3)
    journal = writer(loop.state, loop.clock)
    for _ in range(7):
        journal.append(draft(b"x"))
    seen = [loop.status() for _ in range(3)]
    assert [(status.counted, status.pending) for status in seen] == [(False, 3), (False, 6), (True, 7)]


def test_where_the_commit_has_overtaken_the_count_it_begins_anew_there(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.service._accounts.CENSUS_ENTRIES_MAX", 4)
    journal = writer(loop.state, loop.clock)
    for _ in range(8):
        journal.append(draft(b"x"))
    for _ in range(6):
        read = loop.read()
        assert read is not None
        loop.settle(*read)
    status = loop.status()
    assert (status.counted, status.journaled, status.indexed, status.pending) == (True, 8, 6, 2)


def test_a_status_is_published_once_a_second(loop: Loop) -> None:
    for _ in range(30):
        loop.accounts.tick(loop.ledger.commit, lambda: IDLE)
        loop.wait(0.1)
    assert len(loop.published) == 3


def test_a_journal_that_cannot_be_looked_at_is_said_once_and_stops_nothing(loop: Loop) -> None:
    moved = loop.state.journal.rename(loop.state.root / "elsewhere")
    with capture_logs() as logs:
        assert [loop.status().counted for _ in range(3)] == [False] * 3
        moved.rename(loop.state.journal)
        assert loop.status().counted
    assert [log["event"] for log in logs] == ["journal_not_counted"]


def test_what_holds_delivery_and_what_is_parked_is_in_the_status(loop: Loop) -> None:
    writer(loop.state, loop.clock).append(draft(b"x", b"y"))
    read = loop.read()
    assert read is not None
    loop.ledger.settle(read[0], Verdicts(parked=2))
    held = replace(IDLE, held={"haproxy-1": "closed"}, failure="no answer", parked=ParkingTotals(parked=2))
    status = loop.status(held)
    assert (status.reachable, status.failure, status.held) == (False, "no answer", {"haproxy-1": "closed"})
    assert (status.pending, status.parked) == (2, 2)
    status = loop.status(replace(IDLE, parked=ParkingTotals(parked=2, indexed=1, dead_lettered=1)))
    assert (status.indexed, status.dead_lettered, status.pending) == (1, 1, 0)


def test_who_is_silent_while_the_journal_is_empty_is_missed(loop: Loop) -> None:
    loop.wait(9)
    assert loop.read() is None
    assert not loop.status().expected[0].silent
    loop.wait(2)
    assert not loop.status().expected[0].silent  # nobody has looked into the journal since
    assert loop.read() is None
    assert loop.status().expected[0].silent
