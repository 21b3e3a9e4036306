"""Single keys from the terminal, while something is shown there."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def pressed_keys() -> Iterator[Callable[[float], str]]:
    """Give what waits for a key for so many seconds: the key, or nothing. Where no terminal is, it only waits."""
    if not sys.stdin.isatty():
        yield _only_wait
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield lambda seconds: os.read(fd, 1).decode("ascii", "replace") if _is_there(fd, seconds) else ""
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _is_there(fd: int, seconds: float) -> bool:
    return bool(select.select([fd], [], [], seconds)[0])


def _only_wait(seconds: float) -> str:
    time.sleep(seconds)
    return ""
