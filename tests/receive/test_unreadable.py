"""Followed files that cannot be read: the others, and the other listeners, are none the worse."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.limits import FILE_QUIET_S
from tests.receive.looking import Following, append
from tests.receive.running import running, wait_until

pread = os.pread


class Disk:
    """Fails to read one file from ``bad_from`` on."""

    def __init__(self, file: Path) -> None:
        self.bad_from: int | None = None
        self._inode = file.stat().st_ino

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        if self.bad_from is not None and offset >= self.bad_from and os.fstat(fd).st_ino == self._inode:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(fd, size, offset)


@pytest.fixture
def disk(log: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    log.write_bytes(b"one\n")
    disk = Disk(log)
    monkeypatch.setattr(os, "pread", disk.pread)
    return disk


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_that_cannot_be_read_takes_no_other_listener_with_it() -> None:
    listeners = Listener(url="udp://127.0.0.1:0"), Listener(url="file:///proc/self/mem")
    with capture_logs() as events, running(*listeners) as receiver:
        receiver.start()
        wait_until(lambda: "file_not_read" in [event["event"] for event in events])
        receiver.send(b"datagram")
        assert receiver.wait_for(1) == [b"datagram"]


def test_a_file_whose_first_line_cannot_be_read_is_tried_again_and_leaves_nothing_open(log: Path, disk: Disk) -> None:
    following = Following(log)
    before = descriptors()
    disk.bad_from = 0
    with capture_logs() as events:
        for _ in range(3):
            assert following.look() == []
        assert descriptors() == before
        disk.bad_from = None
        assert following.look() == [b"one"]
    assert [event["event"] for event in events] == ["file_not_read", "file_read_again"]


def test_a_file_that_cannot_be_read_on_is_tried_again_beside_the_others_and_said_once(log: Path, disk: Disk) -> None:
    other = log.with_name("other.log")
    other.touch()
    following = Following(log.with_name("*.log"))
    following.look()
    disk.bad_from = 4
    append(log, b"two\n")
    with capture_logs() as events:
        for _ in range(3):
            append(other, b"other\n")
            following.look()
        assert following.journal.lines == [b"one", b"other", b"other", b"other"]
        disk.bad_from = None
        assert following.look()[4:] == [b"two"]
    assert [event["event"] for event in events] == ["file_not_read", "file_read_again"]


def test_a_rest_that_cannot_be_read_is_taken_later(log: Path, disk: Disk) -> None:
    append(log, b"rest")
    following = Following(log)
    following.look()
    log.rename(log.with_name("haproxy.log.1"))
    following.look()
    disk.bad_from = 4
    assert following.look(later_s=FILE_QUIET_S) == [b"one"]
    disk.bad_from = None
    following.look()
    assert following.look(later_s=FILE_QUIET_S) == [b"one", b"rest"]
