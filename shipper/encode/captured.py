"""Lines of a captured file, one by one, as the documents that a replay of the file indexes.

What lacks a year or a time takes it from the nearest dated line before it, or else after it; never from today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.encode._python import Encoder, LineContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipper.config import Interpretation

UNDATED_LINES_MAX: Final = 10_000
"""Undated lines at the front of a file that wait for a dated one; a file without any is dated by ``fallback_us``."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One line's document as JSON, the index it belongs to, and whether the line was understood."""

    json: str
    index: str
    known: bool


class CapturedEncoder:
    """Encodes the lines of one file, in their order. ``fallback_us`` is its time of change."""

    def __init__(self, interpretation: Interpretation, fallback_us: int) -> None:
        self._encoder = Encoder(interpretation)
        self._line = LineContext(interpretation, zone=interpretation.zone_of(0, ""), near_us=fallback_us)

    def documents(self, lines: Iterable[bytes]) -> Iterator[Captured]:
        """Give the document of each line (without its line end)."""
        waiting: list[bytes] = []
        found = False
        for raw in lines:
            waiting.append(raw)
            if not found:
                self._encoder.document(raw, self._line)
                found = self._line.dated or len(waiting) >= UNDATED_LINES_MAX
                if self._line.dated:
                    self._line.near_us = self._line.index_us
            if found:
                yield from map(self._document, waiting)
                waiting.clear()
        yield from map(self._document, waiting)

    def _document(self, raw: bytes) -> Captured:
        line = self._line
        document = self._encoder.document(raw, line)
        if line.dated:
            line.near_us = line.index_us
        return Captured(document, self._encoder.index_of(line.index_us), line.known)
