"""`/metrics`, `/health/live` and `/health/ready` over HTTP, in the shipping process.

1. Read-only, and nothing of a request is used but its path: there is nothing to inject into.
2. At most METRICS_CONNECTIONS_MAX at the same time, each for at most METRICS_REQUEST_S_MAX, however slowly it asks:
   nobody can hold up the shipping, nor shut out the others for long.
3. The socket is the supervising parent's: who asks while the shipping process is started again waits for the answer.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from shipper.errors import ConfigError
from shipper.limits import METRICS_CONNECTIONS_MAX, METRICS_REQUEST_S_MAX
from shipper.service._health import faults_of_life, faults_of_readiness

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.service._health import Vitals
    from shipper.service._metrics import Metrics

_log = structlog.get_logger()

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_PATHS: Final = "/metrics, /health/live and /health/ready are served here\n"


def open_http(address: tuple[str, int]) -> socket.socket:
    """Open the socket. Raises ConfigError when that cannot be."""
    host, port = address
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(METRICS_CONNECTIONS_MAX)
    except OSError as error:
        opened.close()
        reason = f"{host} port {port}: {error.strerror}; choose another, or free it"
        raise ConfigError(f"metrics.listen: {reason}") from error
    return opened


def serve_http(listening: socket.socket, metrics: Metrics, vitals: Callable[[], Vitals]) -> None:
    """Serve in a thread of its own, until the process ends."""
    registry = CollectorRegistry()
    registry.register(metrics)
    ProcessCollector(registry=registry)
    server = _Server(listening, registry, vitals)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listening: socket.socket, registry: CollectorRegistry, vitals: Callable[[], Vitals]) -> None:
        super().__init__(listening.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.registry = registry
        self.vitals = vitals
        self._free = threading.BoundedSemaphore(METRICS_CONNECTIONS_MAX)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- the base's signature
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- the base's signature
        deadline = threading.Timer(METRICS_REQUEST_S_MAX, _end, [request])
        deadline.daemon = True
        try:
            deadline.start()
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 -- the base's signature
        """Let go who left before the answer; anything else is a fault of ours."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("metrics_not_answered")


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "shipper"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, kind, encode(self.server.registry))
        elif path == "/health/live":
            vitals = self.server.vitals()
            self._tell("alive", faults_of_life(vitals), vitals)
        elif path == "/health/ready":
            vitals = self.server.vitals()
            self._tell("ready", faults_of_readiness(vitals), vitals)
        else:
            self._answer(HTTPStatus.NOT_FOUND, _TEXT, _PATHS.encode())

    do_HEAD = do_GET  # noqa: N815 -- the base's naming

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 -- the base's signature
        """Write nothing: Prometheus asks all the time."""

    def _tell(self, what: str, faults: list[str], vitals: Vitals) -> None:
        attention = vitals.status.attention if vitals.status else ()
        body = json.dumps({what: not faults, "reasons": faults, "attention": attention}, indent=2) + "\n"
        self._answer(HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK, _JSON, body.encode())

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
