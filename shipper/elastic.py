"""The client of Elasticsearch; nothing else imports the packages `elasticsearch` and `elastic_transport`.

1. Bytes go out as they are and come back as they are. The only exception is ``ConnectionFailed``: no whole answer came,
   or one that is not Elasticsearch's. A status is a value, whatever it is: what it means is decided by the caller.
2. Nothing below retries, sniffs or asks `GET /` first. With several nodes, one that failed is left alone for a while,
   so that the caller's next try goes to another.
3. Credentials live in the headers of the requests, and in nothing that is printed.
4. Who answers is known by the header, or else by the answer, or else by a probe. Only what the probe says for certain
   counts against an answer, and delivery does without: what it waits for must not hang on another path's being open.
"""

from __future__ import annotations

import base64
import gzip
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from elastic_transport import ConnectionTimeout, HttpHeaders, Serializer, TransportError, Urllib3HttpNode
from elasticsearch import Elasticsearch

from shipper.errors import ConfigError, ConnectionFailed, TimedOut
from shipper.http_deadline import punctual
from shipper.no_answer import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from elastic_transport import NodeConfig

    from shipper import config

CREDENTIALS: Final = (
    "SHIPPER_ELASTICSEARCH__API_KEY or SHIPPER_ELASTICSEARCH__BEARER_TOKEN, "
    "or api_key_file, or bearer_token_file, or username and password_file of [elasticsearch]"
)
"""Where they are set, for whoever says that they are wrong."""
_TYPE: Final = "content-type"
_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"
_GZIP_LEVEL: Final = 1
"""The quickest: bulk bodies are so repetitive that more effort gains little (docs/delivery.md has figures)."""
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_PRODUCT: Final = "x-elastic-product"
"""The header that every answer of Elasticsearch has."""
_JUDGED: Final = {200, 400, 404, 405}
"""What is taken for a word of Elasticsearch: that something is, is not, or cannot be. The others are failures and
refusals, whoever they are from."""
_PROBE: Final = "/_nodes?filter_path=nodes.*.version"
"""What nothing else answers like Elasticsearch, or refuses like it."""
_SHOWN_BYTES: Final = 60
_ANSWER: Final = "errors,items.*.status,items.*.error"
"""All that a verdict needs of a bulk answer; the whole would be as large as the request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a request: the HTTP status and the body, unread."""

    status: int
    body: bytes
    by: str = field(default="", compare=False)
    """Who gave it, with its URL: of several nodes that one, or what stands before it."""


class Transport(Protocol):
    """What delivery needs of a client."""

    def bulk(self, index: str, body: bytes | memoryview, timeout_s: float) -> Answer:
        """Send NDJSON to `POST /{index}/_bulk`. Raises ConnectionFailed when no whole answer came in time."""


def advice(status: int) -> str:
    """Give what to do about an answer of this status, to stand behind its reason; empty where that says it all."""
    return f"; check the credentials: {CREDENTIALS}" if status == _UNAUTHORIZED else ""


class _Raw(Serializer):
    """Leaves bodies alone: documents are serialised once, and answers are read where they are understood."""

    mimetype = _JSON

    def dumps(self, data: Any) -> bytes:  # noqa: ANN401 -- the base's signature
        """Give ``data`` as it is: only bytes, or a view of some, are ever handed in."""
        return data  # type: ignore[no-any-return]

    def loads(self, data: bytes) -> bytes:
        """Give ``data`` as it is."""
        return data


