"""Datagrams: UDP and unix sockets. Each holds a line, or several.

1. A buffer of LINE_BYTES_MAX holds any UDP datagram, so none is ever cut. A unix datagram may be longer: it is cut.
2. UDP drops are the socket's own counter (SO_MEMINFO, since Linux 4.12: the number that SO_RXQ_OVFL and /proc/net/udp
   show as well). What of it has been reported stands in memory that outlives a receiver, so that the next one counts
   what was dropped while none ran.
3. A unix datagram socket holds net.unix.max_dgram_qlen datagrams, ten by default, and HAProxy drops what does not fit.
   So it is read at once.
"""

from __future__ import annotations

import mmap
import socket
import struct
from typing import TYPE_CHECKING, Final

from shipper.limits import (
    KIB,
    LINE_BYTES_MAX,
    RECEIVE_BATCH_LINES,
    RECEIVE_BUFFER_BYTES,
    RECEIVE_BUSY_DATAGRAMS,
    RECEIVE_LINGER_S_MAX,
    RECEIVE_LINGER_S_MIN,
)
from shipper.receive._source import Ordinary, WhenFull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.receive._allowed import Allowed
    from shipper.receive._gathering import Flush, Gathering
    from shipper.receive._source import Bookmarks
    from shipper.receive._unix_path import UnixPath

_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
_MEMINFO_DROPS: Final = 8
_COUNT: Final = struct.Struct("=I")
DROPS_BYTES: Final = _COUNT.size
"""Of the memory of what was reported."""


class DropCount:
    """Datagrams that the kernel dropped at one socket and that are not reported yet; shared with forked children.

    ``reported`` is the memory of a socket that is older than we are.
    """

    def __init__(self, bound: socket.socket, reported: mmap.mmap | None = None) -> None:
        self._socket = bound
        self._reported = mmap.mmap(-1, DROPS_BYTES) if reported is None else reported

    def take(self) -> int:
        """Give the drops since the last call in whichever process, and take them as reported."""
        meminfo = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        dropped = _MEMINFO.unpack(meminfo)[_MEMINFO_DROPS]
        (reported,) = _COUNT.unpack_from(self._reported)
        _COUNT.pack_into(self._reported, 0, dropped)
        return int(dropped - reported) % (1 << 32)  # the kernel's counter has 32 bits


class UdpSource(Ordinary):
    """A bound UDP socket."""

    when_full = WhenFull.DROP

    def __init__(self, number: int, bound: socket.socket, allowed: Allowed, reported: mmap.mmap | None = None) -> None:
        self.number = number
        self.socket = bound
        self._allowed = allowed
        self._drops = DropCount(bound, reported)

    @property
    def port(self) -> int:
        """The port, also where the kernel chose it."""
        return int(self.socket.getsockname()[1])

    @property
    def granted_bytes(self) -> int:
        """The receive buffer that the kernel gave; it doubles the number for its bookkeeping."""
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    @property
    def linger_s(self) -> float:
        """The longer, the more the buffer holds."""
        longest_s = RECEIVE_LINGER_S_MAX * self.granted_bytes / RECEIVE_BUFFER_BYTES
        return min(max(longest_s, RECEIVE_LINGER_S_MIN), RECEIVE_LINGER_S_MAX)

    @property
    def busy_from(self) -> int:
        """As many as fill an eighth of the buffer, in which a usual line takes a kilobyte."""
        return min(max(self.granted_bytes // (8 * KIB), RECEIVE_BUSY_DATAGRAMS), RECEIVE_BATCH_LINES)

    def begin(self, bookmarks: Bookmarks) -> int:  # noqa: ARG002 -- for files
        """Give the socket."""
        return self.socket.fileno()

    def read(self, gathering: Gathering, flush: Flush) -> int:
        """Gather datagrams until there are none, or a batch is full."""
        return gathering.read(self.socket, self.number, self._allowed, flush)

    def allow(self, networks: Sequence[str]) -> None:
        """Let these be the ones that may send."""
        self._allowed.change(networks)

    def kernel_drops(self) -> int:
        """Give the drops that are not reported yet."""
        return self._drops.take()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


class UnixDatagrams(Ordinary):
    """A bound unix datagram socket; its path stands for the sender, who has no name."""

    when_full = WhenFull.DROP

    def __init__(self, number: int, bound: socket.socket, path: UnixPath) -> None:
        self.number = number
        self.socket = bound
        self._path = path

    @property
    def linger_s(self) -> float:
        """Wait for none."""
        return 0.0

    def begin(self, bookmarks: Bookmarks) -> int:  # noqa: ARG002 -- for files
        """Give the socket."""
        return self.socket.fileno()

    def read(self, gathering: Gathering, flush: Flush) -> int:
        """Gather datagrams until there are none, or a batch is full."""
        taken = 0
        try:
            while taken < RECEIVE_BATCH_LINES:
                datagram = self.socket.recv(LINE_BYTES_MAX + 1)
                taken += 1
                cut = len(datagram) > LINE_BYTES_MAX
                add = gathering.add_cut if cut else gathering.add
                if add(datagram[:LINE_BYTES_MAX], self.number, self._path.name):
                    flush()
        except BlockingIOError:
            pass
        return taken

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def remove(self) -> None:
        """Close the socket, and take its file away."""
        self.close()
        self._path.unlink()
