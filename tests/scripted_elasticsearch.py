"""A server that answers by the beginning of the path, for what no Elasticsearch at hand would say."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

_Server = TypeVar("_Server", bound=ThreadingHTTPServer)


class ScriptedElasticsearch(ThreadingHTTPServer):
    """``script`` has an answer (status, JSON) for each beginning of a path; the first that fits is given."""

    daemon_threads = True

    def __init__(self, script: Mapping[str, tuple[int, object]], *, named: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.headers = {"X-elastic-product": "Elasticsearch"} if named else {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedElasticsearch

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append(self.path)
        status, answer = next(found for begin, found in self.server.script.items() if self.path.startswith(begin))
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **self.server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 -- the base's naming

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def scripted(
    script: Mapping[str, tuple[int, object]], *, named: bool = True
) -> AbstractContextManager[ScriptedElasticsearch]:
    """Run it; unless it is ``named``, nothing says that it is Elasticsearch."""
    return serving(ScriptedElasticsearch(script, named=named))


@contextmanager
def serving(server: _Server) -> Iterator[_Server]:
    """Serve in a thread."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