class _Node(Urllib3HttpNode):
    """A node whose answers are whole in time, or have failed."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.pool.ConnectionCls = punctual(self.pool.ConnectionCls)

    def _log_request(self, *_: object, **__: object) -> None:
        """Say nothing: it would read all of a body as text, and cannot read a view of one."""


class Client:
    """Talks to the nodes of ``settings``, from any number of threads. It may not cross a fork.

    One that is ``trusting`` takes any JSON for an answer of Elasticsearch, for who judges its shape, as delivery does.
    """

    def __init__(
        self,
        settings: config.Elasticsearch,
        *,
        connections_max: int = 10,
        called: str = "Elasticsearch",
        trusting: bool = False,
    ) -> None:
        raw = _Raw()
        self._client = Elasticsearch(
            list(settings.urls),
            **_tls(settings),
            node_class=_Node,
            connections_per_node=connections_max,
            serializers=dict.fromkeys((_JSON, _NDJSON, "application/*", "text/*", "multipart/*"), raw),
            sniff_on_start=False,
            sniff_before_requests=False,
            sniff_on_node_failure=False,
        )
        self._called = called
        self.peer = _peer(called, settings.urls)
        """Who answers, with the URLs; for messages."""
        self._urls = settings.urls
        self._plain_http = all(url.startswith("http://") for url in settings.urls)
        """Until something answered."""
        self._recognised = trusting
        """As Elasticsearch, without its header: by the probe, or for the sake of whoever trusts."""
        self._by_default = "urls" not in settings.model_fields_set
        self._timeout_s = settings.request_timeout_s
        self._compresses = settings.compression == "gzip"
        self._headers = {"accept": _JSON, **_authorization(settings)}

    def __repr__(self) -> str:
        return f"Client({', '.join(self._urls)})"

    def bulk(self, index: str, body: bytes | memoryview, timeout_s: float) -> Answer:
        """Send NDJSON to `POST /{index}/_bulk`. Raises ConnectionFailed when no whole answer came in time.

        The server waits for a missing shard only half as long, so that it can still say which items it concerns.
        """
        wait_s = max(1, int(timeout_s / 2))
        path = f"/{quote(index, safe='')}/_bulk?filter_path={_ANSWER}&timeout={wait_s}s"
        if not self._compresses:
            return self._perform("POST", path, body, {_TYPE: _NDJSON}, timeout_s)[1]
        packed = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        return self._perform("POST", path, packed, {_TYPE: _NDJSON, "content-encoding": "gzip"}, timeout_s)[1]

    def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, timeout_s: float | None = None
    ) -> tuple[int, Any]:
        """Send one request; give the status and the parsed JSON (text where it is none, None where it is empty).

        ``path`` begins with `/` and is quoted already. Raises ConnectionFailed when no whole answer came in
        ``timeout_s``, or in the time that the settings give; and when it came from something else.
        """
        due_s = time.monotonic() + (timeout_s or self._timeout_s)
        content = None if body is None else json.dumps(body).encode()
        headers, answer = self._perform(method, path, content, {_TYPE: _JSON}, timeout_s or self._timeout_s)
        parsed = _parsed(answer.body)
        if answer.status in _JUDGED:
            if isinstance(parsed, str):
                raise self._stranger(answer.body)
            if not (_PRODUCT in headers or self._recognised or _is_elasticsearchs(parsed)):
                self._probe(due_s - time.monotonic())
        return answer.status, parsed

    def upload(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Send bytes of the `content-type` that ``headers`` name; give what ``request`` gives, and raise what it does.

        So Kibana takes files; it is reached like Elasticsearch, with the same credentials.
        """
        _, answer = self._perform("POST", path, body, headers, self._timeout_s)
        return answer.status, _parsed(answer.body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _probe(self, timeout_s: float) -> None:
        """Ask who answers, where a proxy took the header away. Raises ConnectionFailed where it is something else.

        A proxy that lets no probe through, and no answer in time, tell nothing.
        """
        if timeout_s <= 0:
            return
        try:
            _, answer = self._perform("GET", _PROBE, None, {}, timeout_s)
        except ConnectionFailed:
            return
        if _is_elasticsearchs(_parsed(answer.body)):
            self._recognised = True
        elif answer.status in {_OK, _NOT_FOUND}:
            raise self._stranger(answer.body, f" to GET {_PROBE}")

    def _stranger(self, said: bytes, to: str = "") -> ConnectionFailed:
        shown = said[:_SHOWN_BYTES].decode("utf-8", "replace")
        return ConnectionFailed(
            f"what answers is not {self.peer}, but says {shown!r}{to}; look at the address and port"
        )

    def _perform(
        self, method: str, path: str, body: bytes | memoryview | None, more: Mapping[str, str], timeout_s: float
    ) -> tuple[HttpHeaders, Answer]:
        headers = self._headers if body is None else {**self._headers, **more}
        try:
            meta, answer = self._client.transport.perform_request(
                method,
                path,
                body=body,
                headers=headers,
                request_timeout=timeout_s,
                max_retries=0,
                retry_on_status=(),
                retry_on_timeout=False,
            )
        except TransportError as error:
            failure = TimedOut if isinstance(error, ConnectionTimeout) else ConnectionFailed
            reason = in_words(error, plain_http=self._plain_http, by_default=self._by_default)
            raise failure(f"no answer from {self.peer}: {reason}") from error
        self._plain_http = False
        if meta.status == _OK and not _whole(meta.headers):
            raise ConnectionFailed(f"the answer from {self.peer} was cut in its header")
        return meta.headers, Answer(meta.status, answer or b"", _peer(self._called, [_url(meta.node)]))


def _url(node: NodeConfig) -> str:
    host = f"[{node.host}]" if ":" in node.host else node.host
    return f"{node.scheme}://{host}:{node.port}{node.path_prefix}"


def _peer(called: str, urls: Sequence[str]) -> str:
    return f"{called} ({', '.join(urls)})"


def _is_elasticsearchs(said: object) -> bool:
    """Tell whether nothing else says this: the nodes, what the shards gave, or an error with its root."""
    if not isinstance(said, dict):
        return False
    error = said.get("error")
    return "nodes" in said or "_shards" in said or (isinstance(error, dict) and "root_cause" in error)


def _whole(headers: HttpHeaders) -> bool:
    """Tell whether the header says where the body ends; a connection that was cut looks like one without a body."""
    return "content-length" in headers or "transfer-encoding" in headers


def _tls(settings: config.Elasticsearch) -> dict[str, Any]:
    """Give how the nodes' certificates are judged, and which one is shown. Raises ConfigError for unusable files."""
    _try(settings)
    given = {
        "ca_certs": settings.ca_file,
        "ssl_assert_fingerprint": settings.ca_fingerprint,
        "client_cert": settings.client_cert_file,
        "client_key": settings.client_key_file,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def _try(settings: config.Elasticsearch) -> None:
    """Load the PEM files, as each connection will."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca, certificate, key = settings.ca_file, settings.client_cert_file, settings.client_key_file
    name, file = "ca_file", ca
    try:
        if ca is not None:
            context.load_verify_locations(ca)
        name, file = "client_cert_file", certificate
        if certificate is not None:
            context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        with_key = f" (with client_key_file {key})" if key is not None and name != "ca_file" else ""
        reason = (error.reason or "").lower().replace("_", " ") or "no certificate in PEM, or no key for it"
        raise ConfigError(f"elasticsearch.{name} {file}{with_key}: {reason}") from error
    except OSError as error:
        if key is not None and certificate is not None and certificate.exists():
            name, file = "client_key_file", key
        raise ConfigError(f"elasticsearch.{name} {file}: {error.strerror}") from error


def _authorization(settings: config.Elasticsearch) -> dict[str, str]:
    key = _secret("api_key", settings)
    if key is not None:
        return {"authorization": f"ApiKey {key}"}
    token = _secret("bearer_token", settings)
    if token is not None:
        return {"authorization": f"Bearer {token}"}
    password = _secret("password", settings)
    if settings.username is not None and password is not None:
        pair = f"{settings.username}:{password}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def _secret(name: str, settings: config.Elasticsearch) -> str | None:
    """Give a secret from the setting ``name`` or the file of ``name_file``. Raises ConfigError for a bad file."""
    given = getattr(settings, name)
    if given is not None:
        return str(given.get_secret_value())
    file: Path | None = getattr(settings, f"{name}_file")
    if file is None:
        return None
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"elasticsearch.{name}_file {file}: {reason}") from error
    if not secret or not secret.isprintable():
        raise ConfigError(f"elasticsearch.{name}_file {file}: one line with the secret is expected")
    return secret


def _parsed(body: bytes) -> Any:  # noqa: ANN401 -- JSON can be anything
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
