from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import threading
import time
from itertools import product
from typing import TYPE_CHECKING

import pytest

from shipper import config
from shipper.elastic import CREDENTIALS, Answer, Client
from shipper.errors import ConnectionFailed, TimedOut
from tests.scripted_elasticsearch import scripted

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """Answers every connection with the same bytes and then closes it; remembers what was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                request = self._read(connection)
                if not request:
                    return
                self.requests.append(request)
                connection.sendall(self.answer)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65536)
            if not chunk:
                return b""
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < lengths[0]:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        socket.create_connection(self.listener.getsockname()).close()
        self.thread.join()
        self.listener.close()


@contextlib.contextmanager
def serving(answer: bytes) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def dripping(answer: bytes, pause_s: float = 0.05) -> Iterator[str]:
    """Answer one request byte by byte, for as long as somebody listens."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for byte in answer:
                connection.sendall(bytes([byte]))
                time.sleep(pause_s)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def settings_for(urls: tuple[str, ...], settings: dict[str, str]) -> config.Elasticsearch:
    return config.Elasticsearch.model_validate({"urls": urls, "request_timeout_s": 2.0, **settings})


@contextlib.contextmanager
def connected(*urls: str, **settings: str) -> Iterator[Client]:
    with contextlib.closing(Client(settings_for(urls, settings))) as client:
        yield client


def http(
    status: int, body: bytes, content_type: str = "application/json", product: str = "X-elastic-product: Elasticsearch"
) -> bytes:
    head = (f"HTTP/1.1 {status} X", f"content-type: {content_type}", f"content-length: {len(body)}", product)
    return "\r\n".join((*filter(None, head), "connection: close", "", "")).encode() + body


def free_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_who_refuses_a_connection_comes_with_what_to_do() -> None:
    with (
        connected(free_url()) as client,
        pytest.raises(ConnectionFailed, match="Connection refused; start it, or mend"),
    ):
        client.request("GET", "/")


def test_who_has_not_said_where_it_is_is_told_how_to() -> None:
    nothing_said = config.Elasticsearch.model_construct(_fields_set=set(), urls=(free_url(),))
    with (
        contextlib.closing(Client(nothing_said)) as client,
        pytest.raises(ConnectionFailed, match="--elasticsearch, or"),
    ):
        client.request("GET", "/")
    assert "urls" not in config.Config().elasticsearch.model_fields_set


def test_a_bulk_body_goes_out_as_it_is_and_asks_for_a_small_answer() -> None:
    body = b'{"create":{"_id":"a"}}\n{"message":"\xc3\xa9"}\n'
    with serving(http(200, b'{"errors":false}')) as server, connected(server.url) as client:
        assert client.bulk("haproxy-2026.11.21", body, 2.0) == Answer(200, b'{"errors":false}')
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert head.startswith(b"POST /haproxy-2026.11.21/_bulk?filter_path=errors,items.*.status,items.*.error&timeout=1s")
    assert b"content-type: application/x-ndjson" in head.lower()


def test_a_view_of_a_body_goes_out_whatever_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "elastic_transport.node")
    with serving(http(200, b"{}")) as server, connected(server.url) as client:
        client.bulk("i", memoryview(b"before{}\n")[6:], 2.0)
    assert server.requests[0].endswith(b"\r\n\r\n{}\n")
    assert not caplog.records


def test_a_bulk_body_is_packed_where_that_is_asked_for() -> None:
    body = b'{"create":{"_id":"a"}}\n{"message":"x"}\n' * 100
    with serving(http(200, b"{}")) as server, connected(server.url, compression="gzip") as client:
        client.bulk("i", body, 2.0)
        client.request("GET", "/")
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert gzip.decompress(sent) == body
    assert b"content-encoding" not in server.requests[1].lower()


@pytest.mark.parametrize("status", [301, 400, 401, 403, 413, 429, 500, 503])
@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8", "application/xml"])
def test_a_status_is_a_value_and_its_body_is_unread(status: int, content_type: str) -> None:
    answer = http(status, b"\xff{not json", content_type)
    with serving(answer) as server, connected(server.url) as client:
        assert client.bulk("i", b"{}\n", 2.0) == Answer(status, b"\xff{not json")


def test_an_answer_says_which_node_gave_it() -> None:
    with serving(http(503, b"")) as server, connected(server.url) as client:
        assert client.bulk("i", b"{}\n", 2.0).by == f"Elasticsearch ({server.url})"


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", b"nonsense\r\n\r\n"],
)
def test_an_answer_that_is_cut_is_a_failed_connection(answer: bytes) -> None:
    with serving(answer) as server, connected(server.url) as client, pytest.raises(ConnectionFailed):
        client.bulk("i", b"{}\n", 2.0)


