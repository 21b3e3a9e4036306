"""A service manager as far as sockets go: it opens them, keeps them, and passes them on as sd_listen_fds(3) says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from tests.shipper_process import ShipperProcess

_LAUNCH: Final = """
import os, sys
fds = [os.dup(int(fd)) for fd in sys.argv[1].split(",")]  # away from where they are going to
kept = [os.dup2(fd, 100 + number) for number, fd in enumerate(fds)]
for number, fd in enumerate(kept):
    os.dup2(fd, 3 + number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(fds))}
os.execv(sys.argv[2], sys.argv[2:])
"""


def passes(sockets: list[socket.socket], shipper: ShipperProcess) -> None:
    """Have each life of ``shipper`` begin with these sockets."""
    fds = tuple(each.fileno() for each in sockets)
    shipper.command = (sys.executable, "-c", _LAUNCH, ",".join(map(str, fds)), *shipper.command)
    shipper.pass_fds = fds
