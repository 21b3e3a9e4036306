"""deploy/haproxy.cfg and the demo that runs on it."""

from __future__ import annotations

import http.client
import subprocess
from pathlib import Path

import pytest

from tests.haproxy_process import HAProxyProcess, UdpRecorder, check_config

pytestmark = pytest.mark.haproxy

CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
PORTS = ("HTTP_PORT", "API_PORT", "STATS_PORT", "SERVERS_PORT")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
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
        targets = {"SHIPPER_ADDRESS": shipper.address, "RECORDER_ADDRESS": witness.address}
        with HAProxyProcess(CONFIG, ports=PORTS, environment=targets) as haproxy:
            connection = http.client.HTTPConnection("127.0.0.1", haproxy.ports["HTTP_PORT"], timeout=5)
            connection.request("GET", "/admin")
            assert connection.getresponse().status == 403
            connection.close()
            (line,) = shipper.wait_for(1, holding=b'"GET /admin HTTP/1.1"\n')
            assert witness.wait_for(1, holding=b"GET /admin") == [line]
