"""`shipper dashboard`: its arguments, and the page that they ask for."""

from typing import Annotated, Final

import typer

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.jobs import dashboard as job

EXAMPLES: Final = """Examples:

`shipper dashboard`

`shipper dashboard --elasticsearch http://10.0.0.5:9200 --index-prefix loadtest`

`shipper dashboard --listen http://127.0.0.1:9000 --allowed-host logs.example.org`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("elasticsearch", "index_prefix", "state_dir", "haproxy_cfg", "log_level"))
def dashboard(
    given: options.Given,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="URL", help="Where: http://ADDRESS:PORT; by default http://127.0.0.1:8899."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option("--allowed-host", metavar="NAME", help="A name that browsers call it by; may be repeated."),
    ] = None,
) -> None:
    """Serve the web page: percentiles, rates, errors and lines, read from Elasticsearch. Until Ctrl-C.

    Nobody logs in, so it listens on this machine alone; to show it to others put a proxy with a login in front.
    """
    page = {"listen": listen, "allowed_hosts": allowed_host or None}
    settings = given.load(dashboard={name: value for name, value in page.items() if value is not None})
    telemetry.configure(settings.log_level)
    job.run(settings, lambda url: typer.echo(f"The dashboard is at {url} (Ctrl-C ends it)"))
