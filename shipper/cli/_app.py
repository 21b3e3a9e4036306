"""The commands, each in a module of its own. Each turns its arguments into configuration, and hands it to the pipeline.

A module is imported when its command is called: the service needs little of what all commands need together.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from shipper.cli import _options as options
from shipper.cli._version import version
from shipper.errors import ConfigError, ShipperError

if TYPE_CHECKING:
    from typer._click import Command, Context

_COMMANDS: Final = (
    "run",
    "setup",
    "check",
    "parse",
    "explain",
    "doctor",
    "prune",
    "reload",
    "replay",
    "status",
    "stress",
    "verify",
    "percentiles",
    "dashboard",
    "generate",
    "anonymise",
    "tap",
    "top",
    "config",
    "journal",
    "dead-letters",
    "version",
)


class _Commands(TyperGroup):
    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 -- the base's own
        super().__init__(**settings)
        self.commands = dict.fromkeys(_COMMANDS)  # type: ignore[assignment]  # the base asks only for the names

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002 -- the base's signature
        if cmd_name not in self.commands:
            return None
        command = get_command(import_module("shipper.cli._" + cmd_name.replace("-", "_")).app)
        command.name = cmd_name
        return command


app = options.typer_app(
    name="shipper",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Ships HAProxy's logs to Elasticsearch: understands every line, loses none, says what it does.",
    epilog="""Begin with `shipper check`, then `shipper setup`, then `shipper run`.

Settings stand in a file (`shipper config init` writes one) or in the environment: SHIPPER_ELASTICSEARCH__API_KEY is
`api_key` of `[elasticsearch]`. Flags go before both. `shipper config show` says what holds.

Exit codes: 0 done; 1 something was found or refused, or does not answer; 2 the command line or the configuration is
wrong; 70 of `run`: what starting again would not mend.""",
)


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
