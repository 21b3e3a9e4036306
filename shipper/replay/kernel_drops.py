"""What the kernel dropped in front of a receiver on this machine, whoever that is: the counter of its UDP sockets."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.replay.senders import Target

TABLES: Final = (Path("/proc/net/udp"), Path("/proc/net/udp6"))


def drops_at(target: Target) -> int | None:
    """Count the datagrams dropped so far by the sockets on the target's port; None where they are not ours to see."""
    if target.scheme != "udp" or not _is_here(target):
        return None
    found = [known.drops for known in udp_sockets() if known.port == target.port]
    return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class UdpSocket:
    """A UDP socket of this machine, as the kernel sees it."""

    port: int
    waiting_bytes: int
    """In its receive buffer now, with the kernel's bookkeeping."""
    drops: int
    """Datagrams that did not fit, since it was opened."""


def udp_sockets() -> list[UdpSocket]:
    """Give all of them."""
    return [found for table in TABLES for found in _read(table)]


def _is_here(target: Target) -> bool:
    """Tell whether the address is one of this machine's: only those can be bound."""
    family, address = target.address
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address[0], 0))
        return True
    return False


def _read(table: Path) -> list[UdpSocket]:
    """Read each socket; address, queues and drops stand in the second, the fifth and the last column."""
    try:
        rows = [row.split() for row in table.read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return []
    return [
        UdpSocket(int(row[1].rpartition(":")[2], 16), int(row[4].rpartition(":")[2], 16), int(row[-1])) for row in rows
    ]
