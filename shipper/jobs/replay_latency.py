"""Measures a direct replay: from handing over a batch to the answer for all of it, and until a search finds it.

1. The two stand apart: what is acknowledged is safe, and found only after the next refresh.
2. Looked for is the last document of a few batches a second, once all of the batch was indexed: what was there already
   would be found at once.
3. Called from the replay's thread and from delivery's workers; what both touch is changed in one step each.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from shipper.query import LOOK_INTERVAL_S, Latencies, SearchProbe, by_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipper.encode import Body
    from shipper.journal import Verdicts
    from shipper.query import Documents

FOUND_S_MAX: Final = 10.0
"""How long the last may take to be found: twice the refresh interval of our template."""


class Timed:
    """Measures, from its making on until ``end``."""

    def __init__(self, documents: Documents, pattern: str) -> None:
        self._probe = SearchProbe(documents, pattern, clock_s=time.monotonic)
        self._acknowledged = Latencies()
        self._counting = threading.Lock()
        self._begun: dict[int, tuple[float, int, str | None]] = {}
        """By ticket: when it was handed over, its number of documents, and the id of one that is looked for."""
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._probe.run, args=(self._ended.is_set, self._ended.wait), name="probe", daemon=True
        )
        self._thread.start()

    def begin(self, ticket: int, bodies: Sequence[Body]) -> None:
        """Take note that a batch is handed over now; again while it was not taken."""
        id_ = bodies[-1].id(len(bodies[-1]) - 1) if bodies and self._probe.wants() else None
        self._begun[ticket] = (time.monotonic(), sum(map(len, bodies)), id_)

    def settled(self, ticket: int, verdicts: Verdicts) -> None:
        """Take note that all of a batch has its verdict."""
        begun_s, documents, id_ = self._begun.pop(ticket)
        with self._counting:
            self._acknowledged.add(time.monotonic() - begun_s, documents)
        if id_ is not None and verdicts.indexed == documents:
            self._probe.sent(by_id(id_), begun_s)

    def end(self, stop: Callable[[], bool]) -> None:
        """Wait for the last to be found, for a while and unless a stop is asked for."""
        deadline_s = time.monotonic() + FOUND_S_MAX
        while self._probe.in_flight and self._probe.failure is None and not stop() and time.monotonic() < deadline_s:
            time.sleep(LOOK_INTERVAL_S)
        self._ended.set()
        self._thread.join()

    def summary(self) -> Mapping[str, Mapping[str, float | None]]:
        """Give both latencies, by their names."""
        with self._counting:
            acknowledged = self._acknowledged.summary()
        return {"acknowledged": acknowledged.as_json(), "searchable": self._probe.summary().as_json()}
