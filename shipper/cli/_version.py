"""`shipper version`: what runs here."""

import sys

import typer

from shipper import build
from shipper.cli import _options as options
from shipper.encode import describe_engine

app = options.typer_app()


@app.command()
def version() -> None:
    """Print the version, what it was built from, and which engine `engine = "auto"` chooses."""
    python = sys.version.split()[0]
    typer.echo(f"shipper {build.version()} (build {build.commit()}, Python {python}, engine {describe_engine()})")