def test_a_refused_connection_names_the_node() -> None:
    url = free_url()
    with connected(url) as client, pytest.raises(ConnectionFailed, match=f"{url}.*refused"):
        client.bulk("i", b"{}\n", 2.0)


def test_an_answer_that_does_not_come_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with connected(url) as client, pytest.raises(ConnectionFailed):
            client.bulk("i", b"{}\n", 0.2)


def test_a_request_may_be_given_less_time_than_the_settings_give() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with connected(url) as client:
            begun_s = time.monotonic()
            with pytest.raises(TimedOut):
                client.request("GET", "/", timeout_s=0.2)
            assert time.monotonic() - begun_s < 1.5


DRIPPED = [b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000, http(200, b"{}" + b" " * 1000)]


@pytest.mark.parametrize("answer", DRIPPED, ids=["header", "body"])
def test_an_answer_that_drips_is_out_of_time_like_one_that_does_not_come(answer: bytes) -> None:
    with dripping(answer) as url, connected(url) as client:
        begun_s = time.monotonic()
        with pytest.raises(TimedOut):
            client.bulk("i", b"{}\n", 0.3)
        assert time.monotonic() - begun_s < 5.0


def test_an_answer_that_comes_in_pieces_but_in_time_is_read() -> None:
    with dripping(http(200, b"{}"), pause_s=0.001) as url, connected(url) as client:
        assert client.bulk("i", b"{}\n", 5.0) == Answer(200, b"{}")


def test_a_failed_request_is_sent_once_and_the_next_one_goes_to_another_node() -> None:
    with serving(http(200, b"{}")) as server, connected(free_url(), server.url) as client:
        answers = []
        for _ in range(4):
            with contextlib.suppress(ConnectionFailed):
                answers.append(client.bulk("i", b"{}\n", 2.0))
    assert len(answers) >= 3
    assert len(server.requests) == len(answers)


def test_a_request_gives_the_status_and_the_parsed_answer() -> None:
    with serving(http(404, b'{"found":false}')) as server, connected(server.url) as client:
        assert client.request("PUT", "/_index_template/x", {"a": "é"}) == (404, {"found": False})
    assert server.requests[0].endswith(b'{"a": "\\u00e9"}')


def test_a_request_gives_text_where_the_answer_is_no_json() -> None:
    with serving(http(502, b"bad gateway", "text/plain")) as server, connected(server.url) as client:
        assert client.request("GET", "/_cluster/health") == (502, "bad gateway")


PAGES = [b"<html>It works!</html>", b'"It works!"']
JSON = [b'{"It works!": []}', b'["It works!"]']


@pytest.mark.parametrize(("status", "body"), [*product([200, 400, 404, 405], PAGES), *product([200, 404], JSON)])
def test_what_answers_otherwise_than_elasticsearch_does_is_something_else_and_that_is_said(
    status: int, body: bytes
) -> None:
    page = http(status, body, "text/html", product="")
    with serving(page) as server, connected(server.url) as client, pytest.raises(ConnectionFailed, match="It works!"):
        client.request("GET", "/_cluster/health")


PROBE = "/_nodes?filter_path=nodes.*.version"
REFUSED = {"error": {"root_cause": [], "type": "security_exception"}}


@pytest.mark.parametrize("probed", [(200, {"nodes": {"a": {}}}), (403, REFUSED)])
def test_a_proxy_may_take_the_header_away_by_which_elasticsearch_is_known(probed: tuple[int, object]) -> None:
    with scripted({"/_nodes": probed, "/": (200, {})}, named=False) as server, connected(server.url) as client:
        assert [client.request("GET", "/a"), client.request("GET", "/b")] == [(200, {})] * 2
    assert server.asked == ["/a", PROBE, "/b"]


@pytest.mark.parametrize("answer", [(404, REFUSED), (200, {"_shards": {"total": 1}}), (200, {"nodes": {}})])
def test_an_answer_that_only_elasticsearch_gives_needs_no_probe(answer: tuple[int, object]) -> None:
    with scripted({"/": answer}, named=False) as server, connected(server.url) as client:
        assert client.request("GET", "/a") == answer
    assert server.asked == ["/a"]


