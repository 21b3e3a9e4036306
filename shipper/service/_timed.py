"""Times bulk requests between delivery and Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.service._histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.elastic import Answer, Transport


class Timed:
    """A transport that counts how long the one below takes; ``answered`` and ``failed`` are apart."""

    def __init__(self, below: Transport, clock_s: Callable[[], float]) -> None:
        self._below = below
        self._clock_s = clock_s
        self.answered = Histogram()
        self.failed = Histogram()

    def bulk(self, index: str, body: bytes | memoryview, timeout_s: float) -> Answer:
        """Send as the transport below does, and raise what it raises."""
        began_s = self._clock_s()
        outcome = self.failed
        try:
            answer = self._below.bulk(index, body, timeout_s)
            outcome = self.answered
            return answer
        finally:
            outcome.add(self._clock_s() - began_s)
