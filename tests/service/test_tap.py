"""Documents that go by, on their socket."""

from __future__ import annotations

import socket
import stat
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.limits import TAP_BODIES_WAITING_MAX, TAP_LISTENERS_MAX
from shipper.service import NoTapError, Tapped, TapServer, tap
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Body:
    """A bulk body of so many documents of so many bytes."""

    first: int = 0
    count: int = 2
    size: int = 20
    index: str = "haproxy-2026.11.21"

    @property
    def content(self) -> bytes:
        return b"".join(
            b'{"create":{"_id":"%d"}}\n%s\n' % (n, document) for n, document in enumerate(self.documents, self.first)
        )

    @property
    def documents(self) -> tuple[bytes, ...]:
        return tuple(b'{"n":%0*d}' % (self.size, n) for n in range(self.first, self.first + self.count))

    def __len__(self) -> int:
        return self.count


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TapServer]:
    server = TapServer(tmp_path)
    server.start()
    yield server
    server.close()


def watched(server: TapServer, count: int = 1) -> None:
    until(lambda: len(server._watchers) == count, f"{count} watch")


def test_whoever_watches_gets_each_document_from_then_on(server: TapServer, tmp_path: Path) -> None:
    server.offer([Body()])
    seen: list[bytes] = []

    def watch() -> None:
        for tapped in islice(tap(tmp_path), 2):
            assert (tapped.index, tapped.missed) == ("haproxy-2026.11.21", 0)
            seen.extend(tapped.documents)

    watching = threading.Thread(target=watch)
    watching.start()
    watched(server)
    bodies = [Body(10), Body(20, 3)]
    server.offer(bodies)
    watching.join(5)
    assert tuple(seen) == bodies[0].documents + bodies[1].documents


def test_whoever_watches_goes_on_when_nothing_has_come_for_a_while(
    monkeypatch: pytest.MonkeyPatch, server: TapServer, tmp_path: Path
) -> None:
    for bound in ("IDLE_S", "TAP_SEND_S_MAX"):
        monkeypatch.setattr(f"shipper.service._tap.{bound}", 0.05)
    with closing(tap(tmp_path)) as watching:
        seen: list[Tapped] = []
        waiting = threading.Thread(target=lambda: seen.append(next(watching)))
        waiting.start()
        watched(server)
        time.sleep(0.5)
        watched(server)
        server.offer([Body()])
        waiting.join(5)
    assert [tapped.documents for tapped in seen] == [Body().documents]


def test_one_who_does_not_read_keeps_nobody_waiting_and_is_told_what_was_missed(
    server: TapServer, tmp_path: Path
) -> None:
    large = Body(size=2**20)
    with closing(tap(tmp_path)) as watching:
        lazy = threading.Thread(target=lambda: next(watching))
        lazy.start()
        watched(server)
        server.offer([Body()])
        lazy.join(5)
        for _ in range(TAP_BODIES_WAITING_MAX + 10):
            server.offer([large])
        seen = [next(watching) for _ in range(TAP_BODIES_WAITING_MAX)]
    missed = sum(tapped.missed for tapped in seen)
    assert 2 * 10 - 2 <= missed <= 2 * 10


def test_who_has_left_is_forgotten(server: TapServer, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as watching:
        watching.connect(str(tmp_path / "tap.sock"))
        watched(server)
    watched(server, 0)


def test_a_few_may_watch_and_others_are_told_so(server: TapServer, tmp_path: Path) -> None:
    several = [socket.socket(socket.AF_UNIX) for _ in range(TAP_LISTENERS_MAX)]
    for each in several:
        each.connect(str(tmp_path / "tap.sock"))
    watched(server, TAP_LISTENERS_MAX)
    with pytest.raises(NoTapError, match="4 others watch already"):
        next(tap(tmp_path))
    for each in several:
        each.close()


def test_only_its_own_user_may_watch(server: TapServer, tmp_path: Path) -> None:
    assert server is not None
    assert stat.S_IMODE((tmp_path / "tap.sock").stat().st_mode) == 0o600


def test_the_end_of_the_shipper_is_the_end_of_what_is_watched(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "tap.sock"))
        listening.listen()
        ends: list[int] = []
        watching = threading.Thread(target=lambda: ends.append(len(list(tap(tmp_path)))))
        watching.start()
        connection, _ = listening.accept()
        connection.sendall(b'{"index": "i", "documents": 1, "bytes": 1000, "missed": 0}\n{"create"')
        connection.close()
        watching.join(5)
    assert ends == [0]


def test_where_no_shipper_runs_that_is_what_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoTapError, match="no shipper runs in the state folder"):
        next(tap(tmp_path))


def test_without_a_socket_it_runs_all_the_same_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "tap.sock").mkdir()
    with capture_logs() as logs:
        server = TapServer(tmp_path)
        server.start()
        server.offer([Body()])
        server.close()
    assert [log["event"] for log in logs] == ["tap_not_served"]
