"""The watch over connections, on pairs of sockets; what the client makes of it is in test_elastic.py."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shipper.http_deadline import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S = 3.0
"""Longer than any test waits for a deadline that is met."""
SOON_S = 0.05


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give one that may be watched, and its peer."""
    watched, peer = socket.socketpair()
    with watched, peer:
        peer.settimeout(LONG_S / 2)
        yield watched, peer


def is_shut(peer: socket.socket) -> bool:
    """Wait for the end of what the other side may send; say whether it came."""
    try:
        return peer.recv(1) == b""
    except TimeoutError:
        return False


def is_open(peer: socket.socket) -> bool:
    """Say whether the other side may send yet."""
    return not select.select([peer], [], [], 0)[0]


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "deadlines"]


def test_what_is_late_is_shut_down_and_known_to_be() -> None:
    with connection() as (watched, peer):
        deadline = Watch().set(watched, SOON_S)
        assert is_shut(peer)
        assert deadline.is_over


def test_what_was_called_off_is_left_alone() -> None:
    watch = Watch()
    with connection() as (watched, peer), connection() as (late, peer_of_late):
        deadline = watch.set(watched, SOON_S)
        watch.call_off(deadline)
        watch.set(late, 2 * SOON_S)
        assert is_shut(peer_of_late)
        assert is_open(peer)
        assert not deadline.is_over


def test_a_short_deadline_behind_a_long_one_is_met_in_time() -> None:
    watch = Watch()
    with connection() as (patient, peer_of_patient), connection() as (hasty, peer):
        long = watch.set(patient, LONG_S)
        time.sleep(SOON_S)  # so that the watch sleeps for the long one
        watch.set(hasty, SOON_S)
        assert is_shut(peer)
        assert not long.is_over
        watch.call_off(long)
        assert is_open(peer_of_patient)


def test_a_watch_with_nothing_left_ends_and_begins_anew() -> None:
    watch, others = Watch(), set(watching())
    for _ in range(2):
        with connection() as (watched, peer):
            watch.set(watched, SOON_S)
            (thread,) = set(watching()) - others
            assert is_shut(peer)
            thread.join(LONG_S)
            assert not thread.is_alive()


def test_a_watch_that_could_not_begin_is_an_error_and_begins_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    watch = Watch()
    with connection() as (first, peer_of_first), connection() as (second, peer):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(OSError, match="can't start new thread"):
                watch.set(first, SOON_S)
        watch.set(second, 2 * SOON_S)
        assert is_shut(peer)
        assert is_open(peer_of_first)
