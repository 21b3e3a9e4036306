from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.elastic import Answer
from shipper.errors import ConnectionFailed, Fatal
from shipper.journal.commit import Verdicts
from tests.deliver.bodies import Lines, position
from tests.deliver.fakes import bench, error, until, whole

if TYPE_CHECKING:
    from pathlib import Path

TEN = Lines("i", tuple(range(10)))


def id_of(number: int) -> str:
    return position(number).id()


def test_what_is_taken_is_indexed_and_told_once(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        assert b.delivery.submit(7, [TEN, Lines("j", (10, 11))])
        until(lambda: b.verdicts)
        assert b.verdicts == {7: Verdicts(indexed=12)}
        assert len(b.cluster.documents) == 12
        assert sorted(b.asked) == ["i", "j"]


def test_a_batch_without_documents_is_settled_at_once(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.delivery.submit(1, [])
        assert b.verdicts == {1: Verdicts()}


def test_a_conflict_counts_as_already_there(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.delivery.submit(1, [Lines("i", (1, 2))])
        until(lambda: 1 in b.verdicts)
        b.delivery.submit(2, [Lines("i", (2, 3))])
        until(lambda: 2 in b.verdicts)
        assert b.verdicts[2] == Verdicts(indexed=1, already_there=1)


@pytest.mark.parametrize(
    "refusal",
    [
        error(429, "es_rejected_execution_exception"),
        error(403, "cluster_block_exception"),
        error(503, "unavailable_shards_exception"),
    ],
)
def test_an_item_that_passes_by_itself_is_sent_again_alone(tmp_path: Path, refusal: tuple[int, dict[str, str]]) -> None:
    with bench(tmp_path) as b:
        tries = iter([refusal, refusal])
        b.cluster.item = lambda _index, number: next(tries, None) if number == 3 else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=10)}
        assert b.cluster.times_sent() == {id_of(n): 3 if n == 3 else 1 for n in range(10)}


def test_a_document_that_is_refused_for_good_is_a_dead_letter_with_everything_known(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        reason = "failed to parse field [a.b] of type [long]"
        b.cluster.item = lambda _i, number: error(400, "document_parsing_exception", reason) if number == 3 else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=9, dead_lettered=1)}
        (letter,) = b.letters.kept
        assert (letter.id, letter.index, letter.type, letter.reason, letter.field, letter.status, letter.tries) == (
            id_of(3),
            "i",
            "document_parsing_exception",
            reason,
            "a.b",
            400,
            1,
        )
        assert letter.line == TEN.line(3)
        assert letter.document == b'{"n": 3, "pad": ""}'
        assert max(b.cluster.times_sent().values()) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "validation_exception"),
        error(404, "index_not_found_exception"),
        error(403, "security_exception"),
        error(400, "illegal_argument_exception", "pipeline with id [x] does not exist"),
    ],
)
def test_an_index_that_takes_nothing_is_held_while_others_go_on(
    tmp_path: Path, refusal: tuple[int, dict[str, str]]
) -> None:
    with capture_logs() as logs, bench(tmp_path) as b:
        b.cluster.item = lambda index, _n: refusal if index == "bad" else None
        b.delivery.submit(1, [Lines("bad", (1, 2))])
        until(lambda: "bad" in b.delivery.status().held)
        b.delivery.submit(2, [Lines("bad", (3,)), Lines("i", (40,))])
        b.delivery.submit(3, [TEN])
        until(lambda: 3 in b.verdicts)
        until(lambda: len([1 for index, _ in b.cluster.requests if index == "bad"]) > 3)
        assert set(b.verdicts) == {3}
        b.cluster.item = lambda _i, _n: None
        until(lambda: len(b.verdicts) == 3)
        assert b.total == Verdicts(indexed=14)
        assert b.delivery.status().held == {}
    events = [log["event"] for log in logs]
    assert (events.count("index_held"), events.count("index_released")) == (1, 1)
    assert not b.letters.kept


