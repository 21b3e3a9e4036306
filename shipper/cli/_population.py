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
    str,
    typer.Option(
        "--by",
        metavar="NAMES",
        help=f"Told apart by some of: {', '.join(Dimension)}.",
        rich_help_panel=_LINES,
    ),
]
Phases: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--phase",
        metavar="NAMES",
        help=f"Some of {', '.join(Phase)}, or all; may be repeated.",
        rich_help_panel=_LINES,
    ),
]
Filter: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="NAME:VALUE",
        help="Like status:5xx or backend:shop; may be repeated.",
        rich_help_panel=_LINES,
    ),
]
PercentList: TypeAlias = Annotated[
    str,
    typer.Option("--percents", metavar="NUMBERS", help="Which percentiles.", rich_help_panel=_LINES),
]


def read_by(text: str) -> tuple[Dimension, ...]:
    """Read a list like `backend,server`; empty is none. Raises ConfigError."""
    return _names(Dimension, "--by", filter(None, text.split(",")))


def read_phases(texts: Iterable[str] | None) -> tuple[Phase, ...]:
    """Read lists like `queue,response`; the total where there are none. Raises ConfigError."""
    named = ",".join(texts or (Phase.TOTAL,)).split(",")
    return tuple(Phase) if named == [ALL] else _names(Phase, "--phase", named)


def _names(kind: type[_Name], option: str, texts: Iterable[str]) -> tuple[_Name, ...]:
    names = tuple(dict.fromkeys(texts))
    for name in names:
        if name not in list(kind):
            raise ConfigError(f"{option} {name}: some of {', '.join(kind)} are expected")
    return tuple(kind(name) for name in names)
