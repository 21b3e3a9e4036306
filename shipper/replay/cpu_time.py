"""How much CPU time processes of this machine use: two looks at /proc, and what lies between them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MACHINE: Final = "machine"
_PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Columns of `/proc/PID/stat` behind the name, which may hold spaces and parentheses (proc_pid_stat(5))."""
_IDLE: Final = slice(3, 5)
"""Columns of the first row of `/proc/stat`: idle, and idle for want of a disk."""
_COUNTED: Final = 8
"""What follows (guests) is in the columns before."""


@dataclass(frozen=True, slots=True)
class Look:
    """CPU seconds so far, of processes by their names; of all cores together, busy and in all. Empty where unknown."""

    at_s: float
    used_s: Mapping[str, float]
    machine_s: tuple[float, float] | None


def look(pids: Mapping[str, int], at_s: float) -> Look:
    """Look at the processes ``pids``; those that are gone are left out."""
    used = {name: _used_s(pid) for name, pid in pids.items()}
    return Look(at_s, {name: seconds for name, seconds in used.items() if seconds is not None}, _machine_s())


def between(first: Look, last: Look) -> dict[str, float]:
    """Give how many cores' worth each process used, and the share of all cores that was busy."""
    passed_s = last.at_s - first.at_s
    if passed_s <= 0:
        return {}
    shares = {
        name: (seconds - first.used_s[name]) / passed_s for name, seconds in last.used_s.items() if name in first.used_s
    }
    if first.machine_s is not None and last.machine_s is not None and last.machine_s[1] > first.machine_s[1]:
        busy_s, all_s = (now - then for then, now in zip(first.machine_s, last.machine_s, strict=True))
        shares[MACHINE] = min(max(busy_s / all_s, 0.0), 1.0)
    return shares


def children(parent: int) -> dict[str, int]:
    """Give the children of a process by what they call themselves."""
    found = {}
    for folder in _PROC.glob("[0-9]*"):
        stat = _stat(int(folder.name))
        if stat is not None and int(stat[1][_PARENT]) == parent:
            found[stat[0]] = int(folder.name)
    return found


def _used_s(pid: int) -> float | None:
    stat = _stat(pid)
    return None if stat is None else (int(stat[1][_USER]) + int(stat[1][_SYSTEM])) / _TICKS_PER_S


def _stat(pid: int) -> tuple[str, list[str]] | None:
    with suppress(OSError):
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        before, _, columns = text.rpartition(")")
        return before.partition("(")[2], columns.split()
    return None


def _machine_s() -> tuple[float, float] | None:
    with suppress(OSError):
        row = (_PROC / "stat").read_text(encoding="ascii").partition("\n")[0]
        ticks = [int(value) for value in row.split()[1 : _COUNTED + 1]]
        return (sum(ticks) - sum(ticks[_IDLE])) / _TICKS_PER_S, sum(ticks) / _TICKS_PER_S
    return None
