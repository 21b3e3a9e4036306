"""A proxy takes away the header by which Elasticsearch is known, and answers itself what delivery does not ask."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from shipper.setup._templates import mapping
from tests.cli.commands import shipper as command
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


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def proxy(now: datetime) -> Iterator[ScriptedElasticsearch]:
    index = f"nameless-{now:%Y.%m.%d}"
    script = {
        f"/{index}/_mapping": (200, {index: {"mappings": mapping()}}),
        f"/{index}/_bulk": (200, {"errors": False, "items": [{"create": {"status": 201}}]}),
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
