"""`shipper parse`: lines in, documents or a summary of them out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from shipper.cli._lines import parse_file
from shipper.cli._screen import console
from shipper.cli._summary import Summary
from shipper.enrichment import open_enrichment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shipper.config import Config


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
