"""`shipper replay`: its arguments, and the replay that they ask for."""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import typer

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli import _replay_options as of
from shipper.cli import _replay_report as reports
from shipper.cli._findings import Teller
from shipper.cli._flags import taking
from shipper.cli._lines import STDIN, until_the_reader_leaves
from shipper.cli._replay_plan import Asked, Moving, Pacing, Part, new_replay_id
from shipper.cli._screen import console
from shipper.errors import Permanent, ShipperError
from shipper.jobs.live_replay import now_us, replay_live
from shipper.jobs.replay_proof import prove_direct
from shipper.jobs.replaying import remembered, replay_direct
from shipper.replay.progress import Figures, showing
from shipper.replay.stopping import stoppable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shipper.config import Config
    from shipper.query import Finding
    from shipper.replay.direct import Progress
    from shipper.replay.feed import Selection
    from shipper.replay.stopping import Stopping

    Tell = Callable[[Finding], None]

EXAMPLES: Final = """Examples:

`shipper replay haproxy.log.zst`

`shipper replay --to udp://127.0.0.1:5140 --rate 7000 --verify haproxy.log`

`shipper replay --to tcp://logs.example:601 --ramp 1000:20000:60s --report ramp.json 'haproxy.log-*.gz'`

`shipper replay --shift-to-now --loop 10 haproxy.log`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.CAPTURED)
def replay(  # noqa: PLR0913, PLR0917 -- each is a flag
    given: options.Given,
    files: of.Files = None,
    to: of.To = None,
    header: of.Header = None,
    framing: of.Framing = None,
    speed: of.Speed = None,
    rate: of.Rate = None,
    arrivals: of.Arrivals = None,
    seed: of.Seed = 0,
    ramp: of.Ramp = None,
    burst: of.Burst = None,
    limit: of.Limit = None,
    loop: of.Loop = None,
    first: of.From = None,
    until: of.Until = None,
    shift_to: of.ShiftTo = None,
    stretch: of.Stretch = None,
    resume: of.Resume = None,
    verify: of.Verify = None,
    report: of.Report = None,
    *,
    direct: of.Direct = False,
    at_full_speed: of.Max = False,
    shift_to_now: of.ShiftToNow = False,
    again: of.Again = False,
) -> None:
    """Load captured files into Elasticsearch, or send them as HAProxy would, and say what became of every line.

    Without `--to` each line's document has an `_id` of its own: interrupted and started again it goes on, and run twice
    it indexes nothing twice. Exits with 1 when a line is missing, lost or refused.
    """
    asked = Asked(
        tuple(files or ()),
        to,
        direct=direct,
        pacing=Pacing(speed, rate, ramp, burst, at_full_speed, arrivals, seed),
        part=Part(first, until, limit, loop),
        moving=Moving(shift_to_now, shift_to, stretch),
        header=header,
        framing=framing,
        again=again,
        resume=resume,
        verify=verify,
    )
    asked.check()
    settings = given.load()
    telemetry.configure("warning")
    raise typer.Exit(until_the_reader_leaves(lambda: _replayed(asked, settings, report)))


def _replayed(asked: Asked, settings: Config, file: Path | None) -> int:
    """Replay, tell what became of it, and give the exit code."""
    screen = console()
    with stoppable() as stopping:
        tell = Teller(screen, every=False).tell
        if asked.to is None:
            report = _direct(asked, settings, stopping, tell, measure=file is not None)
        else:
            report = _live(asked, settings, stopping, tell)
    reports.show(report, screen)
    if file is not None:
        try:
            reports.write(report, file)
        except OSError as error:
            raise Permanent(f"--report {file}: {error.strerror}") from error
    if not report["finished"]:
        _say("stopped; " + _how_to_go_on(asked, report["replay_id"]))
    return stopping.exit_code or int(not report["good"])


def _how_to_go_on(asked: Asked, replay_id: str | None) -> str:
    if asked.to is not None:
        return "what was not sent can be with --from"
    return f"go on with: shipper replay --resume {replay_id}" if replay_id else "the same command goes on"


def _live(asked: Asked, settings: Config, stopping: Stopping, tell: Tell) -> dict[str, Any]:
    """Replay over the network."""
    begun_us = now_us()
    plan = asked.live_plan(asked.selection(settings.zone, begun_us))
    replay_id = _new_id(begun_us)
    _say(f"replay {replay_id}: {_named(plan.selection)} to {plan.target.url}, {asked.pacing.words}")
    with showing(sys.stderr, time.monotonic) as progress:
        outcome = replay_live(settings, plan, stopping=stopping, progress=progress, tell=tell)
    return reports.of_live(outcome, replay_id, plan.target.url, asked.pacing.words)


def _direct(asked: Asked, settings: Config, stopping: Stopping, tell: Tell, *, measure: bool) -> dict[str, Any]:
    """Replay straight into Elasticsearch; to ``measure`` takes until the last documents are found."""
    replay_id = _new_id(now_us()) if asked.changes_documents else asked.resume
    if asked.resume is not None:
        selection = remembered(settings, asked.resume)
    else:
        selection = asked.selection(settings.zone, now_us())
    target = f"{', '.join(settings.elasticsearch.urls)}, indices {settings.index.pattern}"
    _say(f"replay {replay_id or 'without an id'}: {_named(selection)} to {target}")
    with showing(sys.stderr, time.monotonic) as progress:

        def show(direct: Progress) -> None:
            progress.show(_figures(direct, selection.limit))

        outcome = replay_direct(settings, selection, replay_id, progress=show, stop=stopping.is_set, measure=measure)
    report = reports.of_direct(outcome)
    if asked.verifies and outcome.finished and not any(str(file) == STDIN for file in selection.files):
        _say("verifying")
        try:
            reports.add_proof(report, prove_direct(settings, selection, replay_id, tell))
        except ShipperError as error:
            reports.add_fault(report, f"not verified: {error}")
    return report


def _figures(direct: Progress, limit: int | None) -> Figures:
    tally = direct.tally
    return Figures(
        direct.read,
        direct.bytes_read,
        direct.bytes_total,
        limit,
        indexed=tally.indexed,
        already_there=tally.already_there,
        refused=tally.dead_lettered,
        troubles=direct.troubles,
    )


def _named(selection: Selection) -> str:
    first, *others = selection.files
    return f"{first} and {len(others)} more" if others else str(first)


def _new_id(us: int) -> str:
    return new_replay_id(us, random.SystemRandom())


def _say(text: str) -> None:
    typer.echo(text, err=True)
