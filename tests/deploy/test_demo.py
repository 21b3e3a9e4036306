"""deploy/haproxy.cfg and the demo that runs on it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deploy.demo._comparison import compare
from shipper import config
from shipper.elastic import Client
from shipper.encode import CapturedEncoder
from tests.haproxy_process import HAProxyProcess, UdpRecorder, check_config

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.haproxy

CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
GUIDE = Path(__file__).parents[2] / "docs" / "haproxy.md"
PORTS = ("HTTP_PORT", "API_PORT", "STATS_PORT", "SERVERS_PORT")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, cert, both = tmp_path / "key.pem", tmp_path / "cert.pem", tmp_path / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 1"
    subprocess.run([*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


def test_the_example_configuration_is_clean() -> None:
    assert not check_config(CONFIG)


def test_the_example_configuration_is_clean_with_everything_switched_on(certificate: Path, tmp_path: Path) -> None:
    everything = {
        "TLS_CERTIFICATE": str(certificate),
        "RECORDER_ADDRESS": "127.0.0.1:5141",
        "STATS_SOCKET": str(tmp_path / "stats"),
        "BIND_ADDRESS": "0.0.0.0",
    }
    assert not check_config(CONFIG, everything)


def test_a_configuration_that_haproxy_warns_of_is_not_clean() -> None:
    assert "missing timeouts" in check_config("frontend a\n    mode http\n    bind 127.0.0.1:1\n")


def test_a_request_through_the_example_is_logged_to_shipper_and_to_the_recorder_alike() -> None:
    with UdpRecorder() as shipper, UdpRecorder() as witness:
        targets = {"LOG_ADDRESS": shipper.address, "RECORDER_ADDRESS": witness.address}
        with HAProxyProcess(CONFIG, ports=PORTS, environment=targets) as haproxy:
            connection = http.client.HTTPConnection("127.0.0.1", haproxy.ports["HTTP_PORT"], timeout=5)
            connection.request("GET", "/admin")
            assert connection.getresponse().status == 403
            connection.close()
            (line,) = shipper.wait_for(1, holding=b'"GET /admin HTTP/1.1"\n')
            assert witness.wait_for(1, holding=b"GET /admin") == [line]


FRAME = """
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
{snippet}
listen frame
    bind 127.0.0.1:1
    timeout connect 1s
    timeout client 1s
    timeout server 1s
