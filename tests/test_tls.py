"""TLS and credentials, against a real HAProxy that terminates TLS in front of a real Elasticsearch."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from shipper.config import Config
from shipper.elastic import Client
from shipper.errors import ConfigError, ConnectionFailed
from tests.haproxy_process import HAProxyProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "c2VjcmV0LXNlY3JldA"  # noqa: S105 -- it opens nothing

CONFIG = """
global
    log stdout format raw local0 emerg
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend plain
    bind "127.0.0.1:${{PLAIN}}" ssl crt {pem}
    use_backend elasticsearch
frontend mutual
    bind "127.0.0.1:${{MUTUAL}}" ssl crt {pem} ca-file {ca} verify required
    use_backend elasticsearch
frontend guarded
    bind "127.0.0.1:${{GUARDED}}" ssl crt {pem}
    http-request deny deny_status 401 unless {{ req.hdr(authorization) -f {accepted} }}
    use_backend elasticsearch
backend elasticsearch
    server es {es}
"""


@dataclass(frozen=True)
class Tls:
    """Files of an authority, and a HAProxy with certificates of it."""

    folder: Path
    proxy: HAProxyProcess

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def pair(self) -> dict[str, Any]:
        return {"client_cert_file": self.folder / "client.pem", "client_key_file": self.folder / "client.key"}

    def fingerprint(self, name: str) -> str:
        """Give what openssl prints: `AB:CD:…`."""
        said = _openssl(self.folder, "x509", "-in", name, "-noout", "-fingerprint", "-sha256")
        return said.strip().partition("=")[2]

    def request(self, port: str, host: str = "localhost", **settings: Any) -> int:  # noqa: ANN401 -- as in TOML
        """Give the status of a request through ``port``."""
        url = f"https://{host}:{self.proxy.ports[port]}"
        client = Client(Config(elasticsearch={"urls": [url], **settings}).elasticsearch)
        try:
            return client.request("GET", "/_cluster/health")[0]
        finally:
            client.close()


def _openssl(folder: Path, *arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def _authority(folder: Path) -> None:
    """Make an authority, a certificate for localhost, one of a client, and an authority that nobody trusts."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        _openssl(folder, "req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name in ("node", "client"):
        _openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    both = [(folder / file).read_text() for file in ("node.pem", "ca.pem", "node.key")]
    (folder / "haproxy.pem").write_text("".join(both))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory, elasticsearch_url: str) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")
    _authority(folder)
    accepted = ["ApiKey c2VjcmV0LXNlY3JldA", "Bearer c2VjcmV0LXNlY3JldA", "Basic c2hpcHBlcjpjMlZqY21WMExYTmxZM0psZEE="]
    (folder / "accepted").write_text("\n".join(accepted) + "\n")
    text = CONFIG.format(
        pem=folder / "haproxy.pem",
        ca=folder / "ca.pem",
        accepted=folder / "accepted",
        es=urlsplit(elasticsearch_url).netloc,
    )
    with HAProxyProcess(text, ports=("PLAIN", "MUTUAL", "GUARDED")) as proxy:
        yield Tls(folder, proxy)


pytestmark = pytest.mark.haproxy


def test_a_node_is_believed_by_its_authority_or_by_a_fingerprint_of_the_chain(tls: Tls) -> None:
    assert tls.request("PLAIN", ca_file=tls.ca) == 200
    assert tls.request("PLAIN", ca_fingerprint=tls.fingerprint("node.pem")) == 200
    assert tls.request("PLAIN", host="127.0.0.1", ca_fingerprint=tls.fingerprint("node.pem").lower()) == 200


@pytest.mark.parametrize(
    ("how", "todo"),
    [
        ("nobody", "set elasticsearch.ca_file to the authority that signed it"),
        ("other", "set elasticsearch.ca_file to the authority that signed it"),
        ("fingerprint", "set elasticsearch.ca_fingerprint to it"),
        ("name", "give a URL with a name of the certificate"),
    ],
)
def test_a_node_that_cannot_be_believed_is_not_spoken_to_and_it_is_said_what_to_do(
    tls: Tls, how: str, todo: str
) -> None:
    ways: dict[str, dict[str, Any]] = {
        "nobody": {},
        "other": {"ca_file": tls.folder / "other.pem"},
        "fingerprint": {"ca_fingerprint": tls.fingerprint("other.pem")},
        "name": {"ca_file": tls.ca, "host": "127.0.0.1"},
    }
    with pytest.raises(ConnectionFailed, match=todo):
        tls.request("PLAIN", api_key=SECRET, **ways[how])


def test_a_url_with_the_wrong_scheme_is_told_the_other(tls: Tls, elasticsearch_url: str) -> None:
    plain_as_tls = elasticsearch_url.replace("http://", "https://")
    tls_as_plain = f"http://localhost:{tls.proxy.ports['PLAIN']}"
    for url, todo in ((plain_as_tls, "begins with http://"), (tls_as_plain, "begins with https://")):
        client = Client(Config(elasticsearch={"urls": [url]}).elasticsearch)
        with pytest.raises(ConnectionFailed, match=todo):
            client.request("GET", "/_cluster/health")
        client.close()


def test_a_client_certificate_is_shown_where_one_is_asked_for(tls: Tls) -> None:
    assert tls.request("MUTUAL", ca_file=tls.ca, **tls.pair) == 200
    both = tls.folder / "both.pem"
    both.write_text((tls.folder / "client.pem").read_text() + (tls.folder / "client.key").read_text())
    assert tls.request("MUTUAL", ca_file=tls.ca, client_cert_file=both) == 200
    with pytest.raises(ConnectionFailed, match=r"elasticsearch\.client_cert_file"):
        tls.request("MUTUAL", ca_file=tls.ca)


def test_credentials_come_from_a_setting_or_from_a_file(tls: Tls) -> None:
    file = tls.folder / "secret"
    file.write_text(f"{SECRET}\n")
    given: list[dict[str, Any]] = [
        {"api_key": SECRET},
        {"api_key_file": file},
        {"bearer_token": SECRET},
        {"bearer_token_file": file},
        {"username": "shipper", "password": SECRET},
        {"username": "shipper", "password_file": file},
    ]
    assert [tls.request("GUARDED", ca_file=tls.ca, **each) for each in given] == [200] * len(given)
    assert tls.request("GUARDED", ca_file=tls.ca) == 401
    assert tls.request("GUARDED", ca_file=tls.ca, username="shipper", password="wrong") == 401  # noqa: S106 -- so it is


def test_a_file_that_cannot_be_used_is_named_and_what_it_holds_is_not(tls: Tls, tmp_path: Path) -> None:
    https = {"urls": ["https://localhost:9200"]}
    two_lines = tmp_path / "two"
    two_lines.write_text(f"{SECRET}\n{SECRET}\n")
    cases: list[dict[str, Any]] = [
        {"api_key_file": tmp_path / "missing"},
        {"bearer_token_file": two_lines},
        {**https, "ca_file": tmp_path / "missing"},
        {**https, "client_cert_file": tmp_path},
        {**https, "ca_file": two_lines},
        {**https, "client_cert_file": two_lines},
        {**https, "client_cert_file": tls.folder / "client.pem", "client_key_file": tmp_path / "missing"},
    ]
    for settings in cases:
        name, file = list(settings.items())[-1]
        with pytest.raises(ConfigError, match=rf"elasticsearch\.{name} {file}: ") as raised:
            Client(Config(elasticsearch=settings).elasticsearch)
        assert SECRET not in str(raised.value)
