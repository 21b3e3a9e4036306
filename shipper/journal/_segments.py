"""The files of the journal's folder: their names, their order, their size.

A segment's name is its id in hexadecimal, so that the order of names is the order of creation.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = re.compile(r"([0-9a-f]{24})\.segment")


def path_of(folder: Path, segment: bytes) -> Path:
    """Give the path of a segment's file."""
    return folder / f"{segment.hex()}.segment"


def segments(folder: Path) -> list[bytes]:
    """Give the ids of the segments that exist, oldest first."""
    names = os.listdir(folder)  # noqa: PTH208 -- called for each batch, and names are all it takes
    return sorted(bytes.fromhex(found[1]) for found in map(_NAME.fullmatch, names) if found)


def size(folder: Path) -> int:
    """Sum the bytes of all files in ``folder``."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat().st_size
            except FileNotFoundError:  # the shipping process deleted it in this moment
                continue
    return total


def free(folder: Path) -> int:
    """Give the bytes that are free on the disk of ``folder``."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def room(folder: Path, bytes_max: int, free_share_min: float) -> int:
    """Give how many bytes may still be written, until the bound or the disk's reserve is reached."""
    disk = os.statvfs(folder)
    return min(bytes_max - size(folder), free(folder) - int(free_share_min * disk.f_blocks * disk.f_frsize))


def bound(folder: Path, bytes_max: int) -> int:
    """Give the bound of a journal that may have ``bytes_max``, and half of what is free for it now."""
    return min(bytes_max, (free(folder) + size(folder)) // 2)


def new_id(now_us: int, newest: bytes | None, random: bytes) -> bytes:
    """Make a segment id: milliseconds, later than ``newest`` whatever the clock says, and 48 random bits."""
    milliseconds = now_us // 1000
    if newest is not None:
        milliseconds = max(milliseconds, int.from_bytes(newest[:6], "big") + 1)
    return milliseconds.to_bytes(6, "big") + random
