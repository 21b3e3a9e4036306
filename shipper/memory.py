"""What of freed memory is kept for what comes next, and what goes back to the kernel.

1. A large block of memory is mapped for each use by the usual C library, and each of its pages is cleared by the kernel
   when it is first touched: a third of what it costs to encode a batch. So blocks of the size of a batch come from one
   heap, where the next batch finds them warm.
2. What a heap holds freed goes back when that is asked for, wherever in it that is. Otherwise it would keep, for good,
   what an outage once needed.
3. Only glibc is told, of the libraries there are. Nothing depends on it but memory and time.
"""

from __future__ import annotations

import ctypes
from typing import Final

from shipper.limits import MIB

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_MAPPED_BYTES_MIN: Final = 16 * MIB
"""Twice the largest body."""
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
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
