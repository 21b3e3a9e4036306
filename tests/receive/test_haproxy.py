"""A real HAProxy logs to every transport that it knows."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest

from shipper.config import Listener
from tests.haproxy_process import HAProxyProcess
from tests.receive.running import running

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.haproxy

REQUESTS = 200
FEW = 5
"""Fewer than a kernel holds for a unix datagram socket by default; HAProxy drops what does not fit."""
FRONTEND = """
defaults
    mode http
    log global
    option httplog
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:"${HTTP_PORT}"
    http-request return status 200
"""
RING = """
ring shipper
    format %s
    maxlen 1200
    size 32764
    timeout connect 5s
    timeout server 10s
    server shipper 127.0.0.1:"${SHIPPER_PORT}" log-proto %s
"""


def request(haproxy: HAProxyProcess, first: int, count: int) -> None:
    for number in range(first, first + count):
        with urllib.request.urlopen(f"http://127.0.0.1:{haproxy.ports['HTTP_PORT']}/{number}", timeout=5):
            pass


def assert_each_once(lines: list[bytes]) -> None:
    paths = [line.partition(b'"GET /')[2].split(b" ")[0] for line in lines]
    assert sorted(paths) == sorted(b"%d" % number for number in range(REQUESTS))  # its threads log as they please


def test_log_to_a_unix_datagram_socket(tmp_path: Path) -> None:
    path = tmp_path / "log"
    config = f"global\n    log {path} len 8192 local0\n{FRONTEND}"
    with running(Listener(url=f"unix-dgram://{path}")) as receiver:
        receiver.start()
        with HAProxyProcess(config) as haproxy:
            for first in range(0, REQUESTS, FEW):
                request(haproxy, first, FEW)
                receiver.wait_for(first + FEW)
            assert_each_once(receiver.journal.lines)
    assert set(receiver.journal.senders) == {(0, str(path))}


@pytest.mark.parametrize("log_format", ["rfc5424", "rfc3164", "raw"])
@pytest.mark.parametrize("protocol", ["octet-count", "legacy"])
def test_log_to_a_ring_that_forwards_over_tcp(protocol: str, log_format: str) -> None:
    with running(Listener(url="tcp://127.0.0.1:0")) as receiver:
        receiver.start()
        config = f"global\n    log ring@shipper len 1000 local0\n{RING % (log_format, protocol)}{FRONTEND}"
        with HAProxyProcess(config, environment={"SHIPPER_PORT": str(receiver.port())}) as haproxy:
            request(haproxy, 0, REQUESTS)
            assert_each_once(receiver.wait_for(REQUESTS))
    assert set(receiver.journal.senders) == {(0, "127.0.0.1")}
    assert receiver.journal.cut == []
