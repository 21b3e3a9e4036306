from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.journal import ReceiveTally
from tests.receive import running as receivers

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running(size: int = 1 << 22) -> Iterator[receivers.Running]:
    """Receive with one IPv4 and one IPv6 listener."""
    urls = ("udp://127.0.0.1:0", "udp://[::1]:0")
    with receivers.running(*(Listener(url=url, receive_buffer_bytes=size) for url in urls)) as receiver:
        yield receiver


def test_lines_of_all_listeners_reach_the_journal_with_their_senders() -> None:
    with running() as receiver:
        receiver.start()
        receiver.send(b"<134>four\n")
        receiver.wait_for(1)
        receiver.send(b"<134>six\n", listener=1)
        receiver.wait_for(2)
        receiver.stop()
    assert receiver.journal.senders == [(0, "127.0.0.1"), (1, "::1")]
    assert receiver.journal.closed


def test_a_stop_reads_what_the_kernel_still_holds() -> None:
    with running() as receiver:
        receiver.send(*(b"%d" % number for number in range(3000)))
        receiver.send(*(b"%d" % number for number in range(100)), listener=1)
        receiver.ask_to_stop()
        receiver.start()
        receiver.join()
    assert len(receiver.journal.lines) == 3100
    assert receiver.journal.lines[:1000] == [b"%d" % number for number in range(1000)]


def test_the_largest_datagram_is_whole() -> None:
    with running() as receiver:
        receiver.start()
        receiver.send(b"x" * 65_507)
        receiver.wait_for(1)
    assert receiver.journal.lines == [b"x" * 65_507]


def test_large_datagrams_are_spread_over_entries_within_the_bound() -> None:
    with running(1 << 25) as receiver:
        receiver.send(*(bytes([65 + number % 26]) * 60_000 for number in range(100)))
        receiver.start()
        receiver.wait_for(100)
    assert all(sum(map(len, draft.lines)) < 2 << 20 for draft in receiver.journal.drafts)


def test_a_full_journal_drops_counts_and_says_so_once_and_so_does_its_end() -> None:
    with capture_logs() as events, running() as receiver:
        receiver.journal.full = True
        receiver.start()
        for _ in range(3):
            receiver.send(b"lost")
            time.sleep(0.05)
        receiver.journal.full = False
        receiver.send(b"kept")
        receiver.wait_for(1)
        receiver.stop()
    assert receiver.journal.tally == ReceiveTally(received=4, dropped_full=3)
    said = [event["event"] for event in events if not event["event"].startswith(("listener", "receive_buffer"))]
    assert said == ["lines_dropped", "journal_took_lines_again"]


def test_counts_are_journaled_within_a_second_without_lines() -> None:
    with running() as receiver:
        receiver.start()
        receiver.send(b"\n", b"")
        deadline = time.monotonic() + 3
        while not receiver.journal.drafts and time.monotonic() < deadline:
            time.sleep(0.01)
        assert receiver.journal.tally == ReceiveTally(received=2, empty=2)


def test_a_flood_of_blank_datagrams_writes_no_more_than_an_entry_a_second() -> None:
    with running() as receiver:
        receiver.start()
        for _ in range(50):
            receiver.send(b"\n")
            time.sleep(0.01)
        receiver.stop()
    assert receiver.journal.tally == ReceiveTally(received=50, empty=50)
    assert len(receiver.journal.drafts) <= 3


def test_what_the_kernel_drops_is_counted() -> None:
    with running(4096) as receiver:
        receiver.send(*(bytes(500) + b"x" for _ in range(300)))
        receiver.start()
        receiver.stop()
    assert len(receiver.journal.lines) + receiver.journal.tally.kernel_drops == 300
    assert receiver.journal.tally.kernel_drops > 0


@pytest.mark.parametrize("pause_s", [0.0, 0.02])
def test_lines_share_entries_while_few_come(pause_s: float) -> None:
    with running() as receiver:
        receiver.start()
        for number in range(50):
            receiver.send(b"%d" % number)
            time.sleep(pause_s / 10)
        receiver.wait_for(50)
    assert len(receiver.journal.drafts) < 50