@pytest.mark.parametrize("error", [True, 404, 1.5, "no", None, [], {}])
def test_an_error_of_any_shape_is_read_and_says_that_it_is_not_elasticsearchs(error: object) -> None:
    with (
        scripted({"/": (404, {"error": error})}, named=False) as server,
        connected(server.url) as client,
        pytest.raises(ConnectionFailed, match="what answers is not Elasticsearch"),
    ):
        client.request("GET", "/a")


@pytest.mark.parametrize("status", [400, 401, 403, 405, 429, 500, 502, 503])
def test_a_probe_that_is_not_let_through_says_nothing_of_an_answer(status: int) -> None:
    script = {"/_nodes": (status, {"message": "not this way"}), "/": (200, {"a": 1})}
    with scripted(script, named=False) as server, connected(server.url) as client:
        assert client.request("GET", "/a") == (200, {"a": 1})
    assert server.asked == ["/a", PROBE]


@pytest.mark.parametrize("status", [200, 404])
def test_a_probe_that_something_else_answers_is_quoted(status: int) -> None:
    script = {"/_nodes": (status, {"message": "no route"}), "/": (200, {"a": 1})}
    with (
        scripted(script, named=False) as server,
        connected(server.url) as client,
        pytest.raises(ConnectionFailed, match=r"but says '{\"message\": \"no route\"}' to GET /_nodes"),
    ):
        client.request("GET", "/a")


def test_who_trusts_needs_no_probe_and_takes_no_page_for_an_answer_all_the_same() -> None:
    with scripted({"/page": (200, "It works!"), "/": (404, {"error": 404})}, named=False) as server:
        with contextlib.closing(Client(settings_for((server.url,), {}), trusting=True)) as client:
            assert client.request("GET", "/a") == (404, {"error": 404})
            with pytest.raises(ConnectionFailed, match="It works!"):
                client.request("GET", "/page")
        assert server.asked == ["/a", "/page"]


def test_a_probe_gets_what_time_is_left() -> None:
    answer = http(200, b"{}", product="")

    def serve() -> None:
        with listener.accept()[0] as first:
            first.recv(65536)
            time.sleep(0.5)
            first.sendall(answer)
        with listener.accept()[0] as probe, contextlib.suppress(OSError):
            while probe.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with connected(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            begun_s = time.monotonic()
            assert client.request("GET", "/a", timeout_s=1.0) == (200, {})
            assert time.monotonic() - begun_s < 1.4
        thread.join()


def test_a_machine_without_a_thread_to_spare_is_a_failed_connection_for_as_long_as_it_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with serving(http(200, b"{}")) as server, connected(server.url) as client:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(ConnectionFailed, match="can't start new thread"):
                client.bulk("i", b"{}\n", 2.0)
        assert client.bulk("i", b"{}\n", 2.0) == Answer(200, b"{}")


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x03\x00\x02\x02\x50"], ids=["hangs up", "alert"])
def test_who_speaks_no_plain_http_may_speak_tls_and_that_is_said(answer: bytes) -> None:
    with (
        serving(answer) as server,
        connected(server.url) as client,
        pytest.raises(ConnectionFailed, match="; if it speaks TLS, its URL begins with https://"),
    ):
        client.request("GET", "/")


def test_who_has_answered_once_is_not_suspected_of_tls() -> None:
    with serving(http(200, b"{}")) as server, connected(server.url) as client:
        client.request("GET", "/")
        server.answer = b""
        with pytest.raises(ConnectionFailed, match=r"without response$"):
            client.request("GET", "/")


@pytest.mark.parametrize("name", ["api_key_file", "bearer_token_file", "username", "password_file"])
def test_whoever_says_that_credentials_are_wrong_names_every_way_to_set_them(name: str) -> None:
    assert name in CREDENTIALS


@pytest.mark.parametrize("name", ["API_KEY", "BEARER_TOKEN"])
def test_the_variables_that_hold_credentials_are_named_too(name: str) -> None:
    assert f"SHIPPER_ELASTICSEARCH__{name}" in CREDENTIALS


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"api_key": "c2VjcmV0"}, b"authorization: ApiKey c2VjcmV0"),
        ({"username": "u", "password": "c2VjcmV0"}, b"authorization: Basic dTpjMlZqY21WMA=="),
        ({}, None),
    ],
)
def test_credentials_are_sent_and_never_shown(settings: dict[str, str], header: bytes | None) -> None:
    with serving(http(200, b"{}")) as server, connected(server.url, **settings) as client:
        client.request("GET", "/")
        shown = repr(client)
    assert "c2VjcmV0" not in shown
    assert (header in server.requests[0]) if header else (b"authorization" not in server.requests[0].lower())
