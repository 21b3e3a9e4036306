"""`shipper config`: what holds and what set it, a file to begin with, and a schema for editors."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from shipper import config as configuration
from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._lines import STDIN
from shipper.errors import ConfigError

SHOW_EXAMPLES: Final = """Examples:

`shipper config show`

`shipper config show -c /etc/shipper/shipper.toml --changed`

`SHIPPER_JOURNAL__SYNC=always shipper config show | grep SHIPPER_`"""
INIT_EXAMPLES: Final = """Examples:

`shipper config init`

`shipper config init /etc/shipper/shipper.toml`

`shipper config init - | less`"""
SCHEMA_EXAMPLES: Final = """Examples:

`shipper config schema > shipper.schema.json`

With `#:schema ./shipper.schema.json` as its first line, editors that know TOML complete and check the file."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

app = options.typer_app(no_args_is_help=True, help="Look at the configuration, or begin one.")


@app.command(epilog=SHOW_EXAMPLES)
@taking(given=options.RUN)
def show(
    given: options.Given,
    *,
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not the default.")] = False,
) -> None:
    """Print every setting as `shipper run` would have it with the same flags, and what set it; secrets are hidden.

    What is printed is a configuration file.
    """
    settings = configuration.settings_of(given.load(), given.file, given.as_settings())
    typer.echo(configuration.as_toml([each for each in settings if not changed or each.is_changed]), nl=False)


@app.command(epilog=INIT_EXAMPLES)
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE|-]", help="The new file; `-`: standard output.")] = Path(
        "shipper.toml"
    ),
) -> None:
    """Write a configuration file to begin with: every setting with its default, and what it is for.

    A file that exists is left alone.
    """
    if str(file) == STDIN:
        typer.echo(configuration.example(), nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(configuration.example())
    except FileExistsError:
        raise ConfigError(f"{file} exists, and is left as it is; name another file, or remove it first") from None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    typer.echo(f"{file} is written. Next: edit it, then shipper check -c {file}")


@app.command(epilog=SCHEMA_EXAMPLES)
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors and for checks elsewhere."""
    found = {"$schema": _DIALECT, **configuration.Config.model_json_schema(), "title": "shipper"}
    typer.echo(json.dumps(found, indent=2))
