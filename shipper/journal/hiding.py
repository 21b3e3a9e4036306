"""A journal that gets no line before what is to be hidden of it is hidden.

A hash is longer than a short value, so a line may grow. One that grows beyond all measure loses its text: else a sender
could make up lines whose entry is larger than an entry may be. Bounded so, one entry stays one entry, written whole or
not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from shipper.journal.codec import Packed
from shipper.journal.entry import LINE_HEADER, Flag
from shipper.limits import LINE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.privacy import Hider
    from shipper.journal.codec import Draft
    from shipper.journal.entry import Cursor, FileId

_GROWTH_MAX: Final = 4
_GROWTH_FREE_BYTES: Final = 512
"""A line may become so many times as long, and this much longer: an entry of RECEIVE_BATCH_BYTES then stays below
ENTRY_BYTES_MAX, and lines that people send stay far below either."""


class Journal(Protocol):
    """Where the lines go."""

    @property
    def cursors(self) -> Mapping[FileId, Cursor]:
        """Tell how far each followed file is."""

    def append(self, draft: Draft | Packed) -> None:
        """Take one entry, or raise JournalFull."""

    def close(self) -> None:
        """Make what was appended as durable as it is to be."""


class Hiding:
    """Hands on to ``journal`` what ``hider`` leaves; None is everything. Used by one thread."""

    def __init__(self, journal: Journal, hider: Hider | None) -> None:
        self._journal = journal
        self._hider = hider
        self._asked: Draft | Packed | None = None
        self._hidden: Packed | None = None

    @property
    def cursors(self) -> Mapping[FileId, Cursor]:
        """How far each followed file is in the journal."""
        return self._journal.cursors

    def renew(self, hider: Hider | None) -> None:
        """Hide with ``hider`` from now on, what waits for room as well: the rules may be stricter than they were."""
        self._hider = hider
        self._asked = self._hidden = None

    def append(self, draft: Draft | Packed) -> None:
        """Write one entry. Raises JournalFull when there is no room; nothing was written then."""
        if self._hider is None or not draft.count:
            self._journal.append(draft)
            return
        if self._hidden is None or draft is not self._asked:  # one that waits for room is hidden once
            self._asked, self._hidden = draft, _hidden(draft, self._hider)
        self._journal.append(self._hidden)
        self._asked = self._hidden = None

    def close(self) -> None:
        """Make what was appended as durable as it is to be."""
        self._journal.close()


def _hidden(draft: Draft | Packed, hider: Hider) -> Packed:
    headers, lines, data, at = [], [], draft.data, 0
    for length, delta_us, origin, flags in LINE_HEADER.iter_unpack(draft.table):
        line = _bounded(data[at : at + length], hider, cut=bool(flags & Flag.CUT))
        headers.append(LINE_HEADER.pack(len(line), delta_us, origin, flags))
        lines.append(line)
        at += length
    return Packed(draft.received_us, b"".join(headers), b"".join(lines), draft.origins, draft.tally, draft.cursors)


def _bounded(raw: bytes, hider: Hider, *, cut: bool) -> bytes:
    line = hider.line(raw, cut=cut)
    longest = max(len(raw), min(LINE_BYTES_MAX, _GROWTH_MAX * len(raw) + _GROWTH_FREE_BYTES))
    return line if len(line) <= longest else hider.withheld(raw)
