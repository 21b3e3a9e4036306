"""Three nodes with one replica, killed one after the other under load."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from shipper import config, pipeline
from tests.chaos.world import ChaosWorld
from tests.end_to_end.traffic import Sender
from tests.shipper_process import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import OwnElasticsearch

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]


def test_each_of_three_nodes_is_killed_in_turn(tmp_path: Path, own_elasticsearch: OwnElasticsearch) -> None:
    cluster = own_elasticsearch(nodes=3)
    with ExitStack() as stack:
        world = ChaosWorld(stack, tmp_path, cluster.url, "rolling")
        pipeline.setup(
            config.Config(elasticsearch=config.Elasticsearch(urls=(world.url,)), index=config.Index(prefix="rolling")),
            replicas=1,
        )
        shipper = world.shipper()
        shipper.configure(elasticsearch={"urls": list(cluster.urls)})
        shipper.start()
        with Sender(shipper.port, 1_000) as sender:
            for node in range(3):
                until(world.is_green, "both copies of every shard are in sync", 60.0)
                settled = shipper.commit().journaled
                cluster.kill_node(node)
                until(lambda settled=settled: shipper.commit().journaled > settled, "the others take lines")  # type: ignore[misc]
                cluster.start_node(node)
            sent = sender.pause()
        world.faultless(shipper, sent=sent)
