"""The write-ahead log of raw lines: segments, entries, commit. Whoever reads one file of it reads this first.

1. What ``Writer.append`` has returned from is the operating system's: no kill of any process loses it. A power cut
   costs what came since the last sync: a second by default, nothing with ``always``.
2. An append is one write, or nothing: where the disk takes a part, that is taken back.
3. Positions are given once. A segment's id is 48 bits of milliseconds, later than all before, and 48 random bits; every
   writer begins a new segment, and no process ever appends to another's. An offset fits 32 bits: a segment is 16 MiB,
   1 GiB at most, and one entry at most 8 MiB.
4. Every byte is under a checksum (CRC32C): a segment's header of 36 bytes, its interpretation, an entry's header of 76
   bytes, its payload. An entry's header is sealed with the segment's id, so that no bytes of a sender pass for one.
5. Damage stops nothing and hides nothing: reading goes on at the next header that holds, lines missing are counted by
   the ordinals on both sides, and at most 16 MiB of damaged bytes are kept aside.
6. The commit never passes a line without a verdict. Position and counters are one record, renamed into place; a segment
   is deleted after the record that passed it is written.
7. All segments together hold at most 8 GiB, or half of what was free at the start; 5% of the disk stay free; the last
   MiB is for counts. At the bound ``append`` raises JournalFull, and what that means is the source's matter.
8. One shipper has a folder at a time: its lock passes to its children, and ends with the last of them. Those who only
   look (``survey``, ``follow``) lock and write nothing.

``codec`` is the bytes and ``entry`` the values, both pure; ``writer``, ``reader`` and ``committer`` act; a model test
holds all of them to a dictionary.
"""

from __future__ import annotations

from shipper.journal._segments import bound, room
from shipper.journal._segments import size as bytes_on_disk
from shipper.journal.codec import Draft
from shipper.journal.commit import Commit, Ledger, Verdicts
from shipper.journal.committer import Committer, load
from shipper.journal.entry import Batch, Cursor, Entry, FileId, Flag, Line, Origin, Position, ReceiveTally
from shipper.journal.hiding import Hiding
from shipper.journal.reader import Reader
from shipper.journal.renewed import Renewed
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
    "Hiding",
    "Ledger",
    "Line",
    "Lock",
    "Origin",
    "Position",
    "Reader",
    "ReceiveTally",
    "Renewed",
    "StateFolder",
    "Verdicts",
    "Writer",
    "bound",
    "bytes_on_disk",
    "load",
    "room",
]
