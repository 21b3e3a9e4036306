"""A disk that somebody else fills: shipper stays up, says so once, counts what it drops, and goes on by itself."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from shipper.journal import StateFolder
from shipper.limits import MIB
from tests.end_to_end.traffic import Sender
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.conftest import World

GROUP = 1_000
LOOK_S = 1.2
"""Longer than the writer's pause between two looks at the disk."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that is a disk of its own, of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)]
    try:
        mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs `mount`")
    if mounted.returncode:
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte free."""
    filler = disk / "somebody-elses"
    with filler.open("wb", buffering=0) as file:
        for size in (MIB, 1):
            with pytest.raises(OSError, match="No space left"):
                deque(map(file.write, repeat(bytes(size))), maxlen=0)
    return filler


def test_a_full_disk_is_survived_said_counted_and_recovered_from(small_disk: Path, world: World) -> None:
    shipper = world.shipper(state_dir=str(small_disk))
    shipper.state = StateFolder(small_disk)
    shipper.start()
    sender = Sender(shipper.port)
    sender.number(GROUP)
    world.settled(shipper, GROUP)

    filler = fill(small_disk)
    time.sleep(LOOK_S)
    sender.number(GROUP)
    until(lambda: shipper.events("lines_dropped"), "what is dropped is said")
    assert shipper.exit is None

    filler.unlink()
    time.sleep(LOOK_S)
    sender.number(GROUP)
    sender.close()
    until(lambda: shipper.commit().received == 3 * GROUP, "every line is accounted for")
    commit = shipper.commit()
    assert shipper.stop() == 0
    assert commit.journaled == commit.indexed + commit.already_there
    assert commit.received == commit.journaled + commit.dropped_full
    assert 0 < commit.dropped_full <= GROUP
    assert (commit.journal_lost, commit.kernel_drops) == (0, 0)
    numbers = world.indexed.numbers()
    assert set(numbers.values()) == {1}
    assert len(numbers) == commit.journaled
    assert numbers.keys() >= {*range(GROUP), *range(2 * GROUP, 3 * GROUP)}
    assert [len(shipper.events(name)) for name in ("lines_dropped", "journal_took_lines_again")] == [1, 1]
    assert shipper.events("journal_took_lines_again")[0]["lines_dropped"] == commit.dropped_full
    assert not shipper.events("child_ended")
