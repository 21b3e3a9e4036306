"""A haproxy.cfg with eight frontends of different formats, given to shipper as it is: each request is one document."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.haproxy_process import HAProxyProcess
from tests.provoke.clients import certificate, connected, get, read_all, tls
from tests.shipper_process import until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import World

REQUESTS: Final = 50
CONFIG: Final = Path(__file__).with_name("formats.cfg")


@dataclass(frozen=True)
class Frontend:
    """How a frontend is asked, and what its documents say beside the client's port."""

    log_format: str
    says: dict[str, Any] = field(default_factory=dict)
    """Values by path; `{}` stands for the request's number."""
    secure: bool = False
    broken: bool = False


FRONTENDS: Final = {
    "web": Frontend(
        "httplog",
        {
            "url.path": "/{}",
            "haproxy.http.request.headers.x_trace": "t{}",
            "haproxy.http.request.captured_headers": ["a.example", "t{}"],
            "haproxy.http.request.captured_cookie": 'S=a - ---- "{}',
            "haproxy.captures_ambiguous": None,
        },
    ),
    "answered": Frontend(
        "httplog",
        {
            "url.path": "/{}",
            "haproxy.http.response.headers.x_served": "yes",
            "haproxy.http.response.captured_headers": ["yes"],
            "haproxy.http.request.captured_headers": None,
            "haproxy.captures_ambiguous": None,
        },
    ),
    "secure": Frontend(
        "httpslog",
        {
            "url.path": "/{}",
            "tls.established": True,
            "tls.client.server_name": "sni-{}.example",
            "haproxy.connections.fc_err": 0,
        },
        secure=True,
    ),
    "apache": Frontend(
        "httpclf",
        {
            "url.path": "/{}",
            "user_agent.original": 'agent "{}"',
            "haproxy.http.response.headers.x_served": "yes",
            "haproxy.backend_name": "shop",
        },
    ),
    "sampled": Frontend(
        "sampled", {"url.path": "/{}", "haproxy.http.request.headers.x_trace": "t{}", "http.response.status_code": 200}
    ),
    "quoted": Frontend("quoted", {"url.path": "/{}", "http.request.method": "GET", "haproxy.server_name": "shop1"}),
    "tunnel": Frontend("tunnel", {"haproxy.mode": "tcp", "haproxy.termination_state": "--"}),
    "failing": Frontend(
        "error", {"tls.established": False, "haproxy.connections.fc_err": 34, "url.path": None}, broken=True
    ),
}


def ask(port: int, frontend: Frontend, number: int) -> int:
    """Make one request; give the port that it comes from."""
    n = b"%d" % number
    headers = (b"User-Agent: agent " + b'"%d"' % number, b"X-Trace: t" + n, b'Cookie: S=a - ---- "' + n)
    with connected(("127.0.0.1", port)) as plain:
        mine = int(plain.getsockname()[1])
        if frontend.secure:
            with tls().wrap_socket(plain, server_hostname=f"sni-{number}.example") as client:
                client.sendall(get(b"/" + n, *headers))
                read_all(client)
        else:
            plain.sendall(get(b"/" + n, *headers))
            read_all(plain)
    return mine


def at(source: dict[str, Any], path: str) -> Any:  # noqa: ANN401 -- any value of a document
    """Give the value at a path; None when it is absent."""
    value: Any = source
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def filled(value: Any, number: int) -> Any:  # noqa: ANN401 -- any value of a document
    """Put a request's number into an expectation."""
    if isinstance(value, list):
        return [filled(each, number) for each in value]
    return value.replace("{}", str(number)) if isinstance(value, str) else value


@pytest.mark.haproxy
def test_a_haproxy_cfg_is_all_that_shipper_needs_to_read_its_eight_frontends(world: World, tmp_path: Path) -> None:
    certificate(tmp_path)
    shipper = world.shipper(timezone=None)
    file = tmp_path / "haproxy.cfg"
    file.write_text(CONFIG.read_text().replace("@LOG_PORT@", str(shipper.port)).replace("@FOLDER@", str(tmp_path)))
    shipper.configure(haproxy_cfg=[str(file)])
    shipper.start()
    ports = [f"{name.upper()}_PORT" for name in FRONTENDS]
    with HAProxyProcess(file, ports=[*ports, "SERVER_PORT"]) as haproxy, ThreadPoolExecutor(8) as clients:
        asked = {
            (name, clients.submit(ask, haproxy.ports[port], frontend, number)): number
            for number in range(REQUESTS)
            for port, (name, frontend) in zip(ports, FRONTENDS.items(), strict=True)
        }
        expected = {(name, made.result()): number for (name, made), number in asked.items()}
        count = len(expected)
        assert count == REQUESTS * len(FRONTENDS)
        # HAProxy logs a request after its answer: it may be stopped only when all lines have come
        until(lambda: shipper.commit().journaled >= count, f"{count} lines settled")
    assert shipper.stop() == 0
    documents = [d.source for d in world.indexed.documents() if d.source["haproxy"]["line"] != "event"]
    found = {(at(d, "haproxy.frontend_name"), at(d, "source.port")): d for d in documents}
    assert len(documents) == len(found)
    assert found.keys() == expected.keys()
    for (name, port), number in expected.items():
        says = {"haproxy.log_format": FRONTENDS[name].log_format} | FRONTENDS[name].says
        document = found[name, port]
        assert {path: at(document, path) for path in says} == {k: filled(v, number) for k, v in says.items()}
