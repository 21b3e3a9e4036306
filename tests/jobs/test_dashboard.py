"""What the dashboard says of the shipper beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shipper.jobs.dashboard import shipper_health
from shipper.service import StatusServer
from tests.service.statuses import FINE, status

if TYPE_CHECKING:
    from pathlib import Path


def test_the_health_is_the_status_of_the_shipper_that_runs_in_the_folder(tmp_path: Path) -> None:
    server = StatusServer(tmp_path)
    server.start()
    server.publish(FINE)
    found = shipper_health(tmp_path)
    assert (found["available"], found["unexplained"]) == (True, 0)
    assert found["status"] == FINE.model_dump(mode="json")
    assert found["rates"] == {"received_per_s": FINE.received_per_s, "indexed_per_s": FINE.indexed_per_s}
    server.publish(status(reachable=False))
    assert "Elasticsearch does not answer" in json.dumps(shipper_health(tmp_path)["attention"])
    server.close()


def test_without_a_shipper_it_says_why_there_is_no_health(tmp_path: Path) -> None:
    found = shipper_health(tmp_path)
    assert (found["available"], "no shipper runs" in str(found["why"])) == (False, True)
