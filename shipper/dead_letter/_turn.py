"""Whose turn it is to change the files of dead letters: the folder itself is locked, whichever process asks.

1. A turn is short: a batch appended, or one file written anew. It ends with the process that has it, however that ends.
2. No file is made for it, so whoever looks after the letters as root locks nobody out.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shipper.errors import Retryable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TURN_S: Final = 5.0
"""How long somebody else's turn may last: a file of letters is written anew in less."""
_LOOK_S: Final = 0.01


@contextmanager
def turn(folder: Path) -> Iterator[int]:
    """Have the turn, and the open folder. Raises Retryable when somebody else keeps it for TURN_S, and OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline_s = time.monotonic() + TURN_S
        while not _taken(fd):
            if time.monotonic() >= deadline_s:
                raise Retryable(f"another process keeps the dead letters in {folder} for itself; end it if it hangs")
            time.sleep(_LOOK_S)
        yield fd
    finally:
        os.close(fd)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
