from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.deliver import DeliveryEndedError
from shipper.errors import Fatal
from shipper.journal.commit import Verdicts
from tests.deliver.bodies import TEN, Lines
from tests.deliver.fakes import bench, until, whole

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.elastic import Answer


@pytest.mark.parametrize("second", [(1, [TEN]), (2, [])])
def test_a_ticket_that_is_open_and_a_batch_without_documents_are_mistakes(
    tmp_path: Path, second: tuple[int, list[Lines]]
) -> None:
    with bench(tmp_path) as b:
        b.cluster.request = lambda _i, _n: whole(503)
        b.delivery.submit(1, [TEN])
        with pytest.raises(ValueError, match="empty, or open already"):
            b.delivery.submit(*second)


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


def test_what_is_under_way_can_be_waited_for_piece_by_piece(tmp_path: Path) -> None:
    with bench(tmp_path) as b:
        b.cluster.request = lambda _i, _n: whole(503)
        b.delivery.submit(1, [TEN])
        assert not b.delivery.drain(0.05)
        assert not b.delivery.submit(2, [TEN], timeout_s=0.01)
        b.cluster.request = lambda _i, _n: None
        assert b.delivery.drain(5)
        assert b.verdicts == {1: Verdicts(indexed=10)}


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
        with pytest.raises(DeliveryEndedError, match="ZeroDivisionError"):
            b.delivery.submit(2, [TEN])
        assert not b.verdicts


def test_a_delivery_that_has_ended_is_noticed_without_a_new_line_and_stops_nobody_else(tmp_path: Path) -> None:
    with capture_logs(), bench(tmp_path) as b:
        b.delivery.check()
        b.cluster.bulk = None  # type: ignore[method-assign, assignment]
        b.delivery.submit(1, [TEN])
        until(lambda: b.delivery._state._stopped)
        with pytest.raises(DeliveryEndedError) as raised:
            b.delivery.check()
        assert not isinstance(raised.value, Fatal)
