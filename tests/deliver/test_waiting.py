from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.deliver._window import Window
from shipper.journal.commit import Verdicts
from tests.deliver.bodies import TEN, Lines, id_of, position
from tests.deliver.fakes import bench, error, until, whole

if TYPE_CHECKING:
    from pathlib import Path


def test_an_item_that_never_succeeds_is_parked_and_tried_again_behind_the_commit(tmp_path: Path) -> None:
    with bench(tmp_path, park_after_s=0.05) as b:
        b.cluster.item = lambda index, _n: error(403, "cluster_block_exception") if index == "old" else None
        b.delivery.submit(1, [Lines("old", (1,)), Lines("i", (2,))])
        until(lambda: ("i", id_of(2)) in b.cluster.documents)
        until(lambda: len(b.cluster.requests) > 3)
        b.delivery.submit(2, [Lines("i", (3,))])
        until(lambda: 1 in b.verdicts)
        assert b.verdicts[1] == Verdicts(indexed=1, parked=1)
        b.cluster.item = lambda _i, _n: None
        assert b.delivery.status().parked.pending == 1
        b.delivery.committed(position(10))
        until(lambda: b.delivery.status().parked.pending == 0)
        assert b.delivery.status().parked.indexed == 1
        assert ("old", id_of(1)) in b.cluster.documents


def test_once_an_index_is_long_refused_what_comes_for_it_is_parked_at_once(tmp_path: Path) -> None:
    with bench(tmp_path, park_after_s=0.05, pause_delay_s=10.0) as b:
        b.cluster.item = lambda index, _n: error(400, "index_closed_exception") if index == "old" else None
        b.delivery.submit(0, [Lines("old", (1,))])
        until(lambda: b.delivery.status().held)
        threading.Event().wait(0.06)
        b.delivery.submit(100, [TEN])
        until(lambda: 100 in b.verdicts)
        b.delivery._state.hurry("old")
        until(lambda: 0 in b.verdicts)
        for ticket in range(1, 20):
            b.delivery.submit(ticket, [Lines("old", (ticket,))])
        until(lambda: len(b.verdicts) == 21)
        assert b.total == Verdicts(indexed=10, parked=20)


def test_nothing_is_parked_while_nothing_settles(tmp_path: Path) -> None:
    with bench(tmp_path, park_after_s=0.01) as b:
        b.cluster.item = lambda _i, _n: error(429, "es_rejected_execution_exception")
        b.delivery.submit(1, [TEN])
        until(lambda: len(b.cluster.requests) > 10)
        assert b.delivery.status().parked.parked == 0
        assert not b.verdicts


def test_a_full_parking_lets_items_wait(tmp_path: Path) -> None:
    with bench(tmp_path, park_after_s=0.01) as b:
        b.parking._bytes_max = 10
        b.cluster.item = lambda _i, number: error(503, "unavailable_shards_exception") if number == 3 else None
        b.delivery.submit(1, [TEN])
        until(lambda: len(b.cluster.requests) > 5)
        b.delivery.submit(2, [Lines("i", (20,))])
        until(lambda: len(b.cluster.requests) > 15)
        assert set(b.verdicts) == {2}
        b.cluster.item = lambda _i, _n: None
        until(lambda: 1 in b.verdicts)


def test_a_parked_document_that_is_refused_for_good_is_a_dead_letter(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.parking.park(TEN)
        b.cluster.item = lambda _i, number: error(400, "mapper_parsing_exception") if number == 3 else None
        b.delivery.committed(position(10))
        until(lambda: b.delivery.status().parked.pending == 0)
        totals = b.delivery.status().parked
        assert (totals.indexed, totals.dead_lettered) == (9, 1)
        assert [letter.id for letter in b.letters.kept] == [id_of(3)]


@pytest.mark.parametrize("failing", [{0}, {1}, set(range(8))])
def test_a_parked_document_whose_verdict_the_disk_does_not_take_gets_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: set[int]
) -> None:
    with bench(tmp_path) as b:
        b.parking.park(TEN)
        b.cluster.item = lambda _i, number: error(400, "mapper_parsing_exception") if number == 3 else None
        settle, calls = b.parking.settle, count()
        monkeypatch.setattr(b.parking, "settle", lambda *verdict: next(calls) not in failing and settle(*verdict))
        b.delivery.committed(position(10))
        until(lambda: b.delivery.status().parked.pending == 0)
        totals = b.delivery.status().parked
        assert (totals.indexed, totals.already_there, totals.dead_lettered) == (9, 0, 1)
        assert [letter.id for letter in b.letters.kept] == [id_of(3)]
        assert set(b.cluster.times_sent().values()) == {1}


