"""`shipper stress`: its arguments, and the test that they ask for."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli import _replay_options as of
from shipper.cli import _stress_report as reports
from shipper.cli._flags import taking
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._replay_plan import Asked, Pacing
from shipper.cli._screen import console
from shipper.errors import ConfigError, Permanent
from shipper.jobs.live_replay import now_us
from shipper.jobs.stressing import StressPlan, stress
from shipper.listen_url import parse
from shipper.replay.progress import showing
from shipper.replay.stopping import stoppable
from shipper.replay.stress import read_slo

if TYPE_CHECKING:
    from shipper.config import Config
    from shipper.jobs.stressing import Judged

EXAMPLES: Final = """Examples:

`shipper stress --slo 'loss<0.01%,p50_index_latency<5s' haproxy.log.zst`

`shipper stress --to udp://127.0.0.1:5140 --from-rate 2000 --step 2000 --report limit.html haproxy.log`"""

app = options.typer_app()

DEFAULT_SLO: Final = "loss=0,p99_index_latency<10s"
"""Twice the refresh interval of the template that `shipper setup` puts there."""
_SUFFIXES: Final = {".json", ".html"}
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- what listens everywhere is reached here
_STEPS: Final = "The steps"

Slo = Annotated[
    str,
    typer.Option(
        "--slo",
        metavar="TERMS",
        help="loss, p50_, p99_ or max_index_latency, each with its bound.",
        rich_help_panel=_STEPS,
    ),
]
FromRate = Annotated[
    float, typer.Option("--from-rate", metavar="N", help="Lines a second of the first step.", rich_help_panel=_STEPS)
]
ToRate = Annotated[
    float, typer.Option("--to-rate", metavar="N", help="No step is faster than this.", rich_help_panel=_STEPS)
]
StepRate = Annotated[
    float, typer.Option("--step", metavar="N", help="Each step is faster by so much.", rich_help_panel=_STEPS)
]
Seconds = Annotated[
    float, typer.Option("--seconds", min=1, metavar="S", help="How long a step sends.", rich_help_panel=_STEPS)
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write it to a .json, or as a page to a .html."),
]


@app.command(epilog=EXAMPLES)
@taking(given=options.CAPTURED)
def stress_test(  # noqa: PLR0913, PLR0917 -- each is a flag
    given: options.Given,
    files: of.Files = None,
    to: of.To = None,
    header: of.Header = None,
    framing: of.Framing = None,
    slo: Slo = DEFAULT_SLO,
    from_rate: FromRate = 1_000,
    to_rate: ToRate = 20_000,
    step: StepRate = 1_000,
    seconds: Seconds = 10,
    report: Report = None,
) -> None:
    """Send captured lines faster and faster until the SLO breaks; say which rate held, and what gave way first.

    Without `--to` they go to the first listener of the configuration. Exits with 1 when not even the first rate held.
    """
    if report is not None and report.suffix not in _SUFFIXES:
        raise ConfigError(f"--report {report}: a name that ends in .json or .html is expected")
    settings = given.load()
    asked = Asked(
        tuple(files or ()), to or _listener(settings), pacing=Pacing(rate=from_rate), header=header, framing=framing
    )
    asked.check()
    if asked.from_stdin:
        raise ConfigError("each step sends the lines again, and stdin cannot be read again: keep them in a file")
    terms = read_slo(slo)
    live = asked.live_plan(asked.selection(settings.zone, now_us()))
    plan = StressPlan(live, terms, from_rate, to_rate, step, seconds)
    plan.rates  # noqa: B018 -- raises for those that make no sense
    telemetry.configure("warning")
    raise typer.Exit(until_the_reader_leaves(lambda: _stressed(settings, plan, report)))


def _stressed(settings: Config, plan: StressPlan, file: Path | None) -> int:
    """Test, tell what came of it, and give the exit code."""
    screen = console()
    _say(f"{len(plan.rates)} steps of {plan.seconds:g} s at most, to {plan.live.target.url}")
    with stoppable() as stopping:
        with showing(sys.stderr, time.monotonic) as progress:

            def tell(judged: Judged) -> None:
                progress.say(reports.words_of(judged))

            judged = stress(settings, plan, stopping=stopping, progress=progress, tell=tell)
        report = reports.of_stress(plan, judged)
    reports.show(report, screen)
    if file is not None:
        try:
            reports.write(report, file)
        except OSError as error:
            raise Permanent(f"--report {file}: {error.strerror}") from error
    return stopping.exit_code or int(report["highest_rate"] is None)


def _listener(settings: Config) -> str:
    """Give the URL at which the configuration's first listener is reached from here. Raises ConfigError."""
    for listener in settings.listeners:
        url = parse(listener.url)
        if url.path and url.scheme != "file":
            return listener.url
        if url.port:
            host = _ANY.get(url.host, url.host)
            return f"{url.scheme}://[{host}]:{url.port}" if ":" in host else f"{url.scheme}://{host}:{url.port}"
    raise ConfigError("no listener of the configuration is a socket: name one, like --to udp://127.0.0.1:5140")


def _say(text: str) -> None:
    typer.echo(text, err=True)
