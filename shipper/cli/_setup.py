"""`shipper setup`: the templates."""

from typing import Annotated, Final

import typer

from shipper import pipeline
from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.jobs.kibana import import_into_kibana

EXAMPLES: Final = """Examples:

`shipper setup --elasticsearch http://127.0.0.1:9200`

`shipper setup -c shipper.toml --lines-per-day 600000000`

`shipper setup -c shipper.toml --kibana http://127.0.0.1:5601`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("elasticsearch", "index_prefix"))
def setup(
    given: options.Given,
    lines_per_day: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Sizes the shards: one for about 40 GB a day.")
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Copies of each shard; by default 1 where a node can hold it."),
    ] = None,
    kibana: Annotated[
        str | None, typer.Option(metavar="URL", help="Puts the dashboards into this Kibana as well.")
    ] = None,
) -> None:
    """Put the index templates into Elasticsearch, and show what changed. May be run at any time.

    Your own settings belong into the component template `PREFIX@custom`, which is never touched. Exits with 1 when
    Elasticsearch does not answer or refuses them.
    """
    settings = given.load()
    for change in pipeline.setup(settings, lines_per_day=lines_per_day, replicas=replicas):
        typer.echo(str(change))
    if kibana is not None:
        typer.echo(str(import_into_kibana(settings, kibana)))
