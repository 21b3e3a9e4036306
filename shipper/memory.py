"""What of freed memory is kept for what comes next, and what goes back to the kernel.

1. What is as large as a body has a mapping of its own. On the heap it would leave gaps that small things move into, and
   the next body would find none: the heap would grow to twice of what it holds.
2. New memory is cleared by the kernel where it is first touched: a third of what it costs to encode a batch. So the
   native engine keeps the memory of a few batches for the next ones.
3. What a heap holds freed goes back when that is asked for, wherever in it that is, and what the engine keeps as well.
   Otherwise it would stay, for good, what an outage once needed.
4. Only glibc is told, of the libraries there are. Nothing depends on it but memory and time.
"""

from __future__ import annotations

import ctypes
from typing import Final

from shipper.limits import MIB

try:
    from shipper_native import give_back as _give_rooms_back
except ImportError:  # the wheel is not installed

    def _give_rooms_back() -> None:
        """Have none."""


_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_MAPPED_BYTES_MIN: Final = MIB
"""What the native engine keeps is as large at least (`room.rs`)."""
_TRIMMED_BYTES_MIN: Final = 64 * MIB


def settle() -> None:
    """Tell the C library of a process, before it has threads, what to do with memory."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES_MIN)
        libc.mallopt(_M_TRIM_THRESHOLD, _TRIMMED_BYTES_MIN)


def give_back() -> None:
    """Give what is freed back to the kernel. Takes about a millisecond; what is used again is cleared again."""
    _give_rooms_back()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
