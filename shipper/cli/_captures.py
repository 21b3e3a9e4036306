"""`shipper generate` and `shipper anonymise`: captures made up, and captures made fit to be shared."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Final

import typer

from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._moment import read_moment
from shipper.errors import ConfigError, Permanent
from shipper.replay import generating
from shipper.replay.anonymising import Anonymiser
from shipper.replay.captures import STDIN, open_capture
from shipper.replay.generating import HEADERS, HTTPLOG, Scenario

GENERATE_EXAMPLES: Final = """Examples:

`shipper generate --lines 1000000 --rate 7000 -o capture.log`

`shipper generate --seconds 86400 --format httpslog --header rfc5424 --seed 7 | zstd > day.log.zst`"""

ANONYMISE_EXAMPLES: Final = """Examples:

`shipper anonymise haproxy.log.gz -o shared.log`

`shipper anonymise --names --key "$KEY" monday.log tuesday.log > shared.log`"""

_LINES: Final = 100_000
_WRITE_BYTES: Final = 1 << 20

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; by default standard output.")
]


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
    _write(generating.generate(scenario), output)


@taking(given=options.settings("log_format", "haproxy_cfg"))
def anonymise(
    given: options.Given,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE|-]…", help="Plain or compressed.")] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="SHIPPER_ANONYMISE_KEY",
            help="Under one key the same is replaced by the same; by default a random one, forgotten at the end.",
        ),
    ] = None,
    output: Output = None,
    *,
    names: Annotated[bool, typer.Option("--names", help="Replace the names of proxies and servers, too.")] = False,
    keep_unparsed: Annotated[
        bool, typer.Option("--keep-unparsed", help="Keep lines that nothing understands, as they are.")
    ] = False,
) -> None:
    """Make a capture that may be shared: addresses, URLs, cookies, captures and hosts are replaced by made-up ones.

    Dates, timers, sizes, states and counts stay, and so do the shapes of lines and paths. What cannot be made safe is
    dropped, and counted.
    """
    secret = token_bytes(32) if key is None else key.encode()
    work = Anonymiser(secret, given.load().interpretation(), names=names)
    _write(_anonymised(files or [Path(STDIN)], work, keep_unparsed=keep_unparsed), output)


def _anonymised(files: Iterable[Path], work: Anonymiser, *, keep_unparsed: bool) -> Iterable[bytes]:
    lines = dropped = 0
    for file in files:
        with open_capture(file) as capture:
            for line in capture.lines():
                done = work.line(line.raw, cut=line.cut)
                lines += 1
                if done is not None or keep_unparsed:
                    yield line.raw if done is None else done
                else:
                    dropped += 1
    if dropped:
        typer.echo(f"shipper: {dropped} of {lines} lines could not be made safe, and were dropped", err=True)


def _write(lines: Iterable[bytes], output: Path | None) -> None:
    """Write lines into a file, or to standard output. Raises Permanent where that cannot be written."""

    def write() -> int:
        stream = sys.stdout.buffer if output is None else output.open("wb", _WRITE_BYTES)
        try:
            for line in lines:
                stream.write(line + b"\n")
            stream.flush()
        finally:
            if output is not None:
                stream.close()
        return 0

    try:
        until_the_reader_leaves(write)
    except OSError as error:
        raise Permanent(f"{output or 'standard output'}: {error.strerror}") from error