def test_one_document_that_speaks_of_the_index_does_not_hold_an_index_that_takes_others(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        odd = iter([error(400, "illegal_argument_exception", "odd")])
        b.cluster.item = lambda _i, number: next(odd, None) if number == 3 else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.total == Verdicts(indexed=10)


@pytest.mark.parametrize("bytes_max", [100, 150])
def test_a_request_that_is_too_large_is_halved_until_it_fits(tmp_path: Path, bytes_max: int) -> None:
    with bench(tmp_path) as b:
        size = len(TEN.content) // 10
        b.cluster.request = lambda _i, numbers: whole(413) if len(numbers) * size > bytes_max else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=10)}


def test_one_document_that_is_too_large_alone_is_a_dead_letter(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.cluster.request = lambda _i, numbers: whole(413) if 3 in numbers else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=9, dead_lettered=1)}
        assert [letter.status for letter in b.letters.kept] == [413]


@pytest.mark.parametrize("status", [400, 404, 406])
def test_one_document_that_spoils_its_request_is_found_and_is_a_dead_letter(tmp_path: Path, status: int) -> None:
    with bench(tmp_path) as b:
        b.cluster.request = lambda _i, numbers: whole(status) if 3 in numbers else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=9, dead_lettered=1)}


def test_documents_that_are_all_refused_alike_pause_delivery_and_are_kept(tmp_path: Path) -> None:
    with capture_logs() as logs, bench(tmp_path) as b:
        b.cluster.request = lambda _i, _n: whole(400)
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery.status().paused)
        b.cluster.request = lambda _i, _n: None
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=10)}
        assert not b.letters.kept
        assert not b.delivery.status().paused
    assert [log["event"] for log in logs if log["event"].startswith("delivery_")] == [
        "delivery_paused",
        "delivery_resumed",
    ]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_request_that_failed_is_sent_again_with_the_same_bytes(tmp_path: Path, status: int) -> None:
    with capture_logs() as logs, bench(tmp_path) as b:
        tries = iter([whole(status), whole(status)])
        b.cluster.request = lambda _i, _n: next(tries, None)
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=10)}
        assert set(b.cluster.times_sent().values()) == {3}
    assert [log["event"] for log in logs] == ["elasticsearch_failing", "elasticsearch_answered"]


def test_a_failed_connection_is_tried_again_and_the_index_is_looked_at_anew(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        tries = iter([1, 2])

        def refuse(_index: str, _numbers: list[int]) -> Answer | None:
            if next(tries, None):
                raise ConnectionFailed("refused")
            return None

        b.cluster.request = refuse
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(indexed=10)}
        assert b.asked == ["i", "i", "i"]


