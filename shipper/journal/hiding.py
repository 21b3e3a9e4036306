"""A journal that gets no line before what is to be hidden of it is hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shipper.journal.codec import Draft, Packed
from shipper.journal.entry import Flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.privacy import Hider
    from shipper.journal.entry import Cursor, FileId


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
        self.hider = hider
        self._asked: Draft | Packed | None = None
        self._hidden: Draft | None = None

    @property
    def cursors(self) -> Mapping[FileId, Cursor]:
        """How far each followed file is in the journal."""
        return self._journal.cursors

    def append(self, draft: Draft | Packed) -> None:
        """Write one entry. Raises JournalFull when there is no room; nothing was written then."""
        if self.hider is None or not draft.count:
            self._journal.append(draft)
            return
        if self._hidden is None or draft is not self._asked:  # one that waits for room is hidden once
            self._asked, self._hidden = draft, _hidden(draft, self.hider)
        self._journal.append(self._hidden)
        self._asked = self._hidden = None

    def close(self) -> None:
        """Make what was appended as durable as it is to be."""
        self._journal.close()


def _hidden(draft: Draft | Packed, hider: Hider) -> Draft:
    draft = draft.unpacked() if isinstance(draft, Packed) else draft
    lines = [hider.line(raw, cut=bool(flags & Flag.CUT)) for raw, flags in zip(draft.lines, draft.flags, strict=True)]
    return replace(draft, lines=lines)
