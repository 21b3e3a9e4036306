"""A small honest proxy between shipper and a real Elasticsearch, which makes faults.

Whatever it does not refuse itself, Elasticsearch answers; whatever it refuses, Elasticsearch never saw. ``faults`` may
be replaced at any time. What was done is counted in ``done``.
"""

from __future__ import annotations

import http.client
import http.server
import json
import random
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

_TIMEOUT_S = 30.0
_BUSY = {"type": "es_rejected_execution_exception", "reason": "rejected by the fault proxy"}


@dataclass(frozen=True)
class Faults:
    """Each a share of bulk requests or items, from 0 to 1."""

    items_busy: float = 0.0
    """Items that are answered 429, and not forwarded."""
    unavailable: float = 0.0
    """Requests that are answered 503, and not forwarded."""
    unauthorized: float = 0.0
    """Requests that are answered 401, and not forwarded."""
    forbidden: float = 0.0
    """Requests that are answered 403, and not forwarded."""
    miscounted: float = 0.0
    """Answers that lack their last item, after the documents were indexed."""
    garbled: float = 0.0
    """Answers that are no JSON, after the documents were indexed."""
    cut_before: float = 0.0
    """Connections that are cut before the request is forwarded."""
    cut_within: float = 0.0
    """Answers that are cut in the middle, after the documents were indexed."""
    lose_answer: float = 0.0
    """Answers that never come, after the documents were indexed."""


class FaultProxy:
    """Forwards to ``target`` while it is entered; ``url`` is its own address."""

    def __init__(self, target: str, faults: Faults | None = None, *, seed: int = 1) -> None:
        self.faults = faults or Faults()
        self.done: Counter[str] = Counter()
        self.dice = random.Random(seed)
        parts = urlsplit(target)
        self.target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def strikes(self, fault: str) -> bool:
        """Throw the dice for one of the faults, and count it."""
        with self.lock:
            hit = bool(self.dice.random() < getattr(self.faults, fault))
            self.done[fault] += hit
            return hit

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Ask the target."""
        connection = http.client.HTTPConnection(*self.target, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def bulk(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Forward a bulk request without the items that are refused here, and put the answers together again."""
        lines = body.splitlines(keepends=True)
        items = [action + source for action, source in zip(lines[::2], lines[1::2], strict=True)]
        busy = {number for number in range(len(items)) if self.strikes("items_busy")}
        if not busy:
            return self.forward("POST", path, body, headers)
        kept = [item for number, item in enumerate(items) if number not in busy]
        answered: list[Any] = []
        if kept:
            status, answer = self.forward("POST", path, b"".join(kept), headers)
            if status != http.HTTPStatus.OK:
                return status, answer
            answered = json.loads(answer)["items"]
        rest = iter(answered)
        merged = [{"create": {"status": 429, "error": _BUSY}} if n in busy else next(rest) for n in range(len(items))]
        return 200, json.dumps({"errors": True, "items": merged}).encode()


class _Server(http.server.ThreadingHTTPServer):
    proxy: FaultProxy
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- the base's signature
        """Say nothing: a connection that breaks is what this is for."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {
            name: self.headers[name] for name in ("content-type", "accept", "authorization") if name in self.headers
        }
        if not urlsplit(self.path).path.endswith("/_bulk"):
            self._answer(*proxy.forward(self.command, self.path, body, headers))
        elif proxy.strikes("cut_before"):
            self._cut()
        elif proxy.strikes("unavailable"):
            self._answer(503, b'{"error":{"type":"fault_proxy","reason":"unavailable"},"status":503}')
        elif proxy.strikes("unauthorized"):
            self._answer(401, b'{"error":{"type":"fault_proxy","reason":"unauthorized"},"status":401}')
        elif proxy.strikes("forbidden"):
            self._answer(403, b'{"error":{"type":"fault_proxy","reason":"forbidden"},"status":403}')
        else:
            self._answer_bulk(*proxy.bulk(self.path, body, headers))

    def _answer_bulk(self, status: int, answer: bytes) -> None:
        proxy = self.server.proxy
        if proxy.strikes("lose_answer"):
            self._cut()
        elif proxy.strikes("cut_within"):
            self._head(status, len(answer))
            self.wfile.write(answer[: len(answer) // 2])
            self._cut()
        elif proxy.strikes("garbled"):
            self._answer(status, b"<html>the login page</html>")
        elif proxy.strikes("miscounted"):
            whole = json.loads(answer)
            self._answer(status, json.dumps({**whole, "items": whole["items"][:-1]}).encode())
        else:
            self._answer(status, answer)

    def _answer(self, status: int, answer: bytes) -> None:
        self._head(status, len(answer))
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-length", str(length))
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815 -- the base's names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the base's signature
        """Say nothing."""
