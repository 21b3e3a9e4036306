"""A replay that is asked to stop (SIGINT, SIGTERM) ends in order; a second signal ends it at once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_OF_SHELLS: Final = 128


class Stopping:
    """Whether a stop was asked for."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._number = 0

    def ask(self, number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask for a stop, with the number of the signal that did so; the next one ends the process."""
        self._number = number
        self._asked.set()
        for each in _SIGNALS if number else ():
            signal.signal(each, signal.SIG_DFL)

    def is_set(self) -> bool:
        """Tell whether a stop was asked for."""
        return self._asked.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Sleep for so long, or until a stop is asked for; tell whether one is."""
        return self._asked.wait(timeout_s) if timeout_s else self._asked.is_set()

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended; 0 when none did."""
        return _OF_SHELLS + self._number if self._number else 0


@contextmanager
def stoppable() -> Iterator[Stopping]:
    """Listen to the signals meanwhile."""
    stopping = Stopping()
    before = {number: signal.signal(number, stopping.ask) for number in _SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
