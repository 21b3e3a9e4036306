"""A direct replay, measured on a real Elasticsearch."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from shipper.elastic import Client
from shipper.jobs.replaying import replay_direct
from shipper.replay.feed import Selection
from shipper.setup import install
from tests.query.lines import line, settings, write

if TYPE_CHECKING:
    from pathlib import Path

REFRESH_S = 1.0


def test_acknowledged_and_searchable_stand_apart_and_what_was_there_does_not_count(
    elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    config = settings(elasticsearch_url, index_prefix, state_dir=tmp_path / "state")
    with closing(Client(config.elasticsearch)) as client:
        install(client, config.index)
        body = {"settings": {"refresh_interval": f"{REFRESH_S:g}s"}}
        assert client.request("PUT", f"/{index_prefix}-2026.11.21", body)[0] == 200
    file = write(tmp_path / "capture.log", [line(number) for number in range(2000)])
    first, again = (replay_direct(config, Selection((file,)), measure=True) for _ in range(2))
    assert first.latency["acknowledged"]["count"] == again.latency["acknowledged"]["count"] == 2000
    assert first.latency["searchable"]["count"]
    assert 0 < (first.latency["acknowledged"]["p50_s"] or 0) <= (first.latency["searchable"]["max_s"] or 0)
    assert again.latency["searchable"] == {"count": 0, "p50_s": None, "p99_s": None, "max_s": None}
    assert again.tally.already_there == 2000
    json.dumps(first.latency)
