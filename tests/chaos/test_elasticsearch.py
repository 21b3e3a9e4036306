"""What Elasticsearch, its settings and its mappings do to lines under load; each is mended, and nothing is missing."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shipper.dead_letter import read
from shipper.limits import FUSE_WINDOW_ITEMS, MIB
from shipper.service import fetch
from tests.chaos.world import STREAM, ChaosWorld
from tests.end_to_end.test_refusals import refuse_cookies
from tests.end_to_end.traffic import Sender, line
from tests.fault_proxy import FaultProxy, Faults
from tests.shipper_process import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import OwnElasticsearch
    from tests.shipper_process import ShipperProcess

pytestmark = pytest.mark.chaos
DAY = timedelta(days=1)
LATE = 100
UNSETTLED_BYTES = MIB


def send_late(shipper: ShipperProcess, days: int) -> None:
    """Send lines for the index of another day, as a stream of their own."""
    begun = datetime.now(UTC) - days * DAY
    sender = Sender(shipper.port)
    sender.send(line(days * STREAM + number, begun) for number in range(LATE))
    sender.close()


def set_cluster(world: ChaosWorld, **settings: Any) -> None:  # noqa: ANN401 -- JSON
    world.indexed.client.cluster.put_settings(persistent={name.replace("__", "."): settings[name] for name in settings})


@pytest.mark.parametrize("block", ["write", "read_only", "read_only_allow_delete"])
def test_todays_index_takes_nothing_for_a_while(world: ChaosWorld, block: str) -> None:
    shipper = world.started(delivery={"unsettled_bytes_max": UNSETTLED_BYTES})
    client = world.indexed.client
    with Sender(shipper.port) as sender:
        until(lambda: shipper.commit().indexed, "the index is there")
        client.indices.put_settings(index=world.indexed.pattern, settings={f"index.blocks.{block}": True})
        settled = shipper.commit().journaled
        time.sleep(1.0)
        assert fetch(shipper.state.root).unsettled_bytes <= UNSETTLED_BYTES
        client.indices.put_settings(index=world.indexed.pattern, settings={f"index.blocks.{block}": None})
        sent = sender.pause()
    world.faultless(shipper, sent=sent)
    assert sent > settled
    assert not list(read(shipper.state.root / "dead-letters"))


def test_the_template_is_deleted_under_load(world: ChaosWorld) -> None:
    shipper = world.started()
    with Sender(shipper.port) as sender:
        until(lambda: shipper.commit().indexed, "the index of today is there")
        world.indexed.client.indices.delete_index_template(name=world.prefix)
        send_late(shipper, 2)
        until(lambda: shipper.events("index_held"), "the index that would have no mapping is held")
        world.install()
        sent = sender.pause()
    world.faultless(shipper, sent=sent + LATE)


def test_a_mapping_that_refuses_everything_makes_no_day_of_dead_letters(world: ChaosWorld) -> None:
    refuse_cookies(world)
    shipper = world.started()
    lines = 4 * FUSE_WINDOW_ITEMS
    sender = Sender(shipper.port)
    for start in range(0, lines, 200):
        sender.send(line(number, cookie="no-date") for number in range(start, start + 200))
        time.sleep(0.02)
    sender.close()
    until(lambda: shipper.events("index_held"), "the fuse has blown")
    client = world.indexed.client
    client.cluster.delete_component_template(name=f"{world.prefix}@custom")
    for index in client.indices.get(index=world.indexed.pattern):  # in the evening tomorrow's is there as well
        client.indices.delete(index=index)  # nothing is in it, and the field's type cannot be changed
    accounts = world.faultless(shipper, sent=lines)
    assert accounts.dead <= FUSE_WINDOW_ITEMS


def test_the_way_to_elasticsearch_is_bad_in_every_way(world: ChaosWorld) -> None:
    faults = Faults(
        items_busy=0.05,
        unavailable=0.1,
        unauthorized=0.05,
        forbidden=0.05,
        miscounted=0.1,
        garbled=0.1,
        cut_before=0.1,
        cut_within=0.1,
        lose_answer=0.2,
    )
    with FaultProxy(world.url, faults) as proxy:
        shipper = world.started(proxy.url, delivery={"linger_s": 0.01, "pause_delay_s": 0.1})
        with Sender(shipper.port) as sender:
            until(lambda: all(proxy.done[name] for name in vars(faults)), f"every fault was made: {proxy.done}")
            sent = sender.pause()
        proxy.faults = Faults()
        world.faultless(shipper, sent=sent)
        assert shipper.commit().already_there
        shipper.kill()


def test_an_outage_leaves_the_window_as_large_as_it_was(world: ChaosWorld) -> None:
    with FaultProxy(world.url) as proxy:
        shipper = world.started(proxy.url)
        with Sender(shipper.port) as sender:
            until(lambda: shipper.commit().indexed > 1_000, "lines are indexed")
            proxy.faults = Faults(cut_before=1.0)
            time.sleep(3.0)
            proxy.faults = Faults()
            sent = sender.pause()
        world.faultless(shipper, sent=sent)
        with Sender(shipper.port) as sender:
            sender.sent = sent
            until(lambda: world.at_rest(shipper).requests_in_flight_max > 1, "more than one request may be in flight")
            sent = sender.pause()
        shipper.kill()


def test_a_setting_of_the_cluster_forbids_the_index_that_is_needed(
    tmp_path: Path, own_elasticsearch: OwnElasticsearch
) -> None:
    node = own_elasticsearch()
    with ExitStack() as stack:
        world = ChaosWorld(stack, tmp_path, node.url, "forbidden")
        world.install()
        shipper = world.started()
        with Sender(shipper.port, 200) as sender:
            until(lambda: shipper.commit().indexed, "the index of today is there")
            set_cluster(world, action__auto_create_index="false")
            send_late(shipper, 2)
            until(lambda: len(shipper.events("index_held")) == 1, "the index that may not be created is held")
            set_cluster(world, action__auto_create_index=None)
            until(lambda: len(shipper.events("index_released")) == 1, "it goes on")
            sent = sender.pause()
        world.faultless(shipper, sent=sent + LATE)
