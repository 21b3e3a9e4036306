"""Standard input: lines until it ends.

1. It is shared with whoever started shipper, so it is never made non-blocking: it is read only when that cannot wait.
2. A receiver that is killed leaves the rest to the next one; what it had read and not journaled is lost, as with TCP.
3. When it cannot be read, a connection that was reset, say, it has ended: what was begun of a line is cut.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

import structlog

from shipper.limits import STREAM_READ_BYTES
from shipper.receive._framing import Framed, LineFraming
from shipper.receive._source import Ordinary, WhenFull, gather

if TYPE_CHECKING:
    from shipper.receive._gathering import Flush, Gathering
    from shipper.receive._source import Bookmarks

_log = structlog.get_logger()


class StdinSource(Ordinary):
    """Standard input."""

    when_full = WhenFull.WAIT

    def __init__(self, number: int, fd: int = 0) -> None:
        self.number = number
        self.ended = False
        self._fd = fd
        self._framing = LineFraming()

    def begin(self, bookmarks: Bookmarks) -> int:  # noqa: ARG002 -- for files
        """Give the descriptor."""
        return self._fd

    def read(self, gathering: Gathering, flush: Flush) -> int:
        """Gather what can be read without waiting, STREAM_READ_BYTES at most."""
        if self.ended:
            return 0
        before = gathering.received
        try:
            if not select.select([self._fd], [], [], 0)[0]:
                return 0
            data = os.read(self._fd, STREAM_READ_BYTES)
        except BlockingIOError:  # whoever shares it made it so, and has read what was there
            return 0
        except OSError as error:
            _log.warning("stdin_not_read", error=str(error))
            self.ended = True
            self.finish(gathering, flush)
            return 1 + gathering.received - before
        self.ended = not data
        gather(self._framing.feed(data) if data else self._framing.end(), self.number, "", gathering, flush)
        return 1 + gathering.received - before

    def finish(self, gathering: Gathering, flush: Flush) -> None:
        """Gather the line that was begun."""
        rest = [Framed(text, cut=True) for text, _ in self._framing.end()]
        gather(rest, self.number, "", gathering, flush)
