"""`shipper top` beside a shipper that runs, with an Elasticsearch that is away."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.commands import LINE, SHIPPER, clean_environment, shipper
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_ELASTICSEARCH = "http://127.0.0.1:9"
FAILED = LINE.replace(b"200 1894 - - ----", b"504 1894 - - sH--").replace(b"37/41", b"-1/2001")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ShipperProcess]:
    with ShipperProcess(tmp_path, NO_ELASTICSEARCH, "haproxy", shutdown_timeout_s=0.2) as process:
        yield process


def send(process: ShipperProcess, *lines: bytes) -> None:
    """Send lines, and wait until they are in the journal."""
    before = process.journaled()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for line in lines:
            sender.sendto(line.rstrip(b"\n"), ("127.0.0.1", process.port))
    until(lambda: process.journaled() == before + len(lines), "the lines are journaled")


def of(process: ShipperProcess, *arguments: str) -> list[str | Path]:
    return ["top", "--config", process.file, "--interval", "1s", *arguments]


def test_a_view_for_programs_counts_what_came(running: ShipperProcess) -> None:
    send(running, *[LINE] * 8, FAILED, FAILED, b"Server shop/shop-1 is DOWN.", b"what is this")
    done = shipper(*of(running, "--once", "--json", "--phase", "all", "--percents", "50,99"))
    assert (done.returncode, done.stderr) == (0, b"")
    view = json.loads(done.stdout)
    assert (view["running"], view["lines"], view["lines_read"], view["unparsed"]) == (True, 12, 12, 1)
    [row] = view["rows"]
    assert row["group"] == {"backend": "shop", "server": "shop-1"}
    assert (row["requests"], row["errors"], row["abnormal"], row["failed"]) == (10, 2, 2, 2)
    assert row["terminations"] == {"sH--": 2}
    assert row["phases"]["total"] == {"population": 10, "50": 41, "99": 2001, "max": 2001}
    assert row["phases"]["response"] == {"population": 8, "50": 37, "99": 37, "max": 37}
    assert view["whole"]["rate"] == pytest.approx(10 / view["seconds"], rel=0.01)
    assert [event["message"] for event in view["events"]] == ["Server shop/shop-1 is DOWN."]


def test_a_view_for_people_is_a_plain_table_in_a_pipe(running: ShipperProcess) -> None:
    send(running, *[LINE] * 3, FAILED, b"Server shop/shop-1 is \x1b[31mDOWN.")
    text = shipper(*of(running, "--once", "--filter", "backend:shop")).stdout.decode()
    assert "abnormal: sH-- 1" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("shop "))
    assert row[:2] == ["shop", "shop-1"]
    assert row[3:] == ["25.0%", "25.0%", "4", "41", "41", "2,001", "2,001", "2,001"]
    assert "\x1b" not in text


def test_filters_and_groups_are_those_asked_for(running: ShipperProcess) -> None:
    send(running, LINE, FAILED)
    done = shipper(*of(running, "--once", "--json", "--by", "path,status", "--filter", "status:5xx"))
    rows = json.loads(done.stdout)["rows"]
    assert [(row["group"], row["requests"]) for row in rows] == [({"path": "/cart/*", "status": 504}, 1)]


def test_it_goes_on_when_the_shipper_is_killed_and_started_again(running: ShipperProcess) -> None:
    with subprocess.Popen(
        [SHIPPER, *of(running, "--json")], stdout=subprocess.PIPE, env=clean_environment(), text=True
    ) as top:
        assert top.stdout is not None

        def view() -> dict[str, Any]:
            assert top.stdout is not None
            return dict(json.loads(top.stdout.readline()))

        assert view()["running"]
        send(running, LINE)
        running.kill()
        until(lambda: not view()["running"], "it says that there is no shipper")
        running.start()
        send(running, LINE)
        until(lambda: view()["lines"] == 2, "it sees the line of the second life")
        top.send_signal(signal.SIGINT)
        assert top.wait(10) == 0


def test_on_a_terminal_it_sorts_and_quits_by_keys(running: ShipperProcess) -> None:
    send(running, LINE, FAILED)
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen([SHIPPER, *of(running)], stdin=theirs, stdout=theirs, env=_environment()) as top:
        assert b"shop-1" in _until(terminal, b"sort (by requests)")
        os.write(terminal, b"s")
        _until(terminal, b"sort (by failed)")
        os.write(terminal, b"q")
        _until(terminal, b"\x1b[?1049l")
        assert top.wait(10) == 0
    os.close(terminal)
    os.close(theirs)


def _environment() -> dict[str, str]:
    return {name: value for name, value in clean_environment().items() if name not in {"NO_COLOR", "COLUMNS"}} | {
        "TERM": "xterm"
    }


def _until(terminal: int, expected: bytes) -> bytes:
    shown, end = b"", time.monotonic() + 20
    while expected not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 65_536)
    return shown


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["--state-dir", "/nowhere"], 1, b"state folder /nowhere: there is none"),
        (["--by", "colour"], 2, b"--by colour: one of frontend, backend"),
        (["--phase", "lunch"], 2, b"--phase lunch: one of request, queue"),
        (["--filter", "status"], 2, b"filter status: NAME:VALUE is expected"),
        (["--percents", "0"], 2, b"percents 0"),
        (["--interval", "soon"], 2, b"--interval soon: a time from 1s to 60m is expected"),
        (["--window", "2h"], 2, b"--window 2h"),
    ],
)
def test_what_cannot_be_shown_is_said_with_what_to_do(arguments: list[str], code: int, what: bytes) -> None:
    done = shipper("top", *arguments)
    assert done.returncode == code
    assert what in done.stderr
