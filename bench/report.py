"""Tables as docs/performance.md has them."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

_COLUMNS: Final = 200


def show(title: str, columns: list[str], rows: list[list[str]], words: int = 1) -> None:
    """Print a table; the first columns, so many, hold words, the others figures."""
    table = Table(box=box.MARKDOWN)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < words else "right")
    for row in rows:
        table.add_row(*row)
    console = Console(width=_COLUMNS)
    console.print(f"\n{title}\n", highlight=False)
    console.print(table)
