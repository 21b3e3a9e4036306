"""`shipper top`: follows the journal of a running shipper, read-only, and counts what its lines say.

1. The running shipper pays nothing: it is not asked, and does not know. So this works while Elasticsearch is away.
2. A line is read as it will be indexed: with the interpretation of its segment.
3. Reading takes at most TOP_READ_SHARE_MAX of a core. When more comes, every n-th entry is read, and all are counted:
   their headers say how many lines they hold.
4. A first look goes back at most TOP_BACK_BYTES, and no further than the window.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError

from shipper.config import Interpretation
from shipper.errors import StateError
from shipper.jobs.top_window import FIELDS, View, Window
from shipper.journal import Flag
from shipper.journal.follow import Follower
from shipper.limits import TOP_BACK_BYTES, TOP_READ_SHARE_MAX
from shipper.query import FieldReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.journal import StateFolder
    from shipper.journal.follow import Found
    from shipper.query import Question

_log = structlog.get_logger()

_LINE_S: Final = 50e-6
"""What reading a line takes, until it is measured."""
_FIRST_LOOK_S: Final = 1.0
"""Counts as passed before the first look: it reads back."""
_MEASURED_MIN: Final = 100
"""Lines; fewer tell little of what each takes."""
_WEIGHT: Final = 0.2
"""Of the newest measurement, in the average."""


class Top:
    """What came to the shipper whose state folder is ``state``, as far as ``question`` asks.

    ``interpretation`` is today's, for segments whose own cannot be read. ``cpu_s`` is this process's own time. Raises
    StateError, here and later, when no shipper runs there or the journal cannot be read.
    """

    def __init__(
        self,
        state: StateFolder,
        question: Question,
        window_s: int,
        interpretation: Interpretation,
        *,
        clock_us: Callable[[], int],
        cpu_s: Callable[[], float],
    ) -> None:
        if state.holder() is None:
            what = "no shipper runs on it" if os.path.isdir(state.root) else "there is none"  # noqa: PTH112 -- never raises
            raise StateError(f"state folder {state.root}: {what}; name that of a running one with --state-dir")
        self._state = state
        self._window = Window(question, window_s, clock_us())
        names = {*question.by, *question.filters.wanted}
        self._paths = FIELDS.union((phase.field for phase in question.phases), (by.field for by in names))
        self._interpretation = interpretation
        self._clock_us = clock_us
        self._cpu_s = cpu_s
        self._line_s = _LINE_S
        self._follower = Follower(state.journal, TOP_BACK_BYTES)
        self._readers: dict[bytes, FieldReader] = {}
        self._looked_us = clock_us() - int(_FIRST_LOOK_S * 1_000_000)

    @property
    def is_running(self) -> bool:
        """Say whether there still is a shipper."""
        return self._state.holder() is not None

    def look(self) -> None:
        """Count what came since the last look."""
        now_us = self._clock_us()
        room = max(now_us - self._looked_us, 0) / 1_000_000 * TOP_READ_SHARE_MAX / self._line_s
        self._looked_us = now_us
        while found := self._follower.find():
            for each in found:
                tally = each.header.tally
                self._window.came(each.header.received_us, each.header.lines, tally.dropped_full + tally.kernel_drops)
            oldest_us = self._window.oldest_us(now_us)
            room -= self._take([each for each in found if each.header.received_us >= oldest_us], room)

    def view(self) -> View:
        """Give what is counted."""
        return self._window.view(self._clock_us())

    def close(self) -> None:
        """Leave the journal."""
        self._follower.close()

    def _take(self, found: Sequence[Found], room: float) -> int:
        """Read about ``room`` of the lines of entries, evenly; give how many were read."""
        reader = self._reader(self._follower.interpretation)
        began_s, read = self._cpu_s(), 0
        for each in found[:: max(math.ceil(sum(each.header.lines for each in found) / max(room, 1)), 1)]:
            entry = self._follower.read(each)
            if entry is not None:
                read += len(entry)
                for line in entry.lines():
                    self._window.add(entry.received_us, reader.read(line.raw, cut=Flag.CUT in line.flags))
        if read >= _MEASURED_MIN:
            self._line_s += _WEIGHT * ((self._cpu_s() - began_s) / read - self._line_s)
        return read

    def _reader(self, interpretation: bytes) -> FieldReader:
        if interpretation not in self._readers:
            self._readers = {interpretation: FieldReader(self._read(interpretation), self._paths)}
        return self._readers[interpretation]

    def _read(self, interpretation: bytes) -> Interpretation:
        try:
            return Interpretation.model_validate_json(interpretation)
        except ValidationError:
            _log.info("interpretation_not_understood", instead="today's configuration")
            return self._interpretation
