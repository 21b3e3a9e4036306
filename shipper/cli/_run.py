"""`shipper run`: the service."""

from typing import Final

import typer

from shipper import pipeline, telemetry
from shipper.cli import _options as options
from shipper.cli._flags import taking

EXAMPLES: Final = """Examples:

`shipper run --listen udp://0.0.0.0:5140 --elasticsearch http://127.0.0.1:9200`

`shipper run --config /etc/shipper/shipper.toml --haproxy-cfg /etc/haproxy/haproxy.cfg`

`SHIPPER_ELASTICSEARCH__API_KEY=… shipper run -c shipper.toml --timezone Europe/Berlin`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.RUN)
def run(given: options.Given) -> None:
    """Receive lines and ship them, until SIGTERM or SIGINT; SIGHUP reloads the configuration.

    A stop reads what the kernel still holds, sends for at most `shutdown_timeout_s`, and leaves the rest in the journal
    for the next start. A second signal ends it at once; that loses nothing either. Exits with 2 when a port cannot be
    opened, and with 70 for what starting again would not mend.
    """
    settings = given.load()
    telemetry.configure(settings.log_level)
    raise typer.Exit(pipeline.run(settings, given.load))
