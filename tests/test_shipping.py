"""The shipping loop, with a journal, a delivery and a clock that the test holds in its hand."""

from __future__ import annotations

import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from shipper import shipping
from shipper.config import Interpretation
from shipper.journal import Batch, Commit, Ledger, Position, Verdicts
from shipper.shipping import Shipping
from tests.encode.test_properties import SEGMENT, entries
from tests.haproxy.lines import Values
from tests.service.statuses import FINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper import service
    from shipper.deliver import Body, Delivery
    from shipper.journal import Committer, Reader
    from shipper.processes import Stop
    from shipper.service import Accounts

LINE = Values().line()
KNOWN = Interpretation().model_dump_json().encode()


class Journal:
    """Gives what it was given."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = list(batches)

    @property
    def more(self) -> bool:
        return bool(self._batches)

    def read(self, _lines_max: int, _bytes_max: int) -> Batch | None:
        return self._batches.pop(0) if self._batches else None


class Cluster:
    """Settles a batch the moment it takes it; takes as many as it has room for."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.settled: SimpleQueue[tuple[int, Verdicts]] = SimpleQueue()
        self.indices: list[str] = []
        self.closed = False
        self.waits_s: list[float] = []
        self.is_away = False
        self.failure = ""

    def submit(self, ticket: int, bodies: Sequence[Body], _timeout_s: float) -> bool:
        if not self.room:
            return False
        self.room -= 1
        self.indices += [body.index for body in bodies]
        self.settled.put((ticket, Verdicts(indexed=sum(map(len, bodies)))))
        return True

    def check(self) -> None:
        pass

    def committed(self, _position: Position) -> None:
        pass

    def drain(self, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        if self.is_away:
            time.sleep(timeout_s)
        return not self.is_away

    def close(self, _timeout_s: float) -> bool:
        self.closed = True
        return True

    def status(self) -> Cluster:
        return self


class Record:
    """A commit record that is never due before the end."""

    def tick(self) -> Commit | None:
        return None

    def write(self) -> Commit | None:
        return None


class Listener:
    """Takes note of nothing."""

    def opened(self, _ticket: int, _batch: Batch) -> None:
        pass

    def encoded(self, *_: object) -> None:
        pass

    def settled(self, _ticket: int) -> None:
        pass

    def caught_up(self) -> None:
        pass

    def tick(self, *_: object) -> None:
        pass

    def status(self, *_: object) -> service.Status:
        return FINE


class Turns:
    """A stop after some turns of the loop; counts the waits."""

    is_patient = False
    is_hasty = False

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self.waits = 0
        self.looks = 0

    def is_set(self) -> bool:
        self.looks += 1
        self._turns -= 1
        return self._turns < 0

    def wait(self, _timeout_s: float) -> bool:
        self.waits += 1
        return False


def batch(number: int, interpretation: bytes = KNOWN) -> Batch:
    return Batch(tuple(entries([LINE], [])), interpretation, Position(SEGMENT, number))


def run(
    batches: Sequence[Batch],
    *,
    turns: int,
    room: int,
    is_away: bool = False,
    is_hasty: bool = False,
    failure: str = "",
    shutdown_timeout_s: float = 0.2,
) -> tuple[Ledger, Cluster, Turns]:
    ledger, cluster, stop = Ledger(Commit()), Cluster(room), Turns(turns)
    cluster.is_away, cluster.failure, stop.is_hasty = is_away, failure, is_hasty
    parts = Shipping(
        cast("Reader", Journal(batches)),
        cast("Delivery", cluster),
        ledger,
        cast("Committer", Record()),
        cluster.settled,
        cast("Accounts", Listener()),
        Interpretation(),
        lines_max=100,
        linger_s=1.0,
    )
    parts.run(cast("Stop", stop), shutdown_timeout_s)
    return ledger, cluster, stop


def test_a_backlog_is_shipped_without_waiting_for_company() -> None:
    _, cluster, stop = run([batch(n) for n in range(5)], turns=4, room=9)
    assert stop.waits == 0
    assert len(cluster.indices) == 5


def test_the_last_batch_waits_for_company() -> None:
    _, _, stop = run([batch(0)], turns=3, room=9)
    assert stop.waits == 3


def test_a_stop_ships_what_is_left_and_moves_the_commit_past_it() -> None:
    ledger, cluster, _ = run([batch(n) for n in range(5)], turns=0, room=9)
    assert ledger.commit.indexed == 5
    assert ledger.commit.position == Position(SEGMENT, 4)
    assert cluster.closed


def test_what_has_no_room_stays_in_the_journal() -> None:
    ledger, _, _ = run([batch(n) for n in range(5)], turns=3, room=2)
    assert ledger.commit.position == Position(SEGMENT, 1)


def test_who_waits_at_the_end_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "DRAIN_TURN_S", 0.02)
    _, cluster, stop = run([], turns=0, room=0, is_away=True)
    assert 3 <= len(cluster.waits_s) == stop.looks - 1
    assert max(cluster.waits_s) <= 0.02
    assert cluster.closed


def test_who_leaves_for_a_reload_waits_for_a_short_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "LEAVE_S_MAX", 0.05)
    _, cluster, _ = run([], turns=0, room=0, is_away=True, is_hasty=True, shutdown_timeout_s=60.0)
    assert sum(cluster.waits_s) <= 0.06
    assert cluster.closed


@pytest.mark.parametrize("batches", [0, 1])
def test_a_stop_does_not_wait_long_for_an_elasticsearch_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(shipping, "UNANSWERED_S_MAX", 0.05)
    begun_s = time.monotonic()
    left = [batch(number) for number in range(batches)]
    _, cluster, _ = run(left, turns=0, room=0, is_away=True, failure="Connection refused", shutdown_timeout_s=8.0)
    assert time.monotonic() - begun_s < 1.0
    assert cluster.closed


@pytest.mark.parametrize("stored", [b"{}x", b'{"version":2}', b'{"listener_zones":["Mars/Base"]}'])
def test_lines_of_an_interpretation_that_cannot_be_read_are_shipped_all_the_same(stored: bytes) -> None:
    with capture_logs() as logs:
        ledger, _, _ = run([batch(0, stored), batch(1, stored)], turns=2, room=9)
    assert ledger.commit.indexed == 2
    assert [log["event"] for log in logs].count("interpretation_not_understood") == 1
