"""The options that say of which lines a number is, and by what they are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from shipper.errors import ConfigError
from shipper.query import Dimension, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

_Name = TypeVar("_Name", bound="StrEnum")
_LINES: Final = "Which lines"
ALL: Final = "all"

By: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="NAME,…",
        help=f"A row for each: {', '.join(Dimension)}; may be repeated.",
        rich_help_panel=_LINES,
    ),
]
Phases: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--phase",
        metavar="NAME,…",
        help=f"{', '.join(Phase)} (default), or {ALL}; may be repeated.",
        rich_help_panel=_LINES,
    ),
]
Filter: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="NAME:VALUE",
        help="Like status:5xx or backend:shop; one name again: either value.",
        rich_help_panel=_LINES,
    ),
]
PercentList: TypeAlias = Annotated[
    str,
    typer.Option(
        "--percents", metavar="P,…", help="Above 0 and up to 100; the largest is always shown.", rich_help_panel=_LINES
    ),
]


def read_by(texts: Iterable[str]) -> tuple[Dimension, ...]:
    """Read lists like `backend,server`; empty is none. Raises ConfigError."""
    return _named(Dimension, "--by", _listed(texts))


def read_phases(texts: Iterable[str]) -> tuple[Phase, ...]:
    """Read lists like `queue,response`, or `all`. Raises ConfigError; for none as well."""
    names = _listed(texts)
    return tuple(Phase) if names == [ALL] else _named(Phase, "--phase", names or [""])


def _listed(texts: Iterable[str]) -> list[str]:
    """Give each name once, in the order in which they came."""
    return [name for name in dict.fromkeys(part.strip() for text in texts for part in text.split(",")) if name]


def _named(kind: type[_Name], option: str, names: Iterable[str]) -> tuple[_Name, ...]:
    for name in names:
        if name not in list(kind):
            raise ConfigError(f"{option} {name}: one of {', '.join(kind)} is expected, or several with commas")
    return tuple(kind(name) for name in names)
