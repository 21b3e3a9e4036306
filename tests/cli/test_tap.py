"""`shipper tap` on a shipper that runs; no Elasticsearch is needed, since documents are shown as they are sent off."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.cli.commands import SHIPPER, clean_environment, shipper
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE = (
    "<134>Nov 21 05:02:17 haproxy[8]: 192.0.2.44:5182 [21/Nov/2026:05:02:17.873] www shop/s%d 2/0/1/37/41 %d 1894 - - "
    '---- 12/8/3/1/0 0/0 "GET /cart?token=sesame HTTP/1.1"'
)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ShipperProcess]:
    process = ShipperProcess(tmp_path, "http://127.0.0.1:9", "test", privacy={"parameters": {"token": "drop"}})
    with process:
        until((process.state.root / "tap.sock").exists, "it may be watched")
        yield process


class Tap:
    """A running command, fed with lines until it ends."""

    def __init__(self, running: ShipperProcess, *arguments: str) -> None:
        self.running = running
        command = [str(SHIPPER), "tap", "--state-dir", str(running.state.root), *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), text=True
        )

    def is_connected(self) -> bool:
        return bool(psutil.Process(self.process.pid).net_connections("unix"))

    def feed(self, number: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            text = LINE % (number, 503 if number % 2 else 200)
            sender.sendto(text.encode(), ("127.0.0.1", self.running.port))

    def until_it_ends(self) -> tuple[list[dict[str, Any]], str]:
        end, number = time.monotonic() + 60, 0
        while self.process.poll() is None and time.monotonic() < end:
            self.feed(number := number + 1)
            time.sleep(0.01)
        out, err = self.process.communicate(timeout=5)
        return [json.loads(line) for line in out.splitlines()], err


def test_documents_are_shown_as_they_go_by_without_what_is_hidden(running: ShipperProcess) -> None:
    documents, said = Tap(running, "--count", "3").until_it_ends()
    assert [document["haproxy"]["backend_name"] for document in documents] == ["shop"] * 3
    assert "sesame" not in json.dumps(documents)
    assert "shipper: 3 of " in said


def test_only_what_a_filter_wants_is_shown(running: ShipperProcess) -> None:
    documents, _ = Tap(running, "--filter", "status:5xx", "--count", "3").until_it_ends()
    assert {document["http"]["response"]["status_code"] for document in documents} == {503}


def test_a_sample_of_nothing_shows_nothing_and_ctrl_c_ends_it(running: ShipperProcess) -> None:
    watching = Tap(running, "--sample", "0")
    until(watching.is_connected, "it watches")
    for number in range(100):
        watching.feed(number)
        time.sleep(0.02)
    os.kill(watching.process.pid, signal.SIGINT)
    out, said = watching.process.communicate(timeout=10)
    assert (watching.process.returncode, out) == (0, "")
    assert "shipper: 0 of " in said


def test_it_goes_on_with_a_shipping_process_that_was_started_again(running: ShipperProcess) -> None:
    watching = Tap(running, "--count", "40")
    until(watching.is_connected, "it watches")
    for number in range(20):
        watching.feed(number)
        time.sleep(0.02)
    os.kill(running.child("ship"), signal.SIGKILL)
    documents, _ = watching.until_it_ends()
    assert len(documents) == 40


def test_nobody_to_watch_is_said(tmp_path: Path) -> None:
    done = shipper("tap", "--state-dir", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(b"shipper: no shipper runs in the state folder")
