"""What is printed for people: plain text in pipes and under NO_COLOR, and nothing that a line could do to a terminal.

1. What comes from a line passes through ``visible``: a cookie may hold the escape sequences of a terminal.
2. Text from a line is never markup.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

PIPE_WIDTH: Final = 120
"""Columns of what goes into a pipe or a file, where COLUMNS does not say otherwise."""
AROUND_BYTES: Final = 48
"""So much of a line is shown on either side of the place that is pointed at."""
_WIDTH_MAX: Final = 10_000
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_PLACE: Final = re.compile(r"(?P<reason>.*) at column (?P<column>[0-9]+)", re.DOTALL)


class _Screen(Console):
    """A reader who has seen enough and leaves is no failure; to rich it is."""

    def on_broken_pipe(self) -> NoReturn:
        """End the command."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


def console() -> Console:
    """Give the console on stdout."""
    plain = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _Screen(highlight=False, width=PIPE_WIDTH if plain else None)


def print_whole(screen: Console, tables: Sequence[Table]) -> None:
    """Print the first of ``tables`` that has room, or else the last as wide as it is: no number is ever cut."""
    unbound = screen.options.update(max_width=_WIDTH_MAX)
    widths = [Measurement.get(screen, unbound, table).maximum for table in tables]
    fitting = next((number for number, width in enumerate(widths) if width <= screen.width), len(tables) - 1)
    screen.width = max(screen.width, widths[fitting])
    screen.print(tables[fitting], crop=False)


def visible(text: str) -> str:
    """Show what would act on a terminal, or hide, as the escape sequence that names it."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def place_of(message: str) -> tuple[str, int | None]:
    """Split an `error.message` into its reason and the column (from 1, in bytes) where reading stopped."""
    match = _PLACE.fullmatch(message)
    return (match["reason"], int(match["column"])) if match else (message, None)


def point(raw: bytes, column: int) -> Text:
    """Show the part of a line around ``column``, with the word there marked, and a caret below."""
    at = min(column - 1, len(raw))
    start = max(at - AROUND_BYTES, 0)
    end = at + AROUND_BYTES
    word = at + len(raw[at:end].split(b" ", 1)[0])
    before = ("… " if start else "") + _decode(raw[start:at])
    after = _decode(raw[word:end]) + (" …" if end < len(raw) else "")
    shown = Text.assemble(
        before, (_decode(raw[at:word]), "bold red"), after, "\n", " " * cell_len(before), ("^", "red")
    )
    shown.no_wrap = True
    return shown


def _decode(raw: bytes) -> str:
    return visible(raw.decode("utf-8", "replace"))
