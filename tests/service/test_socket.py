"""The status on its socket."""

from __future__ import annotations

import os
import socket
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.service import NoStatusError, StatusServer, fetch
from tests.service.statuses import FINE, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StatusServer]:
    server = StatusServer(tmp_path)
    server.start()
    yield server
    server.close()


def test_whoever_asks_gets_what_was_published_last(server: StatusServer, tmp_path: Path) -> None:
    server.publish(FINE)
    assert fetch(tmp_path) == FINE
    server.publish(status(indexed=91))
    assert fetch(tmp_path).indexed == 91


def test_only_its_own_user_may_ask(server: StatusServer, tmp_path: Path) -> None:
    server.publish(FINE)
    assert stat.S_IMODE((tmp_path / "status.sock").stat().st_mode) == 0o600


def test_one_who_does_not_read_keeps_nobody_else_waiting_for_long(server: StatusServer, tmp_path: Path) -> None:
    senders = tuple(FINE.senders[0].model_copy(update={"address": f"192.0.2.{n}"}) for n in range(4000))
    server.publish(status(senders=senders))
    with socket.socket(socket.AF_UNIX) as lazy:
        lazy.connect(str(tmp_path / "status.sock"))
        assert len(fetch(tmp_path, timeout_s=8.0).senders) == 4000


def test_a_shipper_that_has_nothing_to_say_yet_is_said_not_to_answer(server: StatusServer, tmp_path: Path) -> None:
    assert server is not None
    with pytest.raises(NoStatusError, match="does not answer"):
        fetch(tmp_path, timeout_s=0.2)


def test_where_no_shipper_runs_that_is_what_is_said(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoStatusError, match="no shipper runs in the state folder"):
            fetch(folder)


def test_a_socket_that_a_killed_shipper_left_is_nobody_and_the_next_one_replaces_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "status.sock"))
    with pytest.raises(NoStatusError, match="no shipper runs"):
        fetch(tmp_path)
    server = StatusServer(tmp_path)
    server.start()
    server.publish(FINE)
    assert fetch(tmp_path) == FINE
    server.close()
    assert not (tmp_path / "status.sock").exists()


def test_a_folder_whose_name_is_too_long_for_a_socket_is_none_to_us(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30) / ("longer" * 20)
    folder.mkdir(parents=True)
    server = StatusServer(folder)
    server.start()
    server.publish(FINE)
    assert fetch(folder) == FINE
    server.close()


def test_without_a_socket_it_runs_all_the_same_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "status.sock").mkdir()
    with capture_logs() as logs:
        server = StatusServer(tmp_path)
        server.start()
        server.publish(FINE)
        server.close()
    assert [log["event"] for log in logs] == ["status_not_served"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may ask everybody")
def test_who_may_not_ask_is_told_as_whom_to(server: StatusServer, tmp_path: Path) -> None:
    server.publish(FINE)
    (tmp_path / "status.sock").chmod(0o000)
    with pytest.raises(NoStatusError, match="ask as the user of shipper"):
        fetch(tmp_path)


def test_a_shipper_that_has_said_nothing_new_for_long_is_said_to_hang(server: StatusServer, tmp_path: Path) -> None:
    server.publish(status(taken_at=datetime.now(UTC) - timedelta(seconds=12)))
    with pytest.raises(NoStatusError, match="has not moved for 12 s: it is stopping, or hangs"):
        fetch(tmp_path)


def test_an_answer_that_is_not_understood_is_said_to_be_so(tmp_path: Path) -> None:
    server = StatusServer(tmp_path)
    server.start()
    server.publish(FINE.model_copy(update={"engine": None}))
    with pytest.raises(NoStatusError, match="does not understand"):
        fetch(tmp_path)
    server.close()
