"""`shipper generate`: captures made up."""

import time
from typing import Annotated, Final

import typer

from shipper.cli import _options as options
from shipper.cli._captures import Output, write_lines
from shipper.cli._flags import taking
from shipper.cli._moment import read_moment
from shipper.errors import ConfigError
from shipper.replay import generating
from shipper.replay.generating import HEADERS, HTTPLOG, Scenario

EXAMPLES: Final = """Examples:

`shipper generate --lines 1000000 --rate 7000 -o capture.log`

`shipper generate --seconds 86400 --format httpslog --header rfc5424 --seed 7 | zstd > day.log.zst`"""

_LINES: Final = 100_000

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("timezone", "log_format", "haproxy_cfg"))
def generate(  # noqa: PLR0913, PLR0917 -- each is a flag
    given: options.Given,
    header: Annotated[str, typer.Option("--header", metavar="NAME", help=f"{', '.join(HEADERS)}.")] = "local",
    lines: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help=f"How many; by default {_LINES:,}, or as many as --seconds gives."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, metavar="S", help="For how long requests come.")] = None,
    rate: Annotated[float, typer.Option(min=0.001, metavar="N", help="Requests a second, on average of a day.")] = 100,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="When the first comes; by default so that the last is now.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same gives the same lines.")] = 0,
    output: Output = None,
    *,
    captures: Annotated[bool, typer.Option(help="With captured headers.")] = True,
) -> None:
    """Make up a capture: a site with its daily load, long tails, errors, servers that fall, and reloads.

    With the same seed and start it is the same capture, line by line.
    """
    settings = given.load()
    if header not in HEADERS:
        raise ConfigError(f"--header {header}: one of {', '.join(HEADERS)} is expected")
    wanted = _LINES if lines is None and seconds is None else lines
    took_s = seconds if seconds is not None else (wanted or 0) / rate
    begin_us = time.time_ns() // 1_000 - int(took_s * 1_000_000)
    scenario = Scenario(
        begin_us if start is None else read_moment("--start", start, settings.zone),
        seed=seed,
        rate=rate,
        lines=wanted,
        seconds=seconds,
        log_format=settings.formats[0] if "log_format" in given.flags else HTTPLOG,
        header=header,
        zone=settings.zone,
        captures=captures,
    )
    write_lines(generating.generate(scenario), output)
