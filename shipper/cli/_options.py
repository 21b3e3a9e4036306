"""The options that several commands share, and how they become configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer
from pydantic import ValidationError

from shipper import config
from shipper.config._errors import ENV_FILE
from shipper.errors import ConfigError
from shipper.haproxy.formats import Format, compile_format
from shipper.haproxy.stock import NEVER_GUESSED, STOCK_FORMATS

_SOURCE: Final = "Where settings come from"
STOCK_NAMES: Final = frozenset(STOCK_FORMATS | NEVER_GUESSED)
_OFTEN: Final = "Settings people change most"

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        envvar=ENV_FILE,
        help="A TOML file; the environment (SHIPPER_…) and flags go before it.",
        rich_help_panel=_SOURCE,
    ),
]
Listen: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--listen",
        metavar="URL",
        help="Like udp://ADDRESS:PORT, tcp://…, unix-dgram:///PATH, file:///PATH, stdin:; may be repeated.",
        rich_help_panel=_OFTEN,
    ),
]
Elasticsearch: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--elasticsearch",
        "-e",
        metavar="URL",
        help="A node, like http://127.0.0.1:9200; may be repeated.",
        rich_help_panel=_OFTEN,
    ),
]
IndexPrefix: TypeAlias = Annotated[
    str | None,
    typer.Option("--index-prefix", metavar="NAME", help="`haproxy` makes haproxy-2026.11.21.", rich_help_panel=_OFTEN),
]
StateDir: TypeAlias = Annotated[
    Path | None,
    typer.Option("--state-dir", metavar="DIR", help="The journal, and what goes with it.", rich_help_panel=_OFTEN),
]
Timezone: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        help="Of the dates in the lines, like Europe/Berlin; by default this machine's.",
        rich_help_panel=_OFTEN,
    ),
]
LogLevel: TypeAlias = Annotated[
    str | None,
    typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.", rich_help_panel=_OFTEN),
]

LogFormat: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME|LOG-FORMAT",
        help="A format by its name, like tcplog, or a log-format string; tried before all others.",
        rich_help_panel=_OFTEN,
    ),
]
HAProxyCfg: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--haproxy-cfg",
        metavar="FILE|DIR",
        help="HAProxy's configuration, for its formats and the names of captures; may be repeated.",
        rich_help_panel=_OFTEN,
    ),
]


def typer_app(*, add_completion: bool = False, **settings: Any) -> typer.Typer:  # noqa: ANN401 -- typer's own
    """Make a command, or a group of some, of the ways that all have."""
    return typer.Typer(
        add_completion=add_completion, pretty_exceptions_enable=False, rich_markup_mode="markdown", **settings
    )


def load(file: Path | None, **flags: Any) -> config.Config:  # noqa: ANN401 -- those of ``as_settings``
    """Put flags on top of the file and the environment. Raises ConfigError."""
    return config.load(file, as_settings(**flags))


def as_settings(  # noqa: PLR0913 -- each is a flag
    *,
    listen: list[str] | None = None,
    elasticsearch: list[str] | None = None,
    index_prefix: str | None = None,
    state_dir: Path | None = None,
    timezone: str | None = None,
    log_level: str | None = None,
    haproxy_cfg: list[Path] | None = None,
    dashboard: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Give the settings that were given as flags, nested as the configuration is."""
    flags: dict[str, Any] = {
        "listeners": [{"url": url} for url in listen] if listen else None,
        "elasticsearch": {"urls": elasticsearch} if elasticsearch else None,
        "index": {"prefix": index_prefix} if index_prefix else None,
        "state_dir": state_dir,
        "timezone": timezone,
        "log_level": log_level,
        "haproxy_cfg": haproxy_cfg or None,
        "dashboard": dashboard or None,
    }
    return {key: value for key, value in flags.items() if value is not None}


def with_format(settings: config.Config, named: str | None) -> config.Config:
    """Put a format in front of all others: one of the configuration, a stock one, or a log-format string.

    Says on stderr where lines of it may be ambiguous. Raises ConfigError, with the place, where no line could be read.
    """
    if named is None:
        return settings
    first = next((known for known in settings.formats if known.name == named), None)
    try:
        first = first or Format(name=named if named in STOCK_NAMES else "custom", log_format=named)
    except ValidationError as error:
        raise ConfigError(f"--format: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error
    for warning in compile_format(first).plan.warnings:
        typer.echo(f"shipper: --format: {warning}", err=True)
    return settings.model_copy(update={"formats": (first, *settings.formats)})
