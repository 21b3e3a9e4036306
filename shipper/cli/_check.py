"""`shipper check`, and how findings are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape

from shipper import preflight, telemetry
from shipper.cli import _options as options
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
def check(
    config: options.ConfigFile = None,
    listen: options.Listen = None,
    elasticsearch: options.Elasticsearch = None,
    index_prefix: options.IndexPrefix = None,
    state_dir: options.StateDir = None,
    timezone: options.Timezone = None,
    haproxy_cfg: options.HAProxyCfg = None,
) -> None:
    """Look at the configurations, the state folder, the ports and Elasticsearch, and say what would go wrong.

    Changes nothing. Exits with 1 when something would; a warning is what could be better.
    """
    settings = options.load(
        config,
        listen=listen,
        elasticsearch=elasticsearch,
        index_prefix=index_prefix,
        state_dir=state_dir,
        timezone=timezone,
        haproxy_cfg=haproxy_cfg,
    )
    telemetry.configure("error")
    raise typer.Exit(print_findings(preflight.check(settings)))


def print_findings(findings: Iterable[Finding]) -> int:
    """Print each as it is found; give the exit code."""
    screen, failed = console(), False
    for finding in findings:
        failed |= not finding.good
        mark = "[red]FAIL[/]" if not finding.good else "[yellow]warn[/]" if finding.doubtful else "[green]ok[/]  "
        screen.print(f"{mark}  [bold]{finding.subject}[/]  {escape(finding.text)}", soft_wrap=True)
    return int(failed)
