"""What comes in by each kind of listener is indexed as it was sent: real HAProxy, real Elasticsearch."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from deploy.demo import _recorder
from deploy.demo._comparison import compare
from tests.end_to_end.traffic import TIMESTAMP, Sender, line
from tests.free_ports import free_udp_port
from tests.haproxy_process import HAProxyProcess
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import World

CONFIG: Final = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
PORTS: Final = ("HTTP_PORT", "API_PORT", "STATS_PORT", "SERVERS_PORT")
REQUESTS: Final = 10_000
CLIENTS: Final = 20


@contextmanager
def recorder(file: Path) -> Iterator[str]:
    """Run the demo's witness; give its address."""
    command = [sys.executable, "-m", "deploy.demo._recorder", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def ask(port: int, client: int) -> None:
    """Make one client's requests, one after the other: mostly quick ones, some that a slow server answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    paths = [f"/static/{client}.css", "/", "/admin", "/static/none.map", f"/shop/item/{client}?q=a%20b&c=%22"]
    headers = {"User-Agent": f'client "{client}" {{|}} #', "Cookie": f"SESSION=s{client}"}
    for number in range(REQUESTS // CLIENTS):
        path = paths[4] if number % 20 == 0 else paths[number % 4]
        with suppress(http.client.HTTPException, OSError):  # a request that HAProxy cuts is logged as well
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
            continue
        connection.close()
    connection.close()


@pytest.mark.haproxy
def test_ten_thousand_requests_are_ten_thousand_documents_as_haproxy_logged_them(world: World, tmp_path: Path) -> None:
    shipper = world.started(timezone=None)
    record = tmp_path / "recorded"
    with recorder(record) as witness:
        environment = {"LOG_ADDRESS": f"127.0.0.1:{shipper.port}", "RECORDER_ADDRESS": witness}
        with (
            HAProxyProcess(CONFIG, ports=PORTS, environment=environment) as haproxy,
            ThreadPoolExecutor(CLIENTS) as clients,
        ):
            list(clients.map(lambda client: ask(haproxy.ports["HTTP_PORT"], client), range(CLIENTS)))
            until(lambda: sum(b"www" in line for line in _recorder.read(record)) >= REQUESTS, "HAProxy logged them")
        assert shipper.stop() == 0
    lines, documents = _recorder.read(record), world.indexed.documents()
    traffic = [document for document in documents if document.source["haproxy"]["line"] == "traffic"]
    assert len(traffic) == len({document.id for document in traffic}) == REQUESTS
    assert all(TIMESTAMP.fullmatch(document.source["@timestamp"]) for document in documents)
    result = compare(lines, [document.source for document in documents])
    assert result.exact, result
    world.settled(shipper, len(lines))


def test_a_capture_that_crosses_midnight_gives_two_indices(world: World) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    shipper = world.started()
    sender = Sender(shipper.port)
    sender.send(line(n, midnight + timedelta(milliseconds=n - 500)) for n in range(1000))
    sender.close()
    world.settled(shipper, 1000)
    found = Counter(document.index for document in world.indexed.documents())
    days = [f"{world.prefix}-{day:%Y.%m.%d}" for day in (midnight - timedelta(days=1), midnight)]
    assert found == dict.fromkeys(days, 500)
    assert world.indexed.numbers() == Counter(range(1000))


def test_listeners_have_zones_of_their_own_and_ipv6_is_one(world: World) -> None:
    six = free_udp_port(socket.AF_INET6)
    four = free_udp_port()
    shipper = world.started(
        listeners=[
            {"url": f"udp://[::1]:{six}", "timezone": "Asia/Kolkata"},
            {"url": f"udp://127.0.0.1:{four}", "timezone": "America/New_York"},
        ]
    )
    begun = datetime(2026, 1, 15, 12, tzinfo=UTC)
    for number, (port, address) in enumerate([(six, "::1"), (four, "127.0.0.1")]):
        sender = Sender(port, address=address)
        sender.send([line(number, begun)])
        sender.close()
    world.settled(shipper, 2)
    there = {document.number: document.source for document in world.indexed.documents()}
    assert [there[n]["@timestamp"] for n in (0, 1)] == ["2026-01-15T06:30:00.000000Z", "2026-01-15T17:00:00.000000Z"]
    assert [there[n]["log"]["source"]["address"] for n in (0, 1)] == ["::1", "127.0.0.1"]
