"""Which letters are meant: what people may ask for, as one condition. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipper.dead_letter._letter import DeadLetter


@dataclass(frozen=True, slots=True)
class Choice:
    """Letters that fulfil all of it; what is empty or None asks for nothing."""

    ids: frozenset[str] = frozenset()
    type: str | None = None
    field: str | None = None
    index: str | None = None
    """A pattern, with `*` and `?`."""
    reason: str | None = None
    """Part of the reason, or of its cause; capitals do not matter."""
    since: str | None = None
    """A timestamp: given up then or later."""
    until: str | None = None
    """A timestamp: given up before."""

    def includes(self, letter: DeadLetter) -> bool:
        """Tell whether ``letter`` is meant."""
        said = f"{letter.reason}\n{letter.caused_by}".lower()
        return (
            (not self.ids or letter.id in self.ids)
            and self.type in {None, letter.type}
            and self.field in {None, letter.field}
            and (self.index is None or fnmatchcase(letter.index, self.index))
            and (self.reason is None or self.reason.lower() in said)
            and (self.since is None or letter.time >= self.since)
            and (self.until is None or letter.time < self.until)
        )
