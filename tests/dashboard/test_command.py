"""`shipper dashboard` as its user runs it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from shipper.dashboard import is_loopback
from shipper.elastic import Client
from shipper.setup import install
from tests.cli.commands import SHIPPER, clean_environment, shipper
from tests.query.lines import captured, index_direct, line, settings, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = "http://127.0.0.1:9"


@contextmanager
def dashboard(
    *arguments: str | Path, listen: str = "http://127.0.0.1:0"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the URL of a dashboard, and its process."""
    command = [SHIPPER, "dashboard", "--listen", listen, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        try:
            assert process.stdout is not None
            said = re.search(r"http://\S+", process.stdout.readline())
            assert said is not None
            yield said[0], process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def get(url: str, host: str | None = None) -> tuple[int, Any]:
    """Give status and JSON."""
    request = urllib.request.Request(url, headers={"host": host} if host else {})  # noqa: S310 -- our own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_it_answers_from_elasticsearch(elasticsearch_url: str, index_prefix: str, tmp_path: Path) -> None:
    config = settings(elasticsearch_url, index_prefix)
    client = Client(config.elasticsearch)
    install(client, config.index)
    index_direct(client, captured(config, write(tmp_path / "a.log", map(line, range(50)))))
    client.request("POST", f"/{index_prefix}-*/_refresh")
    client.close()
    with dashboard("-e", elasticsearch_url, "--index-prefix", index_prefix, "--state-dir", tmp_path) as (url, _):
        status, found = get(f"{url}api/percentiles?from=2026-11-21T05:02:00Z&to=2026-11-21T05:03:00Z")
        assert (status, found["population"], found["whole"]["max"]) == (200, 50, 49)
        _, listed = get(f"{url}api/lines?from=2026-11-21T05:02:00Z&to=2026-11-21T05:03:00Z&limit=1")
        row = listed["rows"][0]
        _, read = get(f"{url}api/line?index={row['index']}&id={row['id']}")
        assert read["reading"]["headline"].startswith("192.0.2.44 port ")
        status, health = get(f"{url}api/health")
        assert (status, health["available"], "no shipper runs" in health["why"]) == (200, False, True)


def test_it_starts_without_elasticsearch_and_says_so_on_the_page() -> None:
    with dashboard("-e", NOBODY) as (url, _):
        status, found = get(f"{url}api/rate")
        assert (status, found["error"]["kind"]) == (503, "unreachable")
        assert NOBODY in found["error"]["what"]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_a_fault(ending: signal.Signals) -> None:
    with dashboard("-e", NOBODY) as (_, process):
        process.send_signal(ending)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = shipper("dashboard", "--listen", f"http://127.0.0.1:{port}", "-e", NOBODY)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use".encode() in done.stderr


def test_an_address_of_another_machine_is_said_to_be_none_of_ours() -> None:
    done = shipper("dashboard", "--listen", "http://192.0.2.1:8899", "-e", NOBODY)
    assert (done.returncode, b"cannot listen on 192.0.2.1" in done.stderr) == (1, True)
    assert b"another dashboard" not in done.stderr


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:8899", "https://127.0.0.1:8899", "http://127.0.0.1", "http://logs:1", ""]
)
def test_what_is_no_address_is_refused_with_what_would_be(listen: str) -> None:
    done = shipper("dashboard", "--listen", listen)
    assert (done.returncode, b"like http://127.0.0.1:8899" in done.stderr) == (2, True)


def test_whoever_shows_it_to_others_is_warned() -> None:
    with dashboard("-e", NOBODY, "--allowed-host", "logs.example", listen="http://0.0.0.0:0") as (url, process):
        local = url.replace("0.0.0.0", "127.0.0.1")
        assert get(f"{local}api/health", host="logs.example")[0] == 200
        assert get(f"{local}api/health", host="evil.example")[0] == 421
        process.terminate()
        assert "dashboard_exposed" in process.communicate(timeout=30)[1]


def test_only_loopback_is_for_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "logs")))
