"""`shipper parse`: lines in, documents or a summary of them out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._lines import STDIN, parse_file, until_the_reader_leaves
from shipper.cli._screen import console
from shipper.cli._summary import Summary
from shipper.enrichment import open_enrichment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.config import Config

EXAMPLES: Final = """Examples:

`shipper parse haproxy.log | head -1 | jq .`

`tail -f /var/log/haproxy.log | shipper parse --timezone Europe/Berlin`

`shipper parse --summary haproxy.log`

`shipper parse --format '%ci:%cp %tr %ft %ST %Ta' app.log`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("timezone", "log_format", "haproxy_cfg"))
def parse(
    given: options.Given,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE|-]…", help="Lines; `-` or nothing: stdin.")
    ] = None,
    *,
    summary: Annotated[
        bool, typer.Option("--summary", help="How many lines of which kind, and what was not understood.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Print the document of each line, exactly as it would be indexed, as NDJSON; or a summary of all.

    Exits with 1 when a line was not understood; its document is printed all the same, with `error.message`.
    """
    settings = given.load()
    chosen = files or [Path(STDIN)]
    if summary:
        raise typer.Exit(until_the_reader_leaves(lambda: print_summary(chosen, settings, as_json=as_json)))
    raise typer.Exit(until_the_reader_leaves(lambda: print_documents(chosen, settings)))


def print_documents(files: Iterable[Path], settings: Config) -> int:
    """Print a document for each line; give the exit code. Raises Permanent for a file that cannot be read."""
    interpretation = settings.interpretation()
    enricher = open_enrichment(settings.enrichment)
    lines = unknown = 0
    for file in files:
        for parsed in parse_file(file, interpretation, enricher):
            print(parsed.json, flush=parsed.live)
            lines += 1
            unknown += not parsed.known
    sys.stdout.flush()
    if unknown:
        typer.echo(f"shipper: {unknown} of {lines} lines were not understood; see their error.message", err=True)
    return int(unknown > 0)


def print_summary(files: Iterable[Path], settings: Config, *, as_json: bool) -> int:
    """Print what lines there are, and which were not understood; the rest is as for ``print_documents``."""
    interpretation = settings.interpretation()
    summary = Summary()
    for file in files:
        for parsed in parse_file(file, interpretation):
            summary.add(parsed)
    if as_json:
        print(summary.to_json())
    else:
        summary.show(console())
    return int(summary.unknown > 0)
