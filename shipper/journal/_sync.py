"""When written bytes are forced to the disk.

1. An interval of 0 syncs in each ``wrote``; None never syncs; any other is kept by a thread, so that the writer never
   waits for the disk.
2. A file handed to ``retire`` is closed here, after its last sync.
3. A sync that fails is said, once until one succeeds; the lines are written all the same.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

_log = structlog.get_logger()


class Syncer:
    """Keeps one sync policy for the files of a writer."""

    def __init__(self, interval_s: float | None) -> None:
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._written: set[int] = set()
        self._retired: set[int] = set()
        self._failing = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if interval_s:
            self._thread = threading.Thread(target=self._keep, name="journal-sync", daemon=True)
            self._thread.start()

    def wrote(self, fd: int) -> None:
        """Take note of bytes written to ``fd``."""
        if self._interval_s == 0:
            self._sync(fd)
        elif self._interval_s is not None:
            with self._lock:
                self._written.add(fd)

    def retire(self, fd: int) -> None:
        """Sync ``fd`` a last time as the policy says, and close it."""
        if self._thread is None:
            os.close(fd)
            return
        with self._lock:
            self._written.add(fd)
            self._retired.add(fd)

    def sync_begun(self, file: int, folder: Path) -> None:
        """Make the beginning of a new file durable, and its name."""
        if self._interval_s is not None:
            self._sync(file)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._sync(fd)
            finally:
                os.close(fd)

    def close(self) -> None:
        """Sync and close what is left, and end the thread."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._round()

    def _keep(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._round()

    def _round(self) -> None:
        with self._lock:
            written, self._written = self._written, set()
            retired, self._retired = self._retired, set()
        for fd in written:
            self._sync(fd)
        for fd in retired:
            os.close(fd)

    def _sync(self, fd: int) -> None:
        try:
            os.fdatasync(fd)
        except OSError as error:
            if not self._failing:
                _log.error("journal_sync_failed", error=str(error))
            self._failing = True
        else:
            self._failing = False
