"""The settings that commands take as flags.

1. A flag is said here once. A command names those that it takes with ``@taking(given=settings("state_dir"))``, and has
   ``--config`` as well.
2. Flags go before the environment, and that before the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import ValidationError

from shipper import config
from shipper.cli._flags import Group
from shipper.errors import ConfigError
from shipper.haproxy.formats import Format, compile_format
from shipper.haproxy.stock import NEVER_GUESSED, STOCK_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SOURCE: Final = "Where settings come from"
_OFTEN: Final = "Settings people change most"
_STOCK_NAMES: Final = frozenset(STOCK_FORMATS | NEVER_GUESSED)

_FLAGS: Final[Mapping[str, Any]] = {
    "config": Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            envvar=config.ENV_FILE,
            help="A TOML file; the environment, like SHIPPER_JOURNAL__SYNC, and flags go before it.",
            rich_help_panel=_SOURCE,
        ),
    ],
    "listen": Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Like udp://ADDRESS:PORT, tcp://…, unix-dgram:///PATH, file:///PATH, stdin:; may be repeated.",
            rich_help_panel=_OFTEN,
        ),
    ],
    "elasticsearch": Annotated[
        list[str] | None,
        typer.Option(
            "--elasticsearch",
            "-e",
            metavar="URL",
            help="A node, like http://127.0.0.1:9200; may be repeated.",
            rich_help_panel=_OFTEN,
        ),
    ],
    "index_prefix": Annotated[
        str | None,
        typer.Option(metavar="NAME", help="`haproxy` makes haproxy-2026.11.21.", rich_help_panel=_OFTEN),
    ],
    "state_dir": Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The journal, and what goes with it.", rich_help_panel=_OFTEN),
    ],
    "timezone": Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Of the dates in the lines, like Europe/Berlin; by default this machine's.",
            rich_help_panel=_OFTEN,
        ),
    ],
    "log_level": Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="debug, info, warning or error.", rich_help_panel=_OFTEN),
    ],
    "log_format": Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME|LOG-FORMAT",
            help="A format by its name, like tcplog, or a log-format string; tried before all others.",
            rich_help_panel=_OFTEN,
        ),
    ],
    "haproxy_cfg": Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|DIR",
            help="HAProxy's configuration, for its formats and the names of captures; may be repeated.",
            rich_help_panel=_OFTEN,
        ),
    ],
}

_NESTED: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "listen": lambda urls: {"listeners": [{"url": url} for url in urls]},
    "elasticsearch": lambda urls: {"elasticsearch": {"urls": urls}},
    "index_prefix": lambda name: {"index": {"prefix": name}},
}
"""The flags that are not settings by their own names."""


def typer_app(*, add_completion: bool = False, **settings: Any) -> typer.Typer:  # noqa: ANN401 -- typer's own
    """Make a command, or a group of some, of the ways that all have."""
    return typer.Typer(
        add_completion=add_completion, pretty_exceptions_enable=False, rich_markup_mode="markdown", **settings
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of settings."""

    file: Path | None
    flags: Mapping[str, Any]
    """Those that were given, by the names of ``settings``."""

    def as_settings(self) -> dict[str, Any]:
        """Give the settings that were given as flags, nested as the configuration is."""
        found: dict[str, Any] = {}
        for name, value in self.flags.items():
            if name != "log_format":
                found |= _NESTED[name](value) if name in _NESTED else {name: value}
        return found

    def load(self, **more: dict[str, Any]) -> config.Config:
        """Put the flags, and ``more`` settings of a command's own, on top of the file and the environment.

        Raises ConfigError.
        """
        return _with_format(config.load(self.file, self.as_settings() | more), self.flags.get("log_format"))


def _given(flags: dict[str, Any]) -> Given:
    return Given(flags.pop("config", None), flags)


def settings(*names: str) -> Group:
    """Give the flags of these settings, and `--config`, which together are a ``Given``."""
    return Group({name: _FLAGS[name] for name in ("config", *names)}, _given)


RUN: Final = settings("listen", "elasticsearch", "index_prefix", "state_dir", "timezone", "log_level", "haproxy_cfg")
"""Those of `shipper run`."""
CAPTURED: Final = settings("elasticsearch", "index_prefix", "state_dir", "timezone", "log_format", "haproxy_cfg")
"""Those of commands that hold captured lines and Elasticsearch together."""


def _with_format(settings: config.Config, named: str | None) -> config.Config:
    """Put a format in front of all others: one of the configuration, a stock one, or a log-format string.

    Says on stderr where lines of it may be ambiguous. Raises ConfigError, with the place, where no line could be read.
    """
    if named is None:
        return settings
    first = next((known for known in settings.formats if known.name == named), None)
    try:
        first = first or Format(name=named if named in _STOCK_NAMES else "custom", log_format=named)
    except ValidationError as error:
        raise ConfigError(f"--format: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error
    for warning in compile_format(first).plan.warnings:
        typer.echo(f"shipper: --format: {warning}", err=True)
    return settings.model_copy(update={"formats": (first, *settings.formats)})
