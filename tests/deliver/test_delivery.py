from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.elastic import Answer
from shipper.errors import ConnectionFailed
from shipper.journal.commit import Verdicts
from tests.deliver.bodies import TEN, Lines, id_of
from tests.deliver.fakes import bench, error, until, whole

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_taken_is_indexed_and_told_once(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        assert b.delivery.submit(7, [TEN, Lines("j", (10, 11))])
        until(lambda: b.verdicts)
        assert b.verdicts == {7: Verdicts(indexed=12)}
        assert len(b.cluster.documents) == 12
        assert sorted(b.asked) == ["i", "j"]


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


def test_it_knows_whether_it_has_asked_yet(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        assert not b.delivery.status().asked
        b.delivery.submit(1, [TEN])
        until(lambda: b.verdicts)
        assert b.delivery.status().asked


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
        (reason,) = b.delivery.status().paused.values()
        assert reason.startswith("security_exception: r; check the credentials (SHIPPER_ELASTICSEARCH__API_KEY")
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
