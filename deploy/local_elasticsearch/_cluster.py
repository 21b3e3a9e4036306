"""One node or a cluster of them, started together and stopped together.

1. ``__enter__`` returns when all nodes see each other with health yellow or better; if that fails, nothing is left.
2. Ports chosen here lie below the range the kernel gives to clients, so that a killed node finds its own free again.
3. Nodes are counted from 0, as in ``urls``.
"""

from __future__ import annotations

import http.client
import random
import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from deploy.local_elasticsearch._distribution import DEFAULT_VERSION, fetch
from deploy.local_elasticsearch._errors import Unavailable
from deploy.local_elasticsearch._node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PORTS = range(15_000, 32_768)
"""From above the usual services to below Linux's ports for clients (``net.ipv4.ip_local_port_range``)."""
_START_ATTEMPTS = 3
"""Another program may take a port between our look and the node's."""
_READY_TIMEOUT_S = 120
"""A start takes 2 to 6 s; a machine under load several times that."""
_POLL_S = 0.05

_QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Half the CPU of a start, at the price of slower code later."""


class LocalElasticsearch:
    """A context manager around real Elasticsearch nodes on the loopback interface.

    ``heap`` is per node, as ``-Xmx`` takes it. ``port`` is the HTTP port of the first node, the others follow it; 0
    chooses free ones. ``data`` keeps the data between runs; without it a fresh folder is removed at the end.
    ``settings`` go to every node. ``quick_start`` suits tests that are short: started with half the CPU, slower
    under load. Raises ``Unavailable`` when it cannot be had, with what to do.
    """

    def __init__(
        self,
        *,
        nodes: int = 1,
        version: str | None = None,
        heap: str = "1g",
        port: int = 0,
        data: Path | None = None,
        settings: Mapping[str, str] | None = None,
        quick_start: bool = False,
    ) -> None:
        self._count = nodes
        self._version = version or DEFAULT_VERSION
        self._flags = (f"-Xms{heap}", f"-Xmx{heap}", *(_QUICK_START if quick_start else ()))
        self._port = port
        self._data = data
        self._settings = dict(settings or {})
        self._nodes: list[Node] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            fresh = tempfile.TemporaryDirectory(prefix="local-elasticsearch-", ignore_cleanup_errors=True)
            home = self._data or Path(stack.enter_context(fresh))
            stack.callback(self._stop_all)
            self._start_all(home.resolve())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The URL of the first node."""
        return self._nodes[0].url

    @property
    def urls(self) -> tuple[str, ...]:
        """The URL of every node, running or not."""
        return tuple(node.url for node in self._nodes)

    @property
    def running(self) -> tuple[bool, ...]:
        """Of every node, whether its process is alive."""
        return tuple(node.running for node in self._nodes)

    def pid(self, node: int = 0) -> int:
        """Return the process id of the node's virtual machine."""
        return self._nodes[node].pid

    def kill_node(self, node: int = 0) -> None:
        """End a node with SIGKILL; returns when it is gone."""
        self._nodes[node].kill()

    def stop_node(self, node: int = 0) -> None:
        """Shut a node down in order; returns when it is gone."""
        self._nodes[node].stop()

    def start_node(self, *nodes: int) -> None:
        """Start stopped nodes again with their data and ports (the first, unless named).

        Returns when all nodes that run are one cluster; so when too few run for a majority, name more of them at once.
        """
        for node in nodes or (0,):
            self._nodes[node].start()
        self._wait_until_ready()

    def _start_all(self, home: Path) -> None:
        distribution = fetch(self._version)
        for attempt in range(1, _START_ATTEMPTS + 1):
            settings = self._node_settings(self._choose_ports())
            self._nodes = [Node(distribution, home / one["node.name"], one, self._flags) for one in settings]
            try:
                self.start_node(*range(self._count))
            except Unavailable:
                taken = any("BindException" in node.last_words() for node in self._nodes)
                self._stop_all()
                if self._port or not taken or attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    def _choose_ports(self) -> list[tuple[int, int]]:
        """Return a port for HTTP and one for the transport, per node."""
        if not self._port:
            free = _free_ports()
            return [(next(free), next(free)) for _ in range(self._count)]
        wanted = range(self._port, self._port + self._count)
        for port in wanted:
            if not _is_free(port):
                raise Unavailable(f"port {port} on 127.0.0.1 is taken. Choose another, or 0 for any that is free.")
        return list(zip(wanted, _free_ports(), strict=False))

    def _node_settings(self, ports: Sequence[tuple[int, int]]) -> Iterator[dict[str, str]]:
        names = [f"node-{number}" for number in range(1, len(ports) + 1)]
        discovery = {"discovery.type": "single-node"}
        if len(ports) > 1:
            discovery = {
                "discovery.seed_hosts": ",".join(f"127.0.0.1:{transport}" for _, transport in ports),
                "cluster.initial_master_nodes": ",".join(names),
            }
        for name, (http_port, transport_port) in zip(names, ports, strict=True):
            yield {
                "cluster.name": "local",
                "node.name": name,
                "network.host": "127.0.0.1",
                "http.port": str(http_port),
                "transport.port": str(transport_port),
                # A developer's disk is often fuller than the watermarks of a server.
                "cluster.routing.allocation.disk.threshold_enabled": "false",
                **discovery,
                **self._settings,
            }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        expected = [node for node in self._nodes if node.running]
        for node in expected:
            while not _is_ready(node.url, len(expected)):
                if not node.running:
                    raise Unavailable(f"Elasticsearch ended while it started. The end of its log:\n{node.last_words()}")
                if time.monotonic() > deadline:
                    raise Unavailable(f"Elasticsearch did not answer in time. The end of its log:\n{node.last_words()}")
                time.sleep(_POLL_S)

    def _stop_all(self) -> None:
        for node in self._nodes:
            node.stop()


def _is_ready(url: str, nodes: int) -> bool:
    """Whether the node answers and sees that many nodes; asked without urllib, which would go through a proxy."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", f"/_cluster/health?wait_for_status=yellow&wait_for_nodes={nodes}&timeout=1s")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports() -> Iterator[int]:
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if _is_free(port):
            yield port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: TIME_WAIT is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
