"""The file of a unix socket: made with its permissions, taken over when nobody listens, taken away at the end.

1. A socket file that a killed shipper left is in nobody's hands: connecting is refused. Only such a file is replaced;
   one at which somebody listens, and anything that is no socket, is an error.
2. What is taken away at the end is the file that was made here, never one that another process put in its place.
3. The permissions hold from the file's first moment on.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

ADDRESS_BYTES_MAX: Final = 107
"""What the kernel takes as the path of a socket."""


class UnixPath:
    """The path of a socket that was bound here, or (not ``ours``) by a service manager, which keeps it."""

    def __init__(self, path: str, *, ours: bool = True) -> None:
        self.name = path
        self._inode = _inode(path) if ours else None

    def unlink(self) -> None:
        """Take the file away, if it is still the one that was made here."""
        with suppress(OSError):
            if self._inode and _inode(self.name) == self._inode:
                Path(self.name).unlink()


def bind_path(bound: socket.socket, path: str, mode: int) -> None:
    """Bind a socket to a path. Raises OSError, EADDRINUSE when somebody listens there."""
    if len(os.fsencode(path)) > ADDRESS_BYTES_MAX:
        raise OSError(errno.ENAMETOOLONG, f"the path of a socket has at most {ADDRESS_BYTES_MAX} bytes")
    if is_stale(path, bound.type):
        Path(path).unlink(missing_ok=True)
    before = os.umask(0o777 & ~mode)
    try:
        bound.bind(path)
    finally:
        os.umask(before)


def is_stale(path: str, kind: int) -> bool:
    """Say whether a socket's file is there and nobody listens. Raises OSError when there is anything else."""
    try:
        found = Path(path).lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "there is a file, and it is no socket")
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except BlockingIOError:  # so many wait that somebody listens
            return False
        except OSError as error:
            if error.errno == errno.EPROTOTYPE:  # somebody listens, with another kind of socket
                return False
            raise
    return False


def _inode(path: str) -> tuple[int, int]:
    found = Path(path).lstat()
    return found.st_dev, found.st_ino
