"""`shipper doctor`, and how findings are printed."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- typer reads it
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._screen import console
from shipper.jobs.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.preflight import Finding

EXAMPLES: Final = """Examples:

`shipper doctor -c /etc/shipper/shipper.toml`

`shipper doctor --listen udp://0.0.0.0:5140 --haproxy-socket /run/haproxy/admin.sock`"""


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


def print_findings(findings: Iterable[Finding]) -> int:
    """Print each as it is found; give the exit code."""
    screen, failed = console(), False
    for finding in findings:
        failed |= not finding.good
        mark = "[red]FAIL[/]" if not finding.good else "[yellow]warn[/]" if finding.doubtful else "[green]ok[/]  "
        screen.print(f"{mark}  [bold]{finding.subject}[/]  {escape(finding.text)}", soft_wrap=True)
    return int(failed)
