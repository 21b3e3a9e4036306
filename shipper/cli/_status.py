"""`shipper status`: asks the running shipper how it stands."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias

import typer
from rich.live import Live
from rich.text import Text

from shipper import service, telemetry
from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._keys import pressed_keys
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._screen import console, visible
from shipper.cli._status_page import as_object, page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console, RenderableType

    Found: TypeAlias = service.Status | service.NoStatusError
    Show: TypeAlias = Callable[[Found], None]

EXAMPLES: Final = """Examples:

`shipper status`

`shipper status --watch`

`shipper status --json | jq .pending`

`shipper status --state-dir /var/lib/shipper || echo 'look at it'`"""

app = options.typer_app()

WATCH_S: Final = 1.0
"""Between two looks: the shipper has news once a second."""


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("state_dir"))
def status(
    given: options.Given,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Again every second, until `q` or Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object; with `--watch` one a second.")] = False,
) -> None:
    """Say how the running shipper stands: whether every line is accounted for, what waits and why, who sends.

    Exits with 1 when something needs attention, or when no shipper runs in the state folder.
    """
    folder = given.load().state_dir
    telemetry.configure("error")
    screen = console()
    live = watch and not as_json and screen.is_terminal and not screen.is_dumb_terminal
    show = _print_object if as_json else lambda found: screen.print(_as_text(found))
    if not watch:
        raise typer.Exit(until_the_reader_leaves(lambda: _once(folder, show)))
    try:
        raise typer.Exit(until_the_reader_leaves(lambda: _live(folder, screen) if live else _each_second(folder, show)))
    except KeyboardInterrupt:
        raise typer.Exit from None


def _once(folder: Path, show: Show) -> int:
    found = service.fetch(folder)
    show(found)
    return int(bool(found.attention))


def _each_second(folder: Path, show: Show) -> NoReturn:
    while True:
        show(_ask(folder))
        time.sleep(WATCH_S)


def _live(folder: Path, screen: Console) -> int:
    """Keep the page on the screen up to date until `q`."""
    with pressed_keys() as key_within, Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_as_text(_ask(folder)), refresh=True)
            if key_within(WATCH_S) == "q":
                return 0


def _ask(folder: Path) -> Found:
    """Ask a shipper that may be stopped and started again meanwhile."""
    try:
        return service.fetch(folder)
    except service.NoStatusError as error:
        return error


def _as_text(found: Found) -> RenderableType:
    return page(found) if isinstance(found, service.Status) else Text(visible(str(found)), style="yellow")


def _print_object(found: Found) -> None:
    told = as_object(found) if isinstance(found, service.Status) else {"error": str(found)}
    print(json.dumps(told), flush=True)
