"""`shipper percentiles`: its arguments, and what they ask."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from shipper import config as settings_of
from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli import _population as population
from shipper.cli._flags import taking
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._moment import read_moment
from shipper.cli._percentiles_report import Report, as_csv, as_json, show
from shipper.cli._screen import console
from shipper.errors import ConfigError
from shipper.jobs import percentiles as job
from shipper.query import Filters, Percents, Phase, Question, Span, read_age

EXAMPLES: Final = """Examples:

`shipper percentiles --by backend,server --phase response --since 1h --filter status:5xx --percents 50,75,99.9`

`shipper percentiles --by path haproxy.log.zst`

`ssh edge1 cat /var/log/haproxy.log | shipper percentiles --phase all --json -`"""

app = options.typer_app()

_SINCE: Final = "1h"
"""Of what is in Elasticsearch; a file is read as a whole."""


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("elasticsearch", "index_prefix", "timezone", "log_format", "haproxy_cfg"))
def percentiles(  # noqa: PLR0913, PLR0917 -- each is a flag
    given: options.Given,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE|-]…", help="Captured lines, plain or compressed; without any: Elasticsearch."),
    ] = None,
    by: population.By = None,
    phase: population.Phases = None,
    percents: population.PercentList = "50,75,90,95,99,99.9",
    filters: population.Filter = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="AGE", help="Like 30m, 24h or 7d; of Elasticsearch by default 1h.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="Lines of this time and later.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Lines of before this time.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A line for each group and phase.")] = False,
) -> None:
    """Say how long requests took: p50, p75, p99.9 and others, by nearest rank, of all and of each group.

    Each percentile is of the lines that have its timer: what HAProxy logged as -1 is in none. From files it is exact.
    Exits with 1 when something could not be read.
    """
    if json and csv:
        raise ConfigError("--json and --csv exclude each other")
    if not files and given.flags.keys() & {"log_format", "haproxy_cfg"}:
        raise ConfigError("--format and --haproxy-cfg are about lines that are read: name a FILE, or - for stdin")
    if files and given.flags.keys() & {"elasticsearch", "index_prefix"}:
        raise ConfigError("percentiles are of files or of Elasticsearch: leave out either FILE or the flags about it")
    settings = given.load()
    now_us = time.time_ns() // 1_000
    if not files and not (since or first or until):
        since = _SINCE
    question = Question(
        phases=population.read_phases(phase or [Phase.TOTAL]),
        by=population.read_by(by or []),
        percents=Percents.parse(percents),
        filters=Filters.parse(filters or ()),
        span=_span(since, first, until, settings.zone, now_us),
    )
    telemetry.configure("error")
    raise typer.Exit(until_the_reader_leaves(lambda: _answer(settings, files or [], question, json=json, csv=csv)))


def _answer(settings: settings_of.Config, files: list[Path], question: Question, *, json: bool, csv: bool) -> int:
    """Compute and print; give the exit code."""
    faults: list[str] = []
    if files:
        breakdown, faults = job.of_files(files, settings.interpretation(), question)
    else:
        breakdown = job.of_index(settings, question)
    source = [str(file) for file in files] if files else settings.index.pattern
    report = Report(source, question, breakdown, tuple(faults))
    if json:
        print(as_json(report))
    elif csv:
        print(as_csv(report), end="")
    else:
        show(report, console())
    for fault in faults:
        typer.echo(f"shipper: {fault}", err=True)
    return int(bool(faults))


def _span(since: str | None, first: str | None, until: str | None, zone: str, now_us: int) -> Span:
    if since is not None and (first is not None or until is not None):
        raise ConfigError("--since goes up to now: give either it, or --from and --until")
    if since is not None:
        age_ms = read_age(since)
        if age_ms is None:
            raise ConfigError(f"--since {since}: a number and a unit are expected, like 90s, 30m, 24h, 7d or 2w")
        return Span(now_us - age_ms * 1_000)
    span = Span(
        None if first is None else read_moment("--from", first, zone),
        None if until is None else read_moment("--until", until, zone),
    )
    if span.from_us is not None and span.until_us is not None and span.until_us <= span.from_us:
        raise ConfigError("--until must come after --from")
    return span
