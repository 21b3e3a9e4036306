"""The commands. Each turns its arguments into configuration, and hands it to the pipeline.

Exit codes are told by the help of `shipper`, and by that of each command that has something to find.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from shipper import build, pipeline, preflight, telemetry
from shipper.cli import (
    _captures,
    _config,
    _dashboard,
    _dead_letters,
    _doctor,
    _journal,
    _percentiles,
    _prune,
    _reload,
    _replay,
    _status,
    _stress,
    _tap,
    _top,
    _verify,
)
from shipper.cli import _options as options
from shipper.cli._doctor import print_findings
from shipper.cli._explain import explain_lines
from shipper.cli._flags import taking
from shipper.cli._lines import STDIN, until_the_reader_leaves
from shipper.cli._parse import print_documents, print_summary
from shipper.encode import describe_engine
from shipper.errors import ConfigError, ShipperError
from shipper.jobs.kibana import import_into_kibana

app = typer.Typer(
    name="shipper",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Ships HAProxy's logs to Elasticsearch: understands every line, loses none, says what it does.",
    epilog="""Begin with `shipper check`, then `shipper setup`, then `shipper run`.

Settings stand in a file (`shipper config init` writes one) or in the environment: SHIPPER_ELASTICSEARCH__API_KEY is
`api_key` of `[elasticsearch]`. Flags go before both. `shipper config show` says what holds.

Exit codes: 0 done; 1 something was found or refused, or does not answer; 2 the command line or the configuration is
wrong; 70 of `run`: what starting again would not mend.""",
)


@app.command(
    epilog="""Examples:

`shipper run --listen udp://0.0.0.0:5140 --elasticsearch http://127.0.0.1:9200`

`shipper run --config /etc/shipper/shipper.toml --haproxy-cfg /etc/haproxy/haproxy.cfg`

`SHIPPER_ELASTICSEARCH__API_KEY=… shipper run -c shipper.toml --timezone Europe/Berlin`"""
)
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


@app.command(
    epilog="""Examples:

`shipper setup --elasticsearch http://127.0.0.1:9200`

`shipper setup -c shipper.toml --lines-per-day 600000000`

`shipper setup -c shipper.toml --kibana http://127.0.0.1:5601`"""
)
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


@app.command(
    epilog="""Examples:

`shipper check -c /etc/shipper/shipper.toml`

`shipper check --listen udp://0.0.0.0:5140 --elasticsearch http://127.0.0.1:9200`

`shipper check --haproxy-cfg /etc/haproxy/haproxy.cfg`"""
)
@taking(given=options.settings("listen", "elasticsearch", "index_prefix", "state_dir", "timezone", "haproxy_cfg"))
def check(given: options.Given) -> None:
    """Look at the configurations, the state folder, the ports and Elasticsearch, and say what would go wrong.

    Changes nothing. Exits with 1 when something would; a warning is what could be better.
    """
    telemetry.configure("error")
    raise typer.Exit(print_findings(preflight.check(given.load())))


@app.command(
    epilog="""Examples:

`shipper parse haproxy.log | head -1 | jq .`

`tail -f /var/log/haproxy.log | shipper parse --timezone Europe/Berlin`

`shipper parse --summary haproxy.log`

`shipper parse --format '%ci:%cp %tr %ft %ST %Ta' app.log`"""
)
@taking(given=options.settings("timezone", "log_format", "haproxy_cfg"))
def parse(
    given: options.Given,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE|-]…", help="Lines; `-` or nothing: stdin.")
    ] = None,
    *,
    summary: Annotated[
        bool, typer.Option("--summary", help="How many lines of which kind, and what was not understood.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Print the document of each line, exactly as it would be indexed, as NDJSON; or a summary of all.

    Exits with 1 when a line was not understood; its document is printed all the same, with `error.message`.
    """
    settings = given.load()
    chosen = files or [Path(STDIN)]
    if summary:
        raise typer.Exit(until_the_reader_leaves(lambda: print_summary(chosen, settings, as_json=as_json)))
    raise typer.Exit(until_the_reader_leaves(lambda: print_documents(chosen, settings)))


@app.command(
    epilog="""Examples:

`shipper explain '10.0.0.7:51822 [21/Nov/2026:05:02:17.873] www shop/s1 1/0/1 198 sD 12/8/3/1/0 0/0'`

`grep ' 503 ' /var/log/haproxy.log | tail -3 | shipper explain`

`shipper explain --json haproxy.log | jq -r '.explanation[].id' | sort | uniq -c`"""
)
@taking(given=options.settings("timezone", "log_format", "haproxy_cfg"))
def explain(
    context: typer.Context,
    given: options.Given,
    lines: Annotated[
        list[str] | None, typer.Argument(metavar="[LINE|FILE|-]…", help="A line, a file of lines, or `-`: stdin.")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a line: the document, and the findings as `explanation`.")
    ] = False,
) -> None:
    """Say what a line means: who asked whom for what, where the time went, how it ended and what to look at.

    The sections named are those of HAProxy's configuration manual. Exits with 1 when a line was not understood.
    """
    if not lines and sys.stdin.isatty():
        typer.echo(context.get_help())
        raise typer.Exit(2)
    settings = given.load()
    raise typer.Exit(until_the_reader_leaves(lambda: explain_lines(lines or [STDIN], settings, as_json=as_json)))


app.command(epilog=_doctor.EXAMPLES)(_doctor.doctor)
app.command(epilog=_prune.EXAMPLES)(_prune.prune)
app.command(epilog=_reload.EXAMPLES)(_reload.reload)
app.command(epilog=_replay.EXAMPLES)(_replay.replay)
app.command(epilog=_status.EXAMPLES)(_status.status)
app.command(name="stress", epilog=_stress.EXAMPLES)(_stress.stress_test)
app.command(epilog=_verify.EXAMPLES)(_verify.verify)
app.command(epilog=_percentiles.EXAMPLES)(_percentiles.percentiles)
app.command(epilog=_dashboard.EXAMPLES)(_dashboard.dashboard)
app.command(epilog=_captures.GENERATE_EXAMPLES)(_captures.generate)
app.command(epilog=_captures.ANONYMISE_EXAMPLES)(_captures.anonymise)
app.command(epilog=_tap.EXAMPLES)(_tap.tap)
app.command(epilog=_top.EXAMPLES)(_top.top)
app.add_typer(_config.app, name="config")
app.add_typer(_journal.app, name="journal")
app.add_typer(_dead_letters.app, name="dead-letters")


@app.command()
def version() -> None:
    """Print the version, what it was built from, and which engine `engine = "auto"` chooses."""
    python = sys.version.split()[0]
    typer.echo(f"shipper {build.version()} (build {build.commit()}, Python {python}, engine {describe_engine()})")


def _print_version(asked: bool) -> None:  # noqa: FBT001 -- typer's signature of an option's callback
    if asked:
        version()
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take what stands before the command."""


def main() -> None:
    """Run the command line; an expected error is one message and an exit code."""
    try:
        app()
    except ConfigError as error:
        _fail(error, 2)
    except ShipperError as error:
        _fail(error, 1)


def _fail(error: ShipperError, code: int) -> None:
    typer.echo(f"shipper: {error}", err=True)
    raise SystemExit(code)
