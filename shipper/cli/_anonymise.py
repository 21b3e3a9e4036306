"""`shipper anonymise`: captures made fit to be shared."""

from collections.abc import Iterable
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Final

import typer

from shipper.cli import _options as options
from shipper.cli._captures import Output, write_lines
from shipper.cli._flags import taking
from shipper.replay.anonymising import Anonymiser
from shipper.replay.captures import STDIN, open_capture

EXAMPLES: Final = """Examples:

`shipper anonymise haproxy.log.gz -o shared.log`

`shipper anonymise --names --key "$KEY" monday.log tuesday.log > shared.log`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
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
    write_lines(_anonymised(files or [Path(STDIN)], work, keep_unparsed=keep_unparsed), output)


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
