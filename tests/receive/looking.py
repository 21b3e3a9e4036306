"""Followed files without a loop: each life of a ``Following`` goes on from the journal of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from shipper.journal import ReceiveTally
from shipper.receive._engines import new_gathering
from shipper.receive._files import FileSource
from shipper.receive._source import Bookmarks
from tests.receive import running
from tests.receive.running import Memory

if TYPE_CHECKING:
    from pathlib import Path


class Following:
    """A life of a file source, without a loop around it; every look comes a second later."""

    def __init__(
        self, path: Path, journal: Memory | None = None, read_from: Literal["beginning", "end"] = "beginning"
    ) -> None:
        self.journal = journal or Memory()
        self._now_s = 1000.0
        self._gathering = new_gathering(running.ENGINE, lambda: 1_763_000_000_000_000)
        self._source = FileSource(0, str(path), read_from, lambda: self._now_s)
        self._source.begin(Bookmarks(self.journal.cursors))

    def look(self, *, later_s: float = 1.0) -> list[bytes]:
        """Read all there is; give all lines of the journal."""
        self._now_s += later_s
        while self._source.read(self._gathering, self._flush):
            pass
        self._flush()
        return self.journal.lines

    def _flush(self) -> bool:
        self.journal.append(self._gathering.take(ReceiveTally()))
        return True

    def close(self) -> None:
        """End this life as a kill does: nothing more is written."""
        self._source.close()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