def test_an_answer_that_is_lost_makes_no_document_twice(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        lost = iter([Answer(200, b'{"errors":false,"items":[')])
        b.cluster.lose_answer = lambda: next(lost, None)
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.verdicts == {1: Verdicts(already_there=10)}


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_pause_delivery_and_discard_nothing(tmp_path: Path, status: int) -> None:
    with capture_logs() as logs, bench(tmp_path) as b:
        b.cluster.request = lambda _i, _n: whole(status, "security_exception")
        b.delivery.submit(1, [TEN])
        b.delivery.submit(2, [Lines("j", (11,))])
        until(lambda: len(b.cluster.requests) > 4)
        assert list(b.delivery.status().paused.values()) == ["security_exception: r"]
        b.cluster.request = lambda _i, _n: None
        until(lambda: len(b.verdicts) == 2)
        assert b.total == Verdicts(indexed=11)
    events = [log["event"] for log in logs]
    assert (events.count("delivery_paused"), events.count("delivery_resumed")) == (1, 1)


def test_an_index_without_its_template_is_held_until_it_is_ready(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.not_ready["i"] = "index template missing"
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery.status().held == {"i": "index template missing"})
        assert not b.cluster.requests
        b.not_ready.clear()
        until(lambda: b.verdicts)
        assert b.total == Verdicts(indexed=10)


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


def test_the_fuse_keeps_a_broken_mapping_from_making_dead_letters(tmp_path: Path) -> None:
    with capture_logs() as logs, bench(tmp_path) as b:
        b.cluster.item = lambda _i, number: None if number % 10 == 0 else error(400, "mapper_parsing_exception")
        for ticket in range(4):
            b.delivery.submit(ticket, [Lines("i", tuple(range(ticket * 1000, ticket * 1000 + 1000)))])
        until(lambda: b.delivery.status().paused == {"fuse": "mapper_parsing_exception: because"})
        until(lambda: b.delivery.status().waiting_items == 3600)
        assert not b.letters.kept
        b.cluster.item = lambda _i, number: error(400, "mapper_parsing_exception") if number % 100 == 1 else None
        until(lambda: len(b.verdicts) == 4)
        assert b.total == Verdicts(indexed=3960, dead_lettered=40)
        assert len(b.letters.kept) == 40
    assert any(log["event"] == "delivery_paused" and log["kind"] == "fuse" for log in logs)


def test_full_dead_letters_pause_delivery_until_there_is_room(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.letters.reason = "no room"
        b.cluster.item = lambda _i, number: error(400, "mapper_parsing_exception") if number == 3 else None
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery.status().paused == {"dead letters": "no room"})
        assert not b.verdicts
        b.letters.reason = None
        until(lambda: b.verdicts)
        assert b.total == Verdicts(indexed=9, dead_lettered=1)
        assert not b.delivery.status().paused


def test_submit_blocks_at_the_bound_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with bench(tmp_path, unsettled_bytes_max=len(TEN.content)) as b:
        b.cluster.request = lambda _i, _n: whole(503)
        b.delivery.submit(1, [TEN])
        thread = threading.Thread(target=b.delivery.submit, args=(2, [TEN]))
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        assert b.delivery.status().unsettled_batches == 1
        b.cluster.request = lambda _i, _n: None
        thread.join(5)
        assert not thread.is_alive()
        until(lambda: len(b.verdicts) == 2)
        until(lambda: b.delivery.status().unsettled_bytes == 0)


def test_a_submit_that_finds_no_room_in_time_has_taken_nothing(tmp_path: Path) -> None:
    with bench(tmp_path, unsettled_bytes_max=1) as b:
        b.cluster.request = lambda _i, _n: whole(503)
        b.delivery.submit(1, [TEN])
        assert not b.delivery.submit(2, [TEN], timeout_s=0.01)
        assert b.delivery.status().unsettled_batches == 1
        b.cluster.request = lambda _i, _n: None
        assert b.delivery.submit(2, [TEN], timeout_s=5)


def test_close_waits_for_what_is_under_way_and_ends_the_threads(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.delivery.submit(1, [TEN])
        assert b.delivery.close(5)
        assert b.verdicts == {1: Verdicts(indexed=10)}
        assert not any(thread.is_alive() for thread in b.delivery._threads)
        assert not b.delivery.submit(2, [TEN])


def test_close_gives_up_in_time_and_tells_nothing_afterwards(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.cluster.request = lambda _i, _n: whole(503)
        b.delivery.submit(1, [TEN])
        assert not b.delivery.close(0.05)
        b.cluster.request = lambda _i, _n: None
        assert not b.verdicts


def test_close_ends_a_submit_that_waits(tmp_path: Path) -> None:
    with bench(tmp_path, unsettled_bytes_max=1) as b:
        b.cluster.request = lambda _i, _n: whole(503)
        b.delivery.submit(1, [TEN])
        taken: list[bool] = []
        thread = threading.Thread(target=lambda: taken.append(b.delivery.submit(2, [TEN])))
        thread.start()
        b.delivery.close(0.05)
        thread.join(5)
        assert taken == [False]


def test_an_error_that_nobody_expected_ends_delivery_and_is_raised_to_who_submits(tmp_path: Path) -> None:
    def fail(_index: str, _numbers: list[int]) -> Answer | None:
        raise ZeroDivisionError

    with capture_logs(), bench(tmp_path) as b:
        b.cluster.request = fail
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery._state._stopped)
        with pytest.raises(Fatal, match="ZeroDivisionError"):
            b.delivery.submit(2, [TEN])
        assert not b.verdicts
