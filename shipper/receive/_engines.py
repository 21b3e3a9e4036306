"""What gathers lines: the native engine where its wheel is installed and it runs, or Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from shipper.receive._gathering import Gathering

try:
    from shipper.receive import _native
except ImportError:  # the wheel is not installed, or the system has no recvmmsg
    _native_gathering: type[Gathering] = Gathering
else:
    _native_gathering = _native.NativeGathering

if TYPE_CHECKING:
    from collections.abc import Callable

Engine = Literal["native", "python"]


def new_gathering(engine: Engine, clock_us: Callable[[], int]) -> Gathering:
    """Begin an entry. What is gathered is the same, whatever gathers it."""
    return (_native_gathering if engine == "native" else Gathering)(clock_us)
