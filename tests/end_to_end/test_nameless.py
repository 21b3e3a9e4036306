"""A proxy takes away the header by which Elasticsearch is known, and answers itself what delivery does not ask."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from shipper import config
from shipper.dead_letter import Choice, DeadLetters, read
from shipper.jobs import dead_letters
from shipper.setup._templates import mapping
from tests.cli.commands import shipper as command
from tests.dead_letter.test_files import refused
from tests.scripted_elasticsearch import scripted
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scripted_elasticsearch import ScriptedElasticsearch

LINE: Final = (
    "<134>{0:%b %d %H:%M:%S} haproxy[8474]: 192.0.2.44:51822 [{0:%d/%b/%Y:%H:%M:%S}.873] www shop/s1 2/0/1/37/41 200 9 "
    '- - ---- 12/8/3/1/0 0/0 "GET / HTTP/1.1"\n'
)

OLD: Final = "nameless-2020.01.01"


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def proxy(now: datetime) -> Iterator[ScriptedElasticsearch]:
    index = f"nameless-{now:%Y.%m.%d}"
    script = {
        f"/{index}/_mapping": (200, {index: {"mappings": mapping()}}),
        f"/{index}/_bulk": (200, {"errors": False, "items": [{"create": {"status": 201}}]}),
        "/_cat/indices/": (200, [{"index": OLD, "docs.count": "1", "store.size": "1"}]),
        "/_nodes/stats/process": (200, {"nodes": {"a": {"timestamp": now.timestamp() * 1_000}}}),
        f"/{OLD}": (200, {"acknowledged": True}),
        "/": (404, {"message": "no route"}),
    }
    with scripted(script, named=False) as server:
        yield server


def test_a_running_shipper_delivers_all_the_same(proxy: ScriptedElasticsearch, now: datetime, tmp_path: Path) -> None:
    with (
        ShipperProcess(tmp_path, proxy.url, "nameless") as shipper,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.sendto(LINE.format(now).encode(), ("127.0.0.1", shipper.port))
        until(lambda: shipper.commit().indexed == 1, "the line was delivered")


def test_a_replay_delivers_all_the_same(proxy: ScriptedElasticsearch, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "capture.log"
    file.write_text(LINE.format(now))
    flags = ("-e", proxy.url, "--index-prefix", "nameless", "--state-dir", tmp_path / "state", "--timezone", "UTC")
    done = command("replay", *flags, "--no-verify", file)
    assert done.returncode == 0, done.stderr.decode()


def test_letters_are_sent_again_all_the_same(proxy: ScriptedElasticsearch, now: datetime, tmp_path: Path) -> None:
    folder, now_us = tmp_path / "dead-letters", int(now.timestamp() * 1_000_000)
    letter = refused()
    line = replace(letter.line, raw=LINE.format(now).encode().strip(), received_us=now_us)
    kept = DeadLetters(folder, 1 << 20, unsettled=lambda _: False, clock_us=lambda: now_us)
    assert kept.write([replace(letter, line=line)]) is None
    settings = config.Config(
        state_dir=tmp_path,
        timezone="UTC",
        index=config.Index(prefix="nameless"),
        elasticsearch=config.Elasticsearch(urls=(proxy.url,)),
        shutdown_timeout_s=5.0,
    )
    outcome = dead_letters.retry(settings, Choice())
    assert (outcome.indexed, outcome.troubles, list(read(folder))) == (1, {}, [])


def test_no_day_is_deleted_of_who_may_be_anybody(proxy: ScriptedElasticsearch, tmp_path: Path) -> None:
    with ShipperProcess(tmp_path, proxy.url, "nameless", retention={"keep_days": 1}) as shipper:
        until(lambda: shipper.events("days_not_pruned") or shipper.events("day_pruned"), "it looked at the days")
        (told,) = shipper.events("days_not_pruned")
    assert "what answers is not Elasticsearch" in told["error"]
    assert f"/{OLD}" not in proxy.asked
