"""What happens to state folders: deleted, copied, restored, cut off. No `_id` is ever given to two lines."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.chaos.world import STREAM
from tests.end_to_end.traffic import Sender

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.world import ChaosWorld

pytestmark = pytest.mark.chaos
NOBODY = "http://127.0.0.1:9"
LINES = 400


def test_a_state_folder_that_was_deleted_costs_nothing_that_was_delivered(world: ChaosWorld) -> None:
    shipper = world.started()
    sender = Sender(shipper.port)
    sender.number(LINES)
    world.at_rest(shipper, LINES)
    assert shipper.stop() == 0
    shutil.rmtree(shipper.state.root)
    shipper.start()
    sender.number(LINES)
    sender.close()
    world.faultless(shipper, sent=2 * LINES, elsewhere=LINES)


def test_a_state_folder_that_was_copied_is_used_by_two_at_the_same_time(world: ChaosWorld) -> None:
    shipper = world.started(NOBODY, shutdown_timeout_s=0.1)
    sender = Sender(shipper.port)
    sender.number(LINES)
    assert shipper.stop() == 0
    copy = world.shipper()
    shutil.copytree(shipper.state.root, copy.state.root)
    shipper.configure(elasticsearch={"urls": [world.url]})
    shipper.start()
    copy.start()
    beside = Sender(copy.port)
    beside.sent = STREAM
    for _ in range(4):
        sender.number(LINES // 4)
        beside.number(LINES // 4)
    sender.close()
    beside.close()
    for each in (shipper, copy):
        world.at_rest(each, 2 * LINES)
    assert world.faultless(shipper, copy, elsewhere=-LINES).indexed == 3 * LINES


def test_a_state_folder_from_yesterday_sends_nothing_twice_and_goes_on(world: ChaosWorld, tmp_path: Path) -> None:
    shipper = world.shipper(NOBODY, shutdown_timeout_s=0.1)
    shipper.start()
    sender = Sender(shipper.port)
    sender.number(LINES)
    assert shipper.stop() == 0
    yesterday = tmp_path / "yesterday"
    shutil.copytree(shipper.state.root, yesterday)
    shipper.configure(elasticsearch={"urls": [world.url]}, shutdown_timeout_s=15.0)
    shipper.start()
    sender.number(LINES)
    world.at_rest(shipper, 2 * LINES)
    assert shipper.stop() == 0
    shutil.rmtree(shipper.state.root)
    shutil.copytree(yesterday, shipper.state.root)
    shipper.start()
    sender.number(LINES)
    sender.close()
    world.faultless(shipper, sent=3 * LINES, elsewhere=LINES)
    assert shipper.commit().already_there == LINES


@pytest.mark.parametrize("commit_is_old", [False, True])
def test_the_journals_last_second_is_cut_off_after_it_was_delivered(world: ChaosWorld, *, commit_is_old: bool) -> None:
    shipper = world.started()
    sender = Sender(shipper.port)
    sender.number(LINES)
    world.at_rest(shipper, LINES)
    (segment,) = shipper.state.journal.iterdir()
    size, record = segment.stat().st_size, shipper.state.commit.read_bytes()
    sender.number(LINES)
    world.at_rest(shipper, 2 * LINES)
    shipper.kill()
    with segment.open("r+b") as file:
        file.truncate(size)
    if commit_is_old:
        shipper.state.commit.write_bytes(record)
    shipper.start()
    sender.number(LINES)
    sender.close()
    world.faultless(shipper, sent=3 * LINES, elsewhere=LINES if commit_is_old else 0)
