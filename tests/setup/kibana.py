"""A small Kibana: its saved objects API, as far as an import goes.

Like Kibana it refuses a request without `kbn-xsrf` (400), without the right credentials (401), a form without a file
(400), a file that is not called `.ndjson` (400), and objects that point at others which are not there; with
`overwrite=true` it replaces what it has.
"""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from tests.scripted_elasticsearch import serving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PATH: Final = "/s/ops/api/saved_objects/_import?overwrite=true"
Json = dict[str, Any]


class Kibana(ThreadingHTTPServer):
    """Listens on loopback; ``stored`` holds what was imported, ``answer`` stands for any other answer."""

    def __init__(self, authorization: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.authorization = authorization
        self.stored: dict[tuple[str, str], Json] = {}
        self.answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/s/ops"


class _Handler(BaseHTTPRequestHandler):
    server: Kibana

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status, answer = self.server.answer or self._import(body)
        self.send_response(status)
        self.send_header("content-type", "application/json" if answer[:1] == b"{" else "text/html")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _import(self, body: bytes) -> tuple[int, bytes]:
        if self.path != PATH:
            return _error(404, "Not Found")
        if not self.headers["kbn-xsrf"]:
            return _error(400, "Request must contain a kbn-xsrf header.")
        if self.headers["authorization"] != self.server.authorization:
            return _error(401, "[security_exception]: missing authentication credentials for REST request")
        form = BytesParser(policy=HTTP).parsebytes(
            b"content-type: %b\r\n\r\n" % self.headers["content-type"].encode() + body
        )
        files = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        if "file" not in files or not str(files["file"].get_filename()).endswith(".ndjson"):
            return _error(400, "Invalid file extension")
        content = files["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        return self._take([json.loads(line) for line in content.splitlines()])

    def _take(self, objects: list[Json]) -> tuple[int, bytes]:
        named = {(each["type"], each["id"]): each for each in objects}
        known = self.server.stored | named
        errors = [
            {"type": kind, "id": name, "error": {"type": "missing_references", "references": [pointer]}}
            for (kind, name), each in named.items()
            for pointer in each["references"]
            if (pointer["type"], pointer["id"]) not in known
        ]
        if errors:
            return 200, json.dumps({"success": False, "successCount": 0, "errors": errors}).encode()
        results = [
            {"type": kind, "id": name, **({"overwrite": True} if (kind, name) in self.server.stored else {})}
            for kind, name in named
        ]
        self.server.stored |= named
        return 200, json.dumps({"success": True, "successCount": len(results), "successResults": results}).encode()


def running(authorization: str | None = None) -> AbstractContextManager[Kibana]:
    """Run a Kibana that wants this `authorization` header, or none."""
    return serving(Kibana(authorization))


def _error(status: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps({"statusCode": status, "error": "x", "message": message}).encode()
