"""What a shipper on this machine, with our state folder, says of the lines that come to it.

1. Counters are told as differences from the moment of ``watch``. They hold all that came meanwhile, from whomever.
2. Its status knows what came and waits; to ask for it takes milliseconds. Its commit record knows only the lines that
   have a verdict, and those before them have too; to read it takes microseconds, so it is for the time of the sending.
3. A shipper that is elsewhere, or has another state folder, is nobody: then nothing is told rather than zeros.
"""

from __future__ import annotations

from contextlib import suppress
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
from shipper.service import NoStatusError, Status, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ROLES: Final = ("receive", "ship")

LOST: Final = ("dead_lettered", "journal_lost", "dropped_full", "refused_sender", "kernel_drops")
"""Counters of lines that did not become documents."""


@dataclass(slots=True)
class LocalReceiver:
    """A running shipper whose state folder can be read. ``passed`` and ``before`` are of the moment of ``watch``."""

    state: StateFolder
    passed: Commit
    before: Status | None
    """None where it may not be asked, or has only just begun: then the commit record has to do."""
    newest: Status | None

    def settled(self) -> dict[str, int]:
        """Give what was counted since up to the commit, by the names of its record."""
        now = load(self.state.commit)
        return {name: getattr(now, name) - getattr(self.passed, name) for name in COUNTERS}

    def counters(self) -> dict[str, int]:
        """Give what was counted since, by the same names, and what of it is `pending`; as of a second ago at most.

        Of a shipper that does not answer, what it said last.
        """
        with suppress(NoStatusError):
            self.newest = fetch(self.state.root)
        before, now = self.before, self.newest
        if before is None or now is None:
            return self.settled() | {"pending": 0}
        counters = {name: getattr(now, name) - getattr(before, name) for name in COUNTERS}
        waiting = max(0, now.pending - now.parked)  # the last that came: verdicts are in order, but for parked lines
        return counters | {"pending": min(waiting, counters["journaled"])}

    @property
    def trouble(self) -> str:
        """Say what lines wait for."""
        attention = self.newest.attention if self.newest else ()
        return next(iter(attention), "`shipper status` says how far they are")

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
    """Count the lines whose fate is known: settled, parked, or never taken in."""
    return counters["received"] + counters["kernel_drops"] - counters["pending"]


def watch(state_dir: Path) -> LocalReceiver | None:
    """Take note of the counters as they are; None where no shipper runs with this folder, or it cannot be read."""
    state = StateFolder(state_dir)
    now = None
    try:
        if not state.holder():
            return None
        with suppress(NoStatusError):
            now = fetch(state_dir)
        return LocalReceiver(state, load(state.commit), now, now)
    except StateError:
        return None