"""


@pytest.mark.parametrize("snippet", re.findall(r"```haproxy\n(.*?)```", GUIDE.read_text(), re.DOTALL))
def test_every_configuration_in_the_guide_is_clean(snippet: str) -> None:
    assert not check_config(FRAME.format(snippet=snippet))


LINES = (
    (
        b"<134>Nov 21 03:41:18 h[7]: 127.0.0.1:49434 [21/Nov/2026:03:41:18.251] www~ search/search1 0/0/1/2/4 200 98 "
        b'SESSION=abc - ---- 5/1/0/0/+1 0/0 {shop.example|M#C3#BCller|} {text/html} "GET /search?q=#22x#22 HTTP/1.1"'
    ),
    (
        b"<134>Nov 21 03:41:19 h[7]: 127.0.0.1:49454 [21/Nov/2026:03:41:18.348] www www/<NOSRV> -1/803/-1/-1/802 429 "
        b'225 - - PT-- 9/1/0/0/0 0/0 {127.0.0.1:8080|scanner|} {} "GET /shop/a HTTP/1.1"'
    ),
    (
        b"<134>Nov 21 03:41:20 h[7]: 127.0.0.1:49456 [21/Nov/2026:03:41:20.001] www www/<NOSRV> -1/-1/-1/-1/0 400 0 "
        b'- - PR-- 1/1/0/0/0 0/0 "<BADREQ>"'
    ),
    (
        b"<134>Nov 21 03:41:21 h[7]: 127.0.0.1:49458 [21/Nov/2026:03:41:21.001] www~ shop/shop1 0/0/0/4/4 200 98 - - "
        b'--VN 1/1/0/0/0 0/0 "GET / HTTP/1.1" 0/000000000000000A/0/0/1 shop.example/TLSv1.2/ECDHE-RSA-AES128-GCM-SHA256'
    ),
    (
        b"<134>Nov 21 03:41:22 h[7]: 127.0.0.1:49460 [21/Nov/2026:03:41:22.001] www shop/shop1 0/0/0/4/4 200 98 - - "
        b'--VN 1/1/0/0/0 0/0 "GET / HTTP/1.1" 0/-/-/-/0 -/-/-'
    ),
    b"<132>Nov 21 03:41:43 h[7]: Proxy www stopped (cumulated conns: FE: 39, BE: 0).",
)


def documents() -> list[dict[str, Any]]:
    encoder = CapturedEncoder(config.load().interpretation(), 1_795_232_503_000_000)
    return [json.loads(captured.json) for captured in encoder.documents(LINES)]


def test_the_demo_is_content_when_the_documents_are_the_lines() -> None:
    found = compare(LINES, documents())
    assert found.exact
    assert (found.requests, found.others) == (5, 1)


def test_the_demo_finds_a_missing_document() -> None:
    found = compare(LINES, documents()[1:])
    assert not found.exact
    assert [request.backend for request in found.missing] == ["search"]


def test_the_demo_finds_a_document_that_is_there_twice() -> None:
    found = compare(LINES, [*documents(), documents()[1]])
    assert not found.exact
    assert [request.state for request in found.surplus] == ["PT--"]


def test_the_demo_finds_a_value_that_differs() -> None:
    wrong = documents()
    wrong[0]["haproxy"]["time"]["total_ms"] = 5
    found = compare(LINES, wrong)
    assert [len(found.missing), len(found.surplus)] == [1, 1]


def test_the_demo_finds_a_version_of_tls_that_differs() -> None:
    wrong = documents()
    wrong[3]["tls"]["version"] = "1.3"
    assert [len(compare(LINES, wrong).missing), len(compare(LINES, wrong).surplus)] == [1, 1]


def test_the_demo_finds_a_request_that_was_not_understood() -> None:
    wrong = documents()
    wrong[2]["haproxy"]["line"] = "unparsed"
    assert not compare(LINES, wrong).exact


def test_the_demo_is_not_content_with_nothing() -> None:
    assert not compare([], []).exact


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose path leaves room for the name of a unix socket: the kernel takes 108 bytes."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


class Demo:
    """A demo that runs with its state under ``folder``."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo"],
            cwd=CONFIG.parents[1],
            env={**os.environ, "TMPDIR": str(folder), "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def says(self, pattern: str) -> str:
        """Read until it says something like this."""
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if found := re.search(pattern, line):
                return found[0]
        raise AssertionError(said)

    def end(self) -> tuple[int, str]:
        """Wait for its end; give the exit code, and what else it said."""
        said, _ = self._process.communicate(timeout=100)
        return self._process.returncode, " ".join(said.split())


def test_a_short_demo_shows_the_page_ends_content_and_leaves_nothing_behind(
    elasticsearch_url: str, folder: Path
) -> None:
    demo = Demo(folder, DEMO_SECONDS="5", DEMO_YES="1", ELASTICSEARCH_URL=elasticsearch_url)
    page = demo.says(r"http://127\.0\.0\.1:[0-9]+/\?from=\S+")
    assert httpx.get(page, timeout=10).headers["Content-Type"].startswith("text/html")
    code, said = demo.end()
    assert code == 0, said
    assert "each is exactly one document" in said
    assert not list(folder.iterdir())
    client = Client(config.Elasticsearch(urls=(elasticsearch_url,)))
    left = [client.request("GET", f"/_{kind}_template")[1] for kind in ("index", "component")]
    left.append(client.request("GET", "/_cat/indices?h=index")[1])
    client.close()
    assert "demo-" not in str(left)


def test_the_demo_touches_no_elasticsearch_that_is_there_without_being_told_to(tmp_path: Path) -> None:
    code, said = Demo(tmp_path, DEMO_SECONDS="5", DEMO_YES="", ELASTICSEARCH_URL="http://127.0.0.1:1").end()
    assert code == 2
    assert "DEMO_YES=1" in said
    assert not list(tmp_path.iterdir())
