"""`shipper doctor`: where lines are lost."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- typer reads it
from typing import Annotated, Final

import typer

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli._check import print_findings
from shipper.cli._flags import taking
from shipper.jobs.doctor import examine

EXAMPLES: Final = """Examples:

`shipper doctor -c /etc/shipper/shipper.toml`

`shipper doctor --listen udp://0.0.0.0:5140 --haproxy-socket /run/haproxy/admin.sock`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("listen", "state_dir", "haproxy_cfg"))
def doctor(
    given: options.Given,
    haproxy_socket: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="HAProxy's stats socket: it is asked how many lines HAProxy dropped."),
    ] = None,
) -> None:
    """Find where lines are lost before they reach the journal, and say which sysctl or line of configuration mends it.

    Sends a blank datagram through each listener, which is counted and never indexed. Exits with 1 when lines are lost.
    """
    settings = given.load()
    telemetry.configure("error")
    raise typer.Exit(print_findings(examine(settings, haproxy_socket)))
