"""What an explanation is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

TARPIT: Final = "tarpit"
"""The phase of a termination state, and of the time, of a request that was held there."""
TELLING_MS: Final = 10
"""Below this no time is worth a word: HAProxy's clock may tick in between."""

Level: TypeAlias = Literal["fine", "note", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the line tells, in words.

    ``id`` is stable and meant for programs. ``section`` is that of HAProxy's manual, empty where it has none.
    """

    id: str
    text: str
    advice: str = ""
    section: str = ""
    level: Level = "note"


@dataclass(frozen=True, slots=True)
class Reading:
    """One field of the document: its name, its value, HAProxy's aliases for it, and what it means."""

    path: str
    value: str
    alias: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the request's time, ``start_ms`` after its first byte.

    ``lasted_ms`` is None when it was never reached. ``ended_here`` says that it began, and never came to its end.
    """

    name: str
    alias: str
    start_ms: int
    lasted_ms: int | None
    ended_here: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A person's reading of one line: a sentence, the phases of its time, what it tells, and every field."""

    headline: str
    phases: tuple[Phase, ...]
    findings: tuple[Finding, ...]
    fields: tuple[Reading, ...]
