"""The write-ahead log of raw lines: segments, entries, commit."""

from __future__ import annotations

from shipper.journal.codec import Draft
from shipper.journal.commit import Commit, Ledger, Verdicts
from shipper.journal.committer import Committer, load
from shipper.journal.entry import Batch, Cursor, Entry, FileId, Flag, Line, Origin, Position, ReceiveTally
from shipper.journal.reader import Reader
from shipper.journal.state import Lock, StateFolder
from shipper.journal.writer import Bounds, Writer

__all__ = [
    "Batch",
    "Bounds",
    "Commit",
    "Committer",
    "Cursor",
    "Draft",
    "Entry",
    "FileId",
    "Flag",
    "Ledger",
    "Line",
    "Lock",
    "Origin",
    "Position",
    "Reader",
    "ReceiveTally",
    "StateFolder",
    "Verdicts",
    "Writer",
    "load",
]
