"""`shipper check`, and how findings are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape

from shipper import preflight, telemetry
from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._screen import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.preflight import Finding

EXAMPLES: Final = """Examples:

`shipper check -c /etc/shipper/shipper.toml`

`shipper check --listen udp://0.0.0.0:5140 --elasticsearch http://127.0.0.1:9200`

`shipper check --haproxy-cfg /etc/haproxy/haproxy.cfg`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("listen", "elasticsearch", "index_prefix", "state_dir", "timezone", "haproxy_cfg"))
def check(given: options.Given) -> None:
    """Look at the configurations, the state folder, the ports and Elasticsearch, and say what would go wrong.

    Changes nothing. Exits with 1 when something would; a warning is what could be better.
    """
    telemetry.configure("error")
    raise typer.Exit(print_findings(preflight.check(given.load())))


def print_findings(findings: Iterable[Finding]) -> int:
    """Print each as it is found; give the exit code."""
    screen, failed = console(), False
    for finding in findings:
        failed |= not finding.good
        mark = "[red]FAIL[/]" if not finding.good else "[yellow]warn[/]" if finding.doubtful else "[green]ok[/]  "
        screen.print(f"{mark}  [bold]{finding.subject}[/]  {escape(finding.text)}", soft_wrap=True)
    return int(failed)
