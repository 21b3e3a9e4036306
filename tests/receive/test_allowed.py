from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.config import Listener
from shipper.limits import SENDERS_REMEMBERED_MAX
from shipper.receive._allowed import Allowed
from tests.receive.running import running, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["192.0.2.0/24", "198.51.100.7"], "198.51.100.7", True),
        (["192.0.2.0/24"], "2001:db8::1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
    ],
)
def test_an_address_is_allowed_when_one_of_the_networks_has_it(
    networks: Sequence[str],
    address: str,
    allowed: bool,  # noqa: FBT001 -- what is expected
) -> None:
    assert (address in Allowed(networks, "udp://x")) == allowed


def test_a_flood_of_addresses_is_refused_and_neither_remembered_nor_said_without_end() -> None:
    allowed = Allowed(["192.0.2.1"], "udp://x")
    with capture_logs() as events:
        for number in range(2 * SENDERS_REMEMBERED_MAX):
            assert f"10.0.{number >> 8}.{number & 255}" not in allowed
    assert "192.0.2.1" in allowed
    assert len(events) == SENDERS_REMEMBERED_MAX
    assert events[0]["event"] == "sender_refused"


def test_datagrams_of_others_are_counted_by_their_lines_and_never_journaled() -> None:
    listeners = [Listener(url="udp://127.0.0.1:0", allow=("192.0.2.0/24",)), Listener(url="udp://[::1]:0")]
    with running(*listeners) as receiver:
        receiver.start()
        receiver.send(b"one", b"two\nthree\n", b"")
        receiver.send(b"of v6", listener=1)
        receiver.wait_for(1)
        wait_until(lambda: receiver.journal.tally.received >= 5)
        assert receiver.journal.lines == [b"of v6"]
        assert receiver.journal.tally.refused_sender == 4
        receiver.journal.assert_adds_up()


def test_a_connection_of_others_is_closed_unread() -> None:
    with running(Listener(url="tcp://127.0.0.1:0", allow=("192.0.2.0/24",))) as receiver:
        receiver.start()
        with socket.create_connection(("127.0.0.1", receiver.port()), 5) as refused:
            assert refused.recv(1) == b""
        assert receiver.journal.lines == []
