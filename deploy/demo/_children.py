"""Processes that end with the demo, however it ends.

1. Each is in a session of its own: Ctrl-C reaches the demo alone, which then stops them in order.
2. Each gets SIGTERM from the kernel when the demo is killed.
3. What a process says goes to a file of its own, which is shown when it fails.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_LOG_LINES_SHOWN = 20


class DemoFailed(Exception):  # noqa: N818 -- it says what happened
    """A part of the demo does not work; the message is for people."""


class Child:
    """A process with the name ``name``, whose words go to ``folder``/NAME.log."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._command = command
        self._log = folder / f"{name}.log"
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 -- no thread has been started yet
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(timeout_s=10)

    @property
    def said(self) -> str:
        """All that it has written so far."""
        return self._log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait until ``ready`` holds. Raises DemoFailed when the process ends or takes too long."""
        end = time.monotonic() + timeout_s
        while not ready():
            self.check()
            if time.monotonic() > end:
                raise DemoFailed(f"{self.name} was not ready within {timeout_s:.0f} s:\n{self._last_words()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise DemoFailed when the process is gone."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise DemoFailed(f"{self.name} ended with code {code}:\n{self._last_words()}")

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 60) -> int | None:
        """Ask the process to end, wait, kill it when it takes too long; give its exit code, None if it never ran."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _last_words(self) -> str:
        return "\n".join(self.said.splitlines()[-_LOG_LINES_SHOWN:])


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
