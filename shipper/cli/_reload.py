"""`shipper reload`: tells the running shipper to read its configuration anew."""

from __future__ import annotations

from typing import Final

import typer

from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.jobs.reloading import reload as ask_for_reload

EXAMPLES: Final = """Examples:

`shipper reload`

`shipper check -c /etc/shipper/shipper.toml && shipper reload -c /etc/shipper/shipper.toml`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("state_dir"))
def reload(given: options.Given) -> None:
    """Have the running shipper read its configuration anew, as SIGHUP does; no socket is closed and no line lost.

    It reads the file and takes the flags it was started with; `--config` here only finds its state folder. What is
    wrong, or needs a restart, is refused as a whole, and said: then this exits with 1.
    """
    ask_for_reload(given.load().state_dir)
    typer.echo("reloaded")
