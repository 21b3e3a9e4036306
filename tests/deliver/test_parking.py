from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from shipper.deliver._parked_records import HEADER, Kind, intact, record
from shipper.deliver._parking import Parking
from shipper.journal.commit import Verdicts
from shipper.parking_totals import ParkingTotals
from tests.deliver.bodies import Lines, position


def ids(*numbers: int) -> list[str]:
    return [position(number).id() for number in numbers]


def test_a_parked_document_comes_back_with_its_bytes_and_its_line(tmp_path: Path) -> None:
    body = Lines("i", (1, 2))
    parking = Parking(tmp_path, position(0))
    assert parking.park(body)
    parking.committed(position(10))
    found = parking.body("i")
    assert found is not None
    assert found.content == body.content
    assert found.lines([0, 1]) == body.lines([0, 1])
    assert [found.id(0), found.id(1)] == ids(1, 2)


def test_a_document_is_tried_only_after_the_commit_has_passed_it(tmp_path: Path) -> None:
    parking = Parking(tmp_path, None)
    parking.park(Lines("i", (1, 2)))
    assert parking.indices() == set()
    assert parking.body("i") is None
    parking.committed(position(2))
    assert parking.indices() == {"i"}
    found = parking.body("i")
    assert found is not None
    assert [found.id(number) for number in range(len(found))] == ids(1)


def test_a_restart_drops_what_the_journal_brings_again_and_keeps_the_rest(tmp_path: Path) -> None:
    parking = Parking(tmp_path, None)
    parking.park(Lines("i", (1, 2, 3)))
    parking.committed(position(2))
    assert parking.settle(ids(1), Verdicts(indexed=1))
    parking.park(Lines("j", (0,)))
    parking.close()
    again = Parking(tmp_path, position(2))
    assert again.totals == ParkingTotals(parked=2, indexed=1)
    assert again.totals.pending == 1
    assert again.indices() == {"j"}


def test_totals_go_on_over_any_number_of_restarts(tmp_path: Path) -> None:
    for number in range(4):
        parking = Parking(tmp_path, position(100))
        parking.park(Lines("i", (number * 2, number * 2 + 1)))
        verdict = (Verdicts(indexed=1), Verdicts(already_there=1), Verdicts(dead_lettered=1), Verdicts(indexed=1))
        parking.settle(ids(number * 2), verdict[number])
        parking.close()
    assert Parking(tmp_path, position(100)).totals == ParkingTotals(8, indexed=2, already_there=1, dead_lettered=1)


def test_at_the_bound_nothing_is_parked_until_room_is_made(tmp_path: Path) -> None:
    parking = Parking(tmp_path, position(100), bytes_max=400)
    assert parking.park(Lines("i", (1,)))
    assert not parking.park(Lines("i", (2, 3)))
    assert parking.totals.parked == 1
    assert parking.settle(ids(1), Verdicts(indexed=1))
    assert parking.park(Lines("i", (2,)))


def test_a_batch_of_parked_documents_is_bounded(tmp_path: Path) -> None:
    parking = Parking(tmp_path, position(100))
    parking.park(Lines("i", tuple(range(10)), padding=100))
    found = parking.body("i", bytes_max=800)
    assert found is not None
    assert len(found) == 2
    one = parking.body("i", bytes_max=1)
    assert one is not None
    assert len(one) == 1


def test_garbage_is_dropped_from_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipper.deliver._parking._GARBAGE_BYTES_MIN", 1000)
    parking = Parking(tmp_path, position(1000))
    for number in range(100):
        parking.park(Lines("i", (number,)))
        if number:
            parking.settle(ids(number), Verdicts(indexed=1))
    assert (tmp_path / "log").stat().st_size < 3000
    assert parking.totals == ParkingTotals(100, indexed=99)
    found = parking.body("i")
    assert found is not None
    assert found.content == Lines("i", (0,)).content


def test_verdicts_that_do_not_match_the_documents_are_a_mistake(tmp_path: Path) -> None:
    parking = Parking(tmp_path, position(100))
    parking.park(Lines("i", (1,)))
    with pytest.raises(ValueError, match="parked documents"):
        parking.settle(ids(1), Verdicts(indexed=2))


