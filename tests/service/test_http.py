"""Counters and health over HTTP, asked as Prometheus and an orchestrator do."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shipper.errors import ConfigError
from shipper.limits import METRICS_CONNECTIONS_MAX, PULSE_AGE_S_MAX, STATUS_AGE_S_MAX
from shipper.service import Metrics, Timed, Vitals, _http, open_http, serve_http
from shipper.service._histogram import Histogram
from tests.service.statuses import FINE, status
from tests.service.test_metrics import Cluster, Published


class Site:
    def __init__(self) -> None:
        self.vitals = Vitals(0.0, 0.0, FINE)
        listening = open_http(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        metrics = Metrics(Published(FINE), Histogram(), Timed(Cluster(), time.monotonic), lambda: None)
        serve_http(listening, metrics, self._now)

    def _now(self) -> Vitals:
        return self.vitals

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()

    def health(self, path: str) -> tuple[int, dict[str, Any]]:
        code, _, body = self.ask(path)
        return code, json.loads(body)


@pytest.fixture(scope="module")
def served() -> Site:
    return Site()


@pytest.fixture
def site(served: Site) -> Site:
    served.vitals = Vitals(0.0, 0.0, FINE)
    return served


def test_a_scrape_is_read_by_prometheus_own_parser(site: Site) -> None:
    code, kind, body = site.ask("/metrics")
    assert (code, kind.startswith("text/plain")) == (200, True)
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"shipper_received_lines", "shipper_build_info", "process_resident_memory_bytes"} <= names


def test_who_wants_openmetrics_gets_it(site: Site) -> None:
    _, kind, body = site.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_one_that_moves_is_alive_and_ready(site: Site) -> None:
    assert site.health("/health/live") == (200, {"alive": True, "reasons": [], "attention": []})
    assert site.health("/health/ready") == (200, {"ready": True, "reasons": [], "attention": []})


@pytest.mark.parametrize(
    ("vitals", "reason"),
    [
        (Vitals(PULSE_AGE_S_MAX + 1, 0.0, FINE), "receiving process"),
        (Vitals(0.0, STATUS_AGE_S_MAX + 1, FINE), "shipping process"),
    ],
)
def test_a_process_that_hangs_is_neither_alive_nor_ready(site: Site, vitals: Vitals, reason: str) -> None:
    site.vitals = vitals
    for path in ("/health/live", "/health/ready"):
        code, said = site.health(path)
        assert code == 503
        assert reason in said["reasons"][0]


def test_one_that_starts_is_alive_and_not_ready_yet(site: Site) -> None:
    site.vitals = Vitals(0.0, float("inf"), None)
    assert site.health("/health/live")[0] == 200
    assert site.health("/health/ready") == (503, {"ready": False, "reasons": ["it is starting"], "attention": []})


def test_a_full_journal_is_not_ready_and_an_elasticsearch_that_is_away_is(site: Site) -> None:
    site.vitals = Vitals(0.0, 0.0, status(journal_room_bytes=0))
    assert site.health("/health/ready")[0] == 503
    site.vitals = Vitals(0.0, 0.0, status(reachable=False, failure="status 503"))
    code, said = site.health("/health/ready")
    assert code == 200
    assert said["attention"] == ["Elasticsearch does not answer, and lines wait in the journal: status 503"]


def test_nothing_else_is_served_and_head_has_no_body(site: Site) -> None:
    assert site.ask("/")[0] == 404
    assert site.ask("/metrics/../etc")[0] == 404
    assert site.ask("/metrics", "POST")[0] == 501
    assert site.ask("/health/live", "HEAD")[::2] == (200, b"")


def test_those_who_ask_nothing_shut_out_nobody_for_long(site: Site) -> None:
    idle = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(METRICS_CONNECTIONS_MAX)]
    for each in idle:
        each.close()
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        try:
            assert site.ask("/health/live")[0] == 200
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nobody is served any more")


@pytest.mark.parametrize("begin", [b"", b"GET /metrics HTTP/1.0\r\n"], ids=["request", "headers"])
def test_who_drips_a_request_is_let_go_in_time(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    monkeypatch.setattr(_http, "METRICS_REQUEST_S_MAX", 0.3)
    with closing(socket.create_connection(("127.0.0.1", Site().port))) as dripping:
        dripping.sendall(begin)
        dripping.settimeout(0.02)
        deadline_s = time.monotonic() + 5
        while time.monotonic() < deadline_s:
            try:
                dripping.sendall(b"x")
                if dripping.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("it is still listened to")


def test_a_port_that_is_taken_is_a_wrong_configuration(site: Site) -> None:
    with pytest.raises(ConfigError, match=r"metrics\.listen: 127\.0\.0\.1 port \d+: Address already in use"):
        open_http(("127.0.0.1", site.port))
