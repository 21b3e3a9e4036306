"""Who sent a line, or where it stood."""

from __future__ import annotations

import pytest

from shipper.haproxy.syslog import read_header
from shipper.haproxy.understand import surroundings

NAMELESS = b"<134>haproxy[7]: "
NAMED = b"<134>Nov 21 07:00:00 edge-1 haproxy[7]: "


@pytest.mark.parametrize(
    ("header", "sender", "expected"),
    [
        (NAMELESS, "192.0.2.1", {"log_source_address": "192.0.2.1", "observer_name": "192.0.2.1"}),
        (NAMED, "192.0.2.1", {"log_source_address": "192.0.2.1", "observer_name": "edge-1"}),
        (NAMELESS, "/run/shipper/log", {"log_source_address": "/run/shipper/log"}),
        (NAMELESS, "file:///var/log/haproxy.log", {"log_file_path": "/var/log/haproxy.log"}),
        (NAMED, "file:///var/log/a b.log", {"log_file_path": "/var/log/a b.log", "observer_name": "edge-1"}),
        (NAMELESS, "", {}),
    ],
)
def test_the_sender_is_an_address_a_socket_or_a_file(header: bytes, sender: str, expected: dict[str, str]) -> None:
    found = surroundings(read_header(header).identity, sender)
    names = {"log_source_address", "log_file_path", "observer_name"}
    assert {name: value for name, value in found.items() if name in names} == expected
