"""What the page's server needs of whoever knows the answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Parameters: TypeAlias = "Mapping[str, Sequence[str]]"

STATUSES: Final = {"bad_request": 400, "no_index": 404, "refused": 502, "unreachable": 503, "too_slow": 504}
"""The HTTP status of each kind of trouble."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no answer: a kind of STATUSES, what happened and what to do, both in sentences."""

    kind: str
    what: str
    todo: str

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUSES[self.kind]

    def as_json(self) -> Mapping[str, object]:
        """Give it as the page reads it."""
        return {"error": asdict(self)}


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked; where ``text`` is the same, so is the answer. ``answer`` blocks, in a thread."""

    text: str
    answer: Callable[[], Mapping[str, object] | Trouble]


class Questions(Protocol):
    """Knows what can be asked. Called in the event loop: it must not block."""

    def __call__(self, name: str, parameters: Parameters) -> Question | Trouble | None:
        """Read a question; None where there is none of that name."""