def test_the_fuse_keeps_a_broken_mapping_from_making_dead_letters(tmp_path: Path) -> None:
    with capture_logs() as logs, bench(tmp_path) as b:
        b.cluster.item = lambda _i, number: None if number % 10 == 0 else error(400, "mapper_parsing_exception")
        for ticket in range(4):
            b.delivery.submit(ticket, [Lines("i", tuple(range(ticket * 1000, ticket * 1000 + 1000)))])
        until(lambda: "mapper_parsing_exception: because" in b.delivery.status().held.get("i", ""))
        until(lambda: b.delivery.status().waiting_items == 3600)
        assert not b.letters.kept
        b.cluster.item = lambda _i, number: error(400, "mapper_parsing_exception") if number % 100 == 1 else None
        until(lambda: len(b.verdicts) == 4)
        assert b.total == Verdicts(indexed=3960, dead_lettered=40)
        assert len(b.letters.kept) == 40
        assert not b.delivery.status().held
    events = [log["event"] for log in logs]
    assert (events.count("index_held"), events.count("index_released")) == (1, 1)


def test_a_broken_index_costs_the_others_nothing_and_its_documents_are_parked_until_it_is_mended(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, pause_delay_s=0.1, park_after_s=0.3) as b:
        b.cluster.item = lambda index, _n: error(400, "mapper_parsing_exception") if index == "old" else None
        b.delivery.submit(0, [Lines("old", tuple(range(1000))), Lines("new", (1000,))])
        until(lambda: "old" in b.delivery.status().held)
        for ticket in range(1, 50):
            b.delivery.submit(ticket, [Lines("new", (1000 + ticket,))])
        until(lambda: len(b.verdicts) == 49, 1)
        assert not b.delivery.status().paused
        until(lambda: 0 in b.verdicts)
        assert b.total == Verdicts(indexed=50, parked=1000)
        b.delivery.committed(position(2000))
        until(lambda: sum(index == "old" for index, _ in b.cluster.requests) > 4)
        assert b.delivery.status().parked.pending == 1000
        assert not b.letters.kept
        with b.cluster.lock:  # between two requests: half an answer mended would leave few enough to be dead letters
            b.cluster.item = lambda _i, _n: None
        until(lambda: b.delivery.status().parked.indexed == 1000)


def test_full_dead_letters_pause_delivery_until_there_is_room(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.letters.reason = "no room"
        b.cluster.item = lambda _i, number: error(400, "mapper_parsing_exception") if number == 3 else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery.status().paused)
        (reason,) = b.delivery.status().paused.values()
        assert reason.startswith("no room; make room: `shipper dead-letters list`")
        assert not b.verdicts
        b.letters.reason = None
        until(lambda: b.verdicts)
        assert b.total == Verdicts(indexed=9, dead_lettered=1)
        assert not b.delivery.status().paused


def test_workers_sleep_while_as_many_requests_are_in_flight_as_may_be(tmp_path: Path) -> None:
    with bench(tmp_path, pause_delay_s=10.0) as b:
        b.delivery._state._window = Window(1)
        answered, turns = threading.Event(), count()
        b.cluster.request = lambda _i, _n: whole(503) if not answered.wait(5.0) else None
        clock_s = b.delivery._state._clock_s
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery.status().in_flight == 1)
        b.delivery._state._clock_s = lambda: clock_s() + 0 * next(turns)
        for ticket in range(2, 10):
            b.delivery.submit(ticket, [Lines("i", (10 * ticket,))])
        threading.Event().wait(0.2)
        assert next(turns) < 100
        answered.set()
        until(lambda: len(b.verdicts) == 9)