def test_a_disk_that_takes_nothing_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parking = Parking(tmp_path, position(100))
    parking.park(Lines("i", (1,)))
    with monkeypatch.context() as patch:

        def no_space(_file: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr("os.fdatasync", no_space)
        assert not parking.park(Lines("i", (2,)))
        assert not parking.settle(ids(1), Verdicts(indexed=1))
    parking.close()
    assert Parking(tmp_path, position(100)).totals == ParkingTotals(1)


class FullDisk:
    """Takes ``writes`` more, then nothing."""

    def __init__(self, patch: pytest.MonkeyPatch, writes: int = 0) -> None:
        self._left = writes
        self._pwrite = os.pwrite
        patch.setattr("os.pwrite", self)

    def __call__(self, file: int, content: bytes, start: int) -> int:
        self._left -= 1
        if self._left < 0:
            raise OSError(28, "No space left on device")
        return self._pwrite(file, content, start)


@pytest.mark.parametrize("writes", range(1, 5))
def test_garbage_that_cannot_be_dropped_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    monkeypatch.setattr("shipper.deliver._parking._GARBAGE_BYTES_MIN", -2000)
    parking = Parking(tmp_path, position(100))
    body = Lines("i", (1, 2, 3, 4))
    parking.park(body)
    files = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch, capture_logs() as logs:
        FullDisk(patch, writes)
        assert parking.settle(ids(1), Verdicts(indexed=1))
    assert [log["event"] for log in logs] == ["parking_rewrite_failed"]
    assert len(list(Path("/proc/self/fd").iterdir())) == files
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    for at_hand in (parking, Parking(tmp_path, position(100))):
        assert at_hand.totals == ParkingTotals(4, indexed=1)
        found = at_hand.body("i")
        assert found is not None
        assert found.content == b"".join(body.items[1:])


def test_a_start_on_a_full_disk_brings_nothing_back_that_was_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Parking(tmp_path, None).park(Lines("i", (1, 2, 3)))
    with monkeypatch.context() as patch:
        FullDisk(patch)
        parking = Parking(tmp_path, position(2))
        parking.committed(position(2))
        assert parking.totals == ParkingTotals(1)
        assert not parking.park(Lines("i", (2,)))
        assert not parking.settle(ids(1), Verdicts(indexed=1))
    parking.committed(position(100))
    assert parking.settle(ids(1), Verdicts(indexed=1))
    assert Parking(tmp_path, position(100)).totals == ParkingTotals(1, indexed=1)


def test_a_start_with_nothing_to_drop_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Parking(tmp_path, position(100)).park(Lines("i", (1, 2)))
    with capture_logs() as logs:
        FullDisk(monkeypatch)
        assert Parking(tmp_path, position(100)).totals == ParkingTotals(2)
    assert logs == []


def test_a_log_whose_new_name_may_be_lost_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Parking(tmp_path, None).park(Lines("i", (1, 2)))
    fsync = os.fsync

    def no_folders(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(5, "Input/output error")
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", no_folders)
        parking = Parking(tmp_path, position(2))
        assert not parking.park(Lines("i", (2,)))
    assert parking.park(Lines("i", (2,)))
    assert Parking(tmp_path, position(100)).totals == ParkingTotals(2)


@pytest.mark.parametrize("cut", [1, 5, 9, 30, 100])
def test_a_torn_tail_was_never_parked(tmp_path: Path, cut: int) -> None:
    parking = Parking(tmp_path, position(100))
    parking.park(Lines("i", (1, 2)))
    parking.close()
    log = tmp_path / "log"
    log.write_bytes(log.read_bytes()[:-cut])
    again = Parking(tmp_path, position(100))
    assert again.totals.parked == 1
    assert again.park(Lines("i", (2,)))


@given(st.sampled_from(Kind), st.binary(), st.data())
def test_a_flipped_bit_is_seen(kind: Kind, content: bytes, data: st.DataObject) -> None:
    written = bytearray(record(kind, content))
    assert intact(bytes(written[: HEADER.size]), content) is kind
    bit = data.draw(st.integers(0, len(written) * 8 - 1))
    written[bit // 8] ^= 1 << bit % 8
    assert intact(bytes(written[: HEADER.size]), bytes(written[HEADER.size :])) is None
