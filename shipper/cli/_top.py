"""`shipper top`: its arguments, and how the view is kept up to date."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.live import Live

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli import _population as population
from shipper.cli._flags import taking
from shipper.cli._keys import pressed_keys
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._screen import console
from shipper.cli._top_page import Page
from shipper.errors import ConfigError
from shipper.jobs.top import Top
from shipper.journal import StateFolder
from shipper.limits import TOP_WINDOW_S_MAX
from shipper.query import Filters, Percents, Phase, Question, read_age

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from shipper.jobs.top_window import View

EXAMPLES: Final = """Examples:

`shipper top`

`shipper top --by backend,server --phase queue,response --filter frontend:www`

`shipper top --by path --filter status:5xx --window 5m --once`

`shipper top --json --interval 10s | jq -c '[.time, .whole.rate, .whole.phases.total."99"]'`"""

app = options.typer_app()

LOOK_S: Final = 0.25
"""Between two looks at the journal: what is read at once stays little."""
_NICENESS: Final = 10
"""The shipper that is looked at goes first."""
_BY: Final = ("backend,server",)
_PERCENTS: Final = "50,75,99,99.9"


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("state_dir"))
def top(  # noqa: PLR0913 -- each is a flag
    given: options.Given,
    by: population.By = None,
    phases: population.Phases = None,
    filters: population.Filter = None,
    percents: population.PercentList = _PERCENTS,
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="Between two views.")] = "2s",
    window: Annotated[str, typer.Option("--window", metavar="TIME", help="Lines of so long.")] = "60s",
    *,
    once: Annotated[bool, typer.Option("--once", help="One view, after one interval.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object for each view.")] = False,
) -> None:
    """Show rates, percentiles and errors as they come in, from the journal of the shipper that runs on this machine.

    A row for each backend and server, unless `--by` says otherwise. Asks neither that shipper nor Elasticsearch, and
    changes nothing. `q` quits, `s` sorts.
    """
    window_s, interval_s = _seconds("--window", window), _seconds("--interval", interval)
    question = Question(
        population.read_phases(phases or [Phase.TOTAL]),
        population.read_by(by or _BY),
        Percents.parse(percents),
        Filters.parse(filters or ()),
    )
    page = Page(question)
    settings = given.load()
    telemetry.configure("warning")
    os.nice(_NICENESS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    source = Top(
        StateFolder(settings.state_dir),
        question,
        window_s,
        settings.interpretation(),
        clock_us=lambda: time.time_ns() // 1_000,
        cpu_s=time.process_time,
    )
    screen = console()
    with closing(source):
        if screen.is_terminal and not (screen.is_dumb_terminal or once or as_json):
            raise typer.Exit(_interruptible(lambda: _live(source, page, screen, interval_s)))
        tell = _as_object(page, source) if as_json else _as_text(page, source, screen)
        raise typer.Exit(_interruptible(lambda: _print(source, tell, interval_s, once=once)))


def _live(source: Top, page: Page, screen: Console, interval_s: float) -> int:
    """Keep the view on the screen up to date until `q`."""
    due_s = -math.inf
    with pressed_keys() as key_within, Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            source.look()
            now_s = time.monotonic()
            if now_s >= due_s:
                view, running, due_s = source.view(), source.is_running, now_s + interval_s
                live.update(page.show_on_screen(view, running=running, rows=screen.height), refresh=True)
            key = key_within(min(LOOK_S, due_s - now_s))
            if key == "q":
                return 0
            if key == "s":
                page, due_s = page.reordered(), -math.inf


def _print(source: Top, tell: Callable[[View], None], interval_s: float, *, once: bool) -> int:
    """Tell a view after each interval, or one."""
    while True:
        due_s = time.monotonic() + interval_s
        while (left_s := due_s - time.monotonic()) > 0:
            source.look()
            time.sleep(min(LOOK_S, left_s))
        source.look()
        tell(source.view())
        if once:
            return 0


def _as_object(page: Page, source: Top) -> Callable[[View], None]:
    return lambda view: print(json.dumps(page.as_json(view, running=source.is_running)), flush=True)


def _as_text(page: Page, source: Top, screen: Console) -> Callable[[View], None]:
    return lambda view: screen.print(page.show(view, running=source.is_running))


def _interruptible(command: Callable[[], int]) -> int:
    """Run until it is done, or until Ctrl-C, which is how one leaves."""
    try:
        return until_the_reader_leaves(command)
    except KeyboardInterrupt:
        return 0


def _seconds(option: str, text: str) -> int:
    """Read a time like `2s` or `5m`. Raises ConfigError."""
    milliseconds = read_age(text)
    if milliseconds is None or not 1 <= milliseconds // 1_000 <= TOP_WINDOW_S_MAX:
        raise ConfigError(f"{option} {text}: a time from 1s to {TOP_WINDOW_S_MAX // 60}m is expected")
    return milliseconds // 1_000
