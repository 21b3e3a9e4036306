"""What is held against Elasticsearch, and what is found.

1. Each line ends as exactly one of found, missing or altered: the three add up to ``lines``.
2. Findings are told one by one, as they come; a verification itself has a bounded size, however much is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Document: TypeAlias = "Mapping[str, Any]"
Way: TypeAlias = Literal["direct", "live", "field"]


@dataclass(frozen=True, slots=True)
class Expected:
    """A captured line and the document, as JSON, that Elasticsearch should hold of it.

    ``offset`` is the line's place in the decompressed file; ``index`` and ``id`` are those of a direct replay.
    """

    file: str
    offset: int
    raw: bytes
    index: str
    id: str
    document: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as it should be; None stands for absent."""

    field: str
    expected: Any
    actual: Any


@dataclass(frozen=True, slots=True)
class Missing:
    """A line of which there is no document."""

    file: str
    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Altered:
    """A line whose document, ``index`` and ``id``, differs."""

    file: str
    offset: int
    raw: bytes
    index: str
    id: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Surplus:
    """A document of which there is no line, or one more than there are lines."""

    index: str
    id: str


Finding: TypeAlias = Missing | Altered | Surplus
Tell: TypeAlias = "Callable[[Finding], None]"


@dataclass(frozen=True, slots=True)
class Verification:
    """How many lines are there as they should be. ``surplus`` is None where it was not looked for."""

    way: Way
    lines: int
    missing: int
    altered: int
    surplus: int | None
    fields: Mapping[str, int]
    """The fields that differ, each with the number of documents."""
    faults: tuple[str, ...] = ()
    """What kept lines from being read, and which ones."""
    off_by_s: int = 0
    """How much later documents of missing lines are than these, where that suggests another zone; otherwise 0."""

    @property
    def found(self) -> int:
        """Lines whose document is as it should be."""
        return self.lines - self.missing - self.altered

    @property
    def complete(self) -> bool:
        """Whether each line's document is there, as it should be."""
        return not self.missing and not self.altered and not self.faults
