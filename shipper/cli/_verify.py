"""`shipper verify`: its arguments, and the verification that they ask for."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli._findings import print_verification
from shipper.cli._flags import taking
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._moment import read_moment
from shipper.errors import ConfigError, Retryable
from shipper.jobs import verifying
from shipper.jobs.replay_proof import prove_direct
from shipper.jobs.replaying import remembered
from shipper.replay.feed import Selection

if TYPE_CHECKING:
    from shipper.cli._findings import Verify
    from shipper.query import Way

EXAMPLES: Final = """Examples:

`shipper verify haproxy.log --index-prefix loadtest`

`shipper verify --live --from 2026-11-21T05:00 --until 2026-11-21T06:00 haproxy.log.zst`

`shipper verify --replay 20261121-050217-9f3c --index-prefix loadtest`

`shipper verify --by message --index-prefix rsyslog haproxy.log`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.CAPTURED)
def verify(  # noqa: PLR0913 -- each is a flag
    given: options.Given,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE|-…", help="Captured lines, plain or compressed.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="Lines of this time and later.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Lines of before this time.")] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="FIELD", help="The raw lines against this field, of any shipper's documents."),
    ] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="ID", help="The lines of a direct replay with this id.")
    ] = None,
    *,
    direct: Annotated[bool, typer.Option("--direct", help="By `_id`: the lines came by a direct replay.")] = False,
    live: Annotated[bool, typer.Option("--live", help="By content: the lines came over a socket.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every finding, not only the first of each kind.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object for each finding, then one of the counts.")
    ] = False,
) -> None:
    """Say which captured lines are not in Elasticsearch, or not as they should be, and which documents are too many.

    Exits with 1 when a line is missing or its document altered. Without `--direct` or `--live` a look at the first
    lines decides between the two.
    """
    settings = given.load()
    if direct + live + (by is not None) > 1:
        raise ConfigError("--direct, --live and --by exclude each other: each is a way to compare")
    check_lines: Verify
    if replay is not None:
        if files or first or until or live or by:
            raise ConfigError("--replay names the files and their lines, and compares by `_id`: give no other")
        check_lines = partial(prove_direct, settings, remembered(settings, replay), replay, waits=_say_why)
    else:
        if not files:
            raise ConfigError("which file? Name captures, or - for stdin, or a replay with --replay")
        selection = Selection(
            tuple(files),
            None if first is None else read_moment("--from", first, settings.zone),
            None if until is None else read_moment("--until", until, settings.zone),
        )
        way: Way | None = "direct" if direct else "live" if live else None
        check_lines = partial(verifying.verify, settings, selection, way=way, field=by, waits=_say_why)
    telemetry.configure("error")
    raise typer.Exit(until_the_reader_leaves(lambda: print_verification(check_lines, every=every, as_json=as_json)))


def _say_why(error: Retryable) -> None:
    typer.echo(f"shipper: {error}; waiting for it, half a minute or longer", err=True)
