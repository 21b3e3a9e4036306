"""What a shipper on this machine, with our state folder, says of the lines that come to it: its commit record.

1. Counters are told as differences from the moment of ``watch``. They hold all that came meanwhile, from whomever.
2. A shipper that is elsewhere, or has another state folder, is nobody: then nothing is told rather than zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.dead_letter import read
from shipper.errors import StateError
from shipper.journal import Commit, StateFolder, load
from shipper.journal.commit import COUNTERS
from shipper.limits import REFUSED_PLACES_MAX, SUMMARY_REASONS_MAX
from shipper.processes import name_of
from shipper.replay.cpu_time import children
from shipper.replay.direct import OTHER_REASONS, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SETTLED: Final = ("indexed", "already_there", "dead_lettered", "parked", "journal_lost")
_NEVER_JOURNALED: Final = ("dropped_full", "refused_sender", "empty", "kernel_drops")

_ROLES: Final = ("receive", "ship")

LOST: Final = ("dead_lettered", "journal_lost", "dropped_full", "refused_sender", "kernel_drops")
"""Counters of lines that did not become documents."""


@dataclass(frozen=True, slots=True)
class LocalReceiver:
    """A running shipper whose state folder can be read."""

    state: StateFolder
    before: Commit

    def counters(self) -> dict[str, int]:
        """Give what was counted since: the counters of the commit record, by their names."""
        now = load(self.state.commit)
        return {name: getattr(now, name) - getattr(self.before, name) for name in COUNTERS}

    def processes(self) -> dict[str, int]:
        """Give the numbers of its processes that work, `receive` and `ship`; none where it has ended meanwhile."""
        holder = self.state.holder() or ""
        found = children(int(holder)) if holder.isdecimal() else {}
        return {role: found[name_of(role)] for role in _ROLES if name_of(role) in found}

    def refused(self, since: str) -> Mapping[str, Refused]:
        """Give the dead letters since a moment (a timestamp), by the kind of error and the field."""
        groups: dict[str, Refused] = {}
        for letter in read(self.state.root / "dead-letters"):
            if letter.received >= since:
                kind = f"{letter.type}: {letter.field}" if letter.field else letter.type
                kind = kind if kind in groups or len(groups) < SUMMARY_REASONS_MAX else OTHER_REASONS
                one = Refused(1, letter.reason, (letter.line,)[:REFUSED_PLACES_MAX])
                groups[kind] = groups[kind] + one if kind in groups else one
        return groups


def accounted(counters: Mapping[str, int]) -> int:
    """Count the lines whose fate is known: settled, or never taken in."""
    return sum(counters[name] for name in (*_SETTLED, *_NEVER_JOURNALED))


def watch(state_dir: Path) -> LocalReceiver | None:
    """Take note of the counters as they are; None where no shipper runs with this folder, or it cannot be read."""
    state = StateFolder(state_dir)
    try:
        return LocalReceiver(state, load(state.commit)) if state.holder() else None
    except StateError:
        return None
