"""`shipper prune`: which days are over for long enough, and their deletion once somebody has said yes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.elastic import Client
from shipper.errors import ConfigError
from shipper.jobs import retention
from shipper.setup import Problem

EXAMPLES: Final = """Examples:

`shipper prune --keep 30d`

`shipper prune -c /etc/shipper/shipper.toml --keep 30d --yes`"""

app = options.typer_app()
_KEEP: Final = re.compile(r"(?P<number>[1-9][0-9]{0,4})(?P<unit>[dw])")
_DAYS: Final = {"d": 1, "w": 7}
_GB: Final = 10**9


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("elasticsearch", "index_prefix"))
def prune(
    given: options.Given,
    keep: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="How long days are kept: 30d, 8w; by default retention.keep_days."),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete them. Without it, nothing is.")] = False,
) -> None:
    """Delete the indices of days that have ended for longer than that; without --yes only say which.

    Only indices whose names are the prefix and a date, as index.date_format has it, are ever looked at. Exits with 1
    when one could not be deleted.
    """
    settings = given.load()
    client = Client(settings.elasticsearch)
    found = retention.due(client, settings, _days(keep), datetime.now(UTC))
    for day in found:
        size = "" if day.size is None else f", {day.size / _GB:.2f} GB"
        typer.echo(f"{day.name}: {'closed' if day.documents is None else f'{day.documents:,} documents'}{size}")
    if not found:
        typer.echo("no day is over for so long")
    if not yes:
        if found:
            typer.echo(f"{len(found)} would be deleted for good: say so with --yes")
        return
    problems = [result for result in retention.delete(client, found) if isinstance(result, Problem)]
    for problem in problems:
        typer.echo(str(problem), err=True)
    typer.echo(f"{len(found) - len(problems)} deleted")
    raise typer.Exit(int(bool(problems)))


def _days(text: str | None) -> int | None:
    if text is None:
        return None
    match = _KEEP.fullmatch(text)
    if match is None:
        raise ConfigError(f"--keep {text}: days or weeks like 30d or 8w are expected")
    return int(match["number"]) * _DAYS[match["unit"]]
