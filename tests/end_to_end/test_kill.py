"""SIGKILL at random moments under load: counted from the journal's write on, no line is lost and none is there twice.

``SOAK_ROUNDS`` raises the number of kills (`make soak`), ``SOAK_SEED`` chooses other moments.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from shipper.encode import native_version
from shipper.limits import RECEIVE_BATCH_LINES
from tests.end_to_end.conftest import World
from tests.end_to_end.traffic import Sender, number_of
from tests.shipper_process import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import OwnElasticsearch
    from tests.shipper_process import ShipperProcess

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "3"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
KILLS_IN_A_LIFE = 4

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(60 + 10 * ROUNDS)]


def kill_child(shipper: ShipperProcess, sender: Sender, name: str) -> None:
    """Kill a child, and wait until the parent has started the next.

    A parent whose children keep ending waits longer each time; so now and then the whole is started anew.
    """
    if len(shipper.events("child_started")) > 2 + KILLS_IN_A_LIFE:
        sender.pause()
        assert shipper.stop() == 0
        shipper.start()
        sender.resume()
    before = shipper.child(name)
    os.kill(before, signal.SIGKILL)
    until(lambda: shipper.child(name) != before, f"{name} started again")


def test_the_whole_shipper_is_killed_once_everything_that_was_sent_is_journaled(world: World) -> None:
    dice = random.Random(SEED)
    shipper = world.started()
    with Sender(shipper.port) as sender:
        for _ in range(ROUNDS):
            time.sleep(dice.uniform(0.3, 1.0))
            sent = sender.pause()
            until(lambda sent=sent: shipper.journaled() == sent, "everything sent is journaled")  # type: ignore[misc]
            time.sleep(dice.uniform(0.0, 0.1))
            shipper.kill()
            shipper.start()
            sender.resume()
        sent = sender.pause()
    world.settled(shipper, sent)
    assert world.indexed.numbers() == Counter(range(sent))


@pytest.mark.skipif(native_version() is None, reason="the native engine is not installed")
def test_another_engine_goes_on_where_the_one_before_was_killed(world: World) -> None:
    dice = random.Random(SEED + 4)
    shipper = world.started(engine="native")
    with Sender(shipper.port, 5_000) as sender:
        for engine in ("python", "native") * ROUNDS:
            time.sleep(dice.uniform(0.3, 1.0))
            sent = sender.pause()
            until(lambda sent=sent: shipper.journaled() == sent, "everything sent is journaled")  # type: ignore[misc]
            shipper.kill()
            shipper.configure(engine=engine)
            shipper.start()
            until(lambda: shipper.events("engine_chosen"), "it said which engine runs")
            assert shipper.events("engine_chosen")[-1]["engine"] == engine
            sender.resume()
        sent = sender.pause()
    world.settled(shipper, sent)
    assert world.indexed.numbers() == Counter(range(sent))


def test_the_whole_shipper_is_killed_while_lines_come(world: World) -> None:
    dice = random.Random(SEED + 1)
    shipper = world.started()
    owed: set[int] = set()
    with Sender(shipper.port) as sender:
        for _ in range(ROUNDS):
            time.sleep(dice.uniform(0.3, 1.0))
            shipper.kill()
            owed.update(number_of(line.raw) for line in shipper.pending())
            shipper.start()
        sender.pause()
    assert shipper.stop() == 0
    there = world.indexed.numbers()
    assert max(there.values()) == 1
    assert owed <= there.keys()
    world.settled(shipper, len(there))


def test_the_shipping_process_is_killed_and_nothing_that_was_sent_is_lost(world: World) -> None:
    dice = random.Random(SEED + 2)
    shipper = world.started()
    with Sender(shipper.port) as sender:
        for _ in range(ROUNDS):
            time.sleep(dice.uniform(0.2, 1.0))
            kill_child(shipper, sender, "ship")
        sent = sender.pause()
    world.settled(shipper, sent)
    assert world.indexed.numbers() == Counter(range(sent))


def test_the_receiving_process_is_killed_and_at_most_the_batch_in_its_hands_is_lost(world: World) -> None:
    dice = random.Random(SEED + 3)
    shipper = world.started()
    with Sender(shipper.port) as sender:
        for _ in range(ROUNDS):
            time.sleep(dice.uniform(0.2, 1.0))
            kill_child(shipper, sender, "receive")
        sent = sender.pause()
    assert shipper.stop() == 0
    there = world.indexed.numbers()
    assert max(there.values()) == 1
    assert sent - ROUNDS * RECEIVE_BATCH_LINES <= len(there) <= sent
    world.settled(shipper, len(there))


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_elasticsearch_is_killed_and_started_again(tmp_path: Path, own_elasticsearch: OwnElasticsearch) -> None:
    node = own_elasticsearch()
    with ExitStack() as stack:
        world = World(stack, tmp_path, node.url, "killed")
        world.install()
        shipper = world.started()
        with Sender(shipper.port) as sender:
            for _ in range(max(1, ROUNDS // 3)):
                time.sleep(1.0)
                node.kill_node(0)
                time.sleep(1.0)
                node.start_node(0)
            sent = sender.pause()
        world.settled(shipper, sent)
        assert world.indexed.numbers() == Counter(range(sent))
