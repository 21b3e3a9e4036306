"""When a captured line's request began, and when the line was written: what a pace and a merge go by. Pure.

1. HAProxy writes a line when its request has ended: the start that the line tells, and its total time after it.
2. A line that tells no day takes the moment of the dated line before it. At the front of a file such lines wait for
   the first dated one, within a bound; a file without any has the time of its last change.
3. The moments are those of ``understand``; lines that a format matches, nearly all, take a shorter way to them.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from shipper.haproxy.formats import groups_in_use
from shipper.haproxy.syslog import match_header, read_header
from shipper.haproxy.understand import Context, moment_of, understand
from shipper.limits import (
    UNDATED_BYTES_MAX,
    UNDATED_LINES_MAX,
    VALUE_REMEMBERED_BYTES_MAX,
    VALUES_REMEMBERED_MAX,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipper.config import Interpretation
    from shipper.haproxy.syslog import Header
    from shipper.replay.captures import Line


class Moment(NamedTuple):
    """A line's two times, in microseconds since 1970."""

    start_us: int
    written_us: int


class Moments:
    """Tells the moments of one file's lines, in their order. ``near_us`` is the time of its last change."""

    def __init__(self, interpretation: Interpretation, near_us: int) -> None:
        self._interpretation = interpretation
        self._groups = groups_in_use(interpretation.formats)
        self._zone = interpretation.zone_of(0, "")
        self._headers: dict[bytes, Header] = {}
        self._near_us = near_us

    def timed(self, lines: Iterable[Line]) -> Iterator[tuple[Moment, Line]]:
        """Give each line with its moment."""
        lines = iter(lines)
        for line in chain(self._front(lines), lines):
            yield self._of(line)[0], line

    def _front(self, lines: Iterator[Line]) -> list[Line]:
        """Take lines up to the first that tells its day, which the others take theirs from."""
        waiting: list[Line] = []
        size = 0
        for line in lines:
            waiting.append(line)
            size += len(line.raw)
            _, dated = self._of(line)
            if dated or len(waiting) >= UNDATED_LINES_MAX or size >= UNDATED_BYTES_MAX:
                break
        return waiting

    def _of(self, line: Line) -> tuple[Moment, bool]:
        """Give a line's moment, and whether the line tells its day."""
        moment = self._by_format(line.raw)
        dated = moment is not None
        if moment is None:
            context = Context(self._zone, self._near_us, cut=line.cut)
            understood = understand(line.raw, context, self._interpretation)
            moment, dated = Moment(understood.index_us, understood.index_us), understood.dated
        if dated:
            self._near_us = moment.start_us
        return moment, dated

    def _by_format(self, raw: bytes) -> Moment | None:
        header = self._header(match_header(raw))
        for group in self._groups:
            match = group.match(raw, header.end) if group.is_for(header.identity.tag) else None
            if match is not None:
                known, found = match
                instant = known.clock.read(found)
                if instant is None:
                    return None
                start_us = moment_of(instant, header.moment, self._zone, None)
                return Moment(start_us, start_us + instant.total_us)
        return None

    def _header(self, raw: bytes) -> Header:
        header = self._headers.get(raw)
        if header is None:
            header = read_header(raw)
            if len(raw) <= VALUE_REMEMBERED_BYTES_MAX:
                if len(self._headers) >= VALUES_REMEMBERED_MAX:
                    self._headers.clear()
                self._headers[raw] = header
        return header
