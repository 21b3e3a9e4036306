"""A journal whose writer can be replaced while lines come: each writer begins a segment, with an interpretation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipper.journal.codec import Draft, Packed
    from shipper.journal.entry import Cursor, FileId
    from shipper.journal.writer import Writer


class Renewed:
    """Hands all on to the newest writer. Used by one thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @property
    def cursors(self) -> Mapping[FileId, Cursor]:
        """How far each followed file is in the journal."""
        return self._writer.cursors

    def append(self, draft: Draft | Packed) -> None:
        """Write one entry. Raises JournalFull when there is no room; nothing was written then."""
        self._writer.append(draft)

    def renew(self, writer: Callable[[], Writer]) -> None:
        """Seal what was written, and go on with a new writer."""
        self._writer.close()
        self._writer = writer()

    def close(self) -> None:
        """Make what was appended as durable as it is to be."""
        self._writer.close()
