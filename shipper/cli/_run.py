"""`shipper run`: the service."""

from functools import partial
from typing import Final

import typer

from shipper import pipeline, telemetry
from shipper.cli import _options as options

EXAMPLES: Final = """Examples:

`shipper run --listen udp://0.0.0.0:5140 --elasticsearch http://127.0.0.1:9200`

`shipper run --config /etc/shipper/shipper.toml --haproxy-cfg /etc/haproxy/haproxy.cfg`

`SHIPPER_ELASTICSEARCH__API_KEY=… shipper run -c shipper.toml --timezone Europe/Berlin`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
def run(  # noqa: PLR0913, PLR0917 -- each is a flag
    config: options.ConfigFile = None,
    listen: options.Listen = None,
    elasticsearch: options.Elasticsearch = None,
    index_prefix: options.IndexPrefix = None,
    state_dir: options.StateDir = None,
    timezone: options.Timezone = None,
    log_level: options.LogLevel = None,
    haproxy_cfg: options.HAProxyCfg = None,
) -> None:
    """Receive lines and ship them, until SIGTERM or SIGINT; SIGHUP reloads the configuration.

    A stop reads what the kernel still holds, sends for at most `shutdown_timeout_s`, and leaves the rest in the journal
    for the next start. A second signal ends it at once; that loses nothing either.
    """
    load = partial(
        options.load,
        config,
        listen=listen,
        elasticsearch=elasticsearch,
        index_prefix=index_prefix,
        state_dir=state_dir,
        timezone=timezone,
        log_level=log_level,
        haproxy_cfg=haproxy_cfg,
    )
    settings = load()
    telemetry.configure(settings.log_level)
    raise typer.Exit(pipeline.run(settings, load))
