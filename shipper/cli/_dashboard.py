"""`shipper dashboard`: its arguments, and the page that they ask for."""

from typing import Annotated, Final

import typer

from shipper import telemetry
from shipper.cli import _options as options
from shipper.jobs import dashboard as job

EXAMPLES: Final = """Examples:

`shipper dashboard`

`shipper dashboard --elasticsearch http://10.0.0.5:9200 --index-prefix loadtest`

`shipper dashboard --listen http://127.0.0.1:9000 --allowed-host logs.example.org`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
def dashboard(  # noqa: PLR0913, PLR0917 -- each is a flag
    config: options.ConfigFile = None,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="URL", help="Where: http://ADDRESS:PORT; by default http://127.0.0.1:8899."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option("--allowed-host", metavar="NAME", help="A name that browsers call it by; may be repeated."),
    ] = None,
    elasticsearch: options.Elasticsearch = None,
    index_prefix: options.IndexPrefix = None,
    state_dir: options.StateDir = None,
    haproxy_cfg: options.HAProxyCfg = None,
    log_level: options.LogLevel = None,
) -> None:
    """Serve the web page: percentiles, rates, errors and lines, read from Elasticsearch. Until Ctrl-C.

    Nobody logs in, so it listens on this machine alone; to show it to others put a proxy with a login in front.
    """
    page = {"listen": listen, "allowed_hosts": allowed_host or None}
    settings = options.load(
        config,
        elasticsearch=elasticsearch,
        index_prefix=index_prefix,
        state_dir=state_dir,
        haproxy_cfg=haproxy_cfg,
        log_level=log_level,
        dashboard={name: value for name, value in page.items() if value is not None},
    )
    telemetry.configure(settings.log_level)
    job.run(settings, lambda url: typer.echo(f"The dashboard is at {url} (Ctrl-C ends it)"))
