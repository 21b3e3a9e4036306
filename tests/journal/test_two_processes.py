"""The reader beside a writer in another process, on a real disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from shipper.journal import StateFolder
from shipper.limits import KIB, MIB
from tests.journal.drafts import batches, reader

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = 300
ENTRY_BYTES = 900 * KIB
WRITE = f"""
import sys, time
from pathlib import Path
from shipper.journal import Bounds, Draft, Origin, Writer
bounds = Bounds(segment_bytes={64 * MIB}, free_share_min=0.0, sync_interval_s=None)
journal = Writer(Path(sys.argv[1]), b"{{}}", bounds, clock_us=lambda: time.time_ns() // 1000)
for number in range({ENTRIES}):
    journal.append(Draft(0, (b"%08d" % number * {ENTRY_BYTES // 8},), (0,), (0,), (0,), (Origin(0, ""),)))
journal.close()
"""


def test_large_entries_are_read_whole_while_they_are_written(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.journal.mkdir()
    follower, seen = reader(state), []
    with subprocess.Popen([sys.executable, "-c", WRITE, str(state.journal)]) as writing:
        ended = False
        while not ended:
            ended = writing.poll() is not None
            for batch in batches(follower, lines_max=1):
                assert batch.lost == 0
                seen += [int(line.raw[:8]) for line in batch.lines()]
    assert seen == list(range(ENTRIES))
    assert not state.quarantine.exists()
    follower.close()
    shutil.rmtree(state.journal)  # a quarter of a gigabyte
