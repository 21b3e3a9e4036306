"""`shipper status`, asked of a status that the test holds in its hand."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shipper.cli._status_page import span
from shipper.service import Expected, StatusServer
from tests.cli.commands import SHIPPER, clean_environment, shipper
from tests.service.statuses import FINE, NOON, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StatusServer]:
    server = StatusServer(tmp_path)
    server.start()
    server.publish(FINE)
    yield server
    server.close()


def test_when_all_is_well_the_page_says_so_and_the_exit_code_is_0(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(taken_at=NOON + timedelta(hours=26)))
    done = shipper("status", "--state-dir", tmp_path)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "Every line is accounted for." in text
    assert "process 4711, up 1 d 2 h" in text
    assert "!" not in text
    assert "the oldest for 0.2 s, 2 of them parked" in text
    assert "192.0.2.7/32, at least every 1 min: it sends" in text


def test_what_needs_attention_is_said_in_words_and_is_exit_code_1(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(reachable=False, held={"haproxy-2026.11.21": "\x1b[31mno [bold]template"}, indexed=80))
    done = shipper("status", "--state-dir", tmp_path)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert "! index haproxy-2026.11.21 is held: \\x1b[31mno [bold]template" in text
    assert "! Elasticsearch does not answer" in text
    assert "! the counters do not add up, by 10 lines" in text
    assert "Every line is accounted for" not in text


def test_an_elasticsearch_that_was_not_asked_is_not_said_to_answer(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(lag_s=None, unsettled_bytes=0))
    assert "not asked in the last minute" in shipper("status", "--state-dir", tmp_path).stdout.decode()


def test_an_elasticsearch_that_was_never_asked_is_said_so(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(lag_s=None, unsettled_bytes=0, reachable=None))
    done = shipper("status", "--state-dir", tmp_path)
    assert (done.returncode, b"not asked yet" in done.stdout) == (0, True)


def test_a_network_that_has_not_sent_yet_is_not_said_to_send(server: StatusServer, tmp_path: Path) -> None:
    expected = Expected(network="192.0.2.7/32", silent_after_s=60.0, last_seen=None, silent=False)
    server.publish(status(expected=(expected,)))
    assert "at least every 1 min: nothing yet" in shipper("status", "--state-dir", tmp_path).stdout.decode()


def test_a_journal_that_is_still_being_counted_is_no_reason_for_alarm(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(counted=False, pending=0))
    done = shipper("status", "--state-dir", tmp_path)
    assert done.returncode == 0
    assert b"The journal is being counted" in done.stdout


def test_of_very_many_senders_the_page_shows_the_most_recent(server: StatusServer, tmp_path: Path) -> None:
    senders = tuple(FINE.senders[0].model_copy(update={"address": f"192.0.2.{n}", "off_by_s": 5400}) for n in range(30))
    server.publish(status(senders=senders, lines_of_other_senders=12))
    text = shipper("status", "--state-dir", tmp_path).stdout.decode()
    assert "192.0.2.19 " in text
    assert "192.0.2.20 " not in text
    assert "UTC, off by +1.5 h" in text
    assert "10 more senders" in text
    assert "12 lines of senders beyond these" in text


def test_as_json_it_is_one_object_with_what_it_comes_to(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(reachable=False, failure="status 503"))
    done = shipper("status", "--json", "--state-dir", tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["attention"] == ["Elasticsearch does not answer, and lines wait in the journal: status 503"]
    assert told["unexplained"] == 0
    assert told["senders"][0]["address"] == "192.0.2.7"
    assert {key for key in told if key not in {"attention", "unexplained"}} == set(type(FINE).model_fields)


def test_before_anything_was_asked_nothing_is_known_of_elasticsearch_and_nothing_is_wrong(
    server: StatusServer, tmp_path: Path
) -> None:
    server.publish(status(reachable=None))
    done = shipper("status", "--json", "--state-dir", tmp_path)
    told = json.loads(done.stdout)
    assert (told["reachable"], told["attention"], done.returncode) == (None, [], 0)


def test_the_state_folder_comes_from_the_configuration_as_well(server: StatusServer, tmp_path: Path) -> None:
    assert server is not None
    assert shipper("status", SHIPPER_STATE_DIR=str(tmp_path)).returncode == 0


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_where_no_shipper_runs_that_is_said_and_is_exit_code_1(tmp_path: Path, flags: tuple[str, ...]) -> None:
    done = shipper("status", "--state-dir", tmp_path, *flags)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"shipper: no shipper runs in the state folder" in done.stderr


def test_watching_goes_on_while_shipper_is_stopped_and_started_again(tmp_path: Path) -> None:
    watching = subprocess.Popen(
        [SHIPPER, "status", "--watch", "--json", "--state-dir", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert watching.stdout is not None
    assert "no shipper runs" in json.loads(watching.stdout.readline())["error"]
    server = StatusServer(tmp_path)
    server.start()
    server.publish(FINE)
    while "error" in (told := json.loads(watching.stdout.readline())):
        pass
    assert told["indexed"] == FINE.indexed
    server.close()
    while "error" not in json.loads(watching.stdout.readline()):
        pass
    watching.send_signal(2)
    assert watching.wait(5) == 0
    watching.stdout.close()


def test_whoever_watches_through_a_pipe_may_leave(server: StatusServer, tmp_path: Path) -> None:
    assert server is not None
    read, write = os.pipe()
    watching = subprocess.Popen(
        [SHIPPER, "status", "--watch", "--state-dir", tmp_path], stdout=write, env=clean_environment()
    )
    os.close(write)
    assert os.read(read, 7) == b"shipper"
    os.close(read)
    assert watching.wait(10) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0 s"), (0.26, "0.3 s"), (42.7, "43 s"), (60, "1 min"), (3725, "1 h 2 min"), (200_000, "2 d 7 h")],
)
def test_a_time_is_said_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_on_a_terminal_the_page_is_kept_up_to_date_until_q(server: StatusServer, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    watching = subprocess.Popen(
        [SHIPPER, "status", "--watch", "--state-dir", tmp_path],
        stdin=theirs,
        stdout=theirs,
        env=clean_environment() | {"TERM": "xterm", "LINES": "40"},
    )
    os.close(theirs)
    _read_until(ours, b"is accounted for")
    server.publish(status(reachable=False))
    _read_until(ours, b"does not answer")
    os.write(ours, b"q")
    while watching.poll() is None:  # the terminal has to be read while it is restored
        _read_until(ours, b"")
    assert watching.returncode == 0
    os.close(ours)


def _read_until(terminal: int, words: bytes) -> None:
    """Read what comes to a terminal until it holds ``words``; it ends when nobody has it open any more."""
    seen = b""
    with suppress(OSError):
        while words not in (seen := seen + os.read(terminal, 65536)):
            pass
