"""The configuration: closed, frozen models, read from a TOML file, the environment and the command line.

1. Later sources win: defaults, the file, ``SHIPPER_…`` variables, flags.
2. An unknown key is an error that names the nearest known one.
3. A unit stands at the end of a name (`_s`, `_bytes`, `_days`).
4. ``Interpretation`` is the part that decides how a line is read. It is written into every journal segment, so that a
   line keeps the meaning it had when it came, whatever the configuration says later.
"""

from __future__ import annotations

import os
import tomllib
import zoneinfo
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tzlocal
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from shipper import haproxy_files, limits
from shipper.closed import LabelName, Zone, known_zone
from shipper.config._dashboard import Dashboard
from shipper.config._elasticsearch import Elasticsearch
from shipper.config._enrichment import Enrichment
from shipper.config._errors import (
    ENV_DELIMITER,
    ENV_FILE,
    ENV_PREFIX,
    explain,
    explain_variable,
    refuse_unknown_variables,
)
from shipper.config._example import example
from shipper.config._metrics import Metrics
from shipper.config._origins import Setting, as_toml, settings_of
from shipper.config._privacy import Privacy
from shipper.config._retention import Retention
from shipper.config._sections import DeadLetters, Delivery, Journal, Listener, Sender
from shipper.errors import ConfigError
from shipper.haproxy.formats import Format
from shipper.haproxy.interpretation import Index, Interpretation, SenderZone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.cfg import DerivedFormat

__all__ = [
    "ENV_FILE",
    "Config",
    "Dashboard",
    "DeadLetters",
    "Delivery",
    "Elasticsearch",
    "Enrichment",
    "Index",
    "Interpretation",
    "Journal",
    "Listener",
    "Metrics",
    "Privacy",
    "Retention",
    "Sender",
    "SenderZone",
    "Setting",
    "as_toml",
    "example",
    "load",
    "machine_zone",
    "settings_of",
]


class Config(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        use_attribute_docstrings=True,
    )

    state_dir: Path = Path("/var/lib/shipper")
    """The folder of the journal, the commit record, parked documents and dead letters."""
    user: str | None = None
    """The user to become once the listeners are open, when started as root: for ports below 1024."""
    timezone: Zone | None = None
    """The zone of the dates in the lines; by default this machine's at start."""
    listeners: tuple[Listener, ...] = (Listener(),)
    """Where lines come in."""
    senders: tuple[Sender, ...] = ()
    """What is known of the machines that send."""
    formats: tuple[Format, ...] = ()
    """Log formats beside the stock ones; the first that fits a line wins."""
    haproxy_cfg: tuple[Path, ...] = ()
    """HAProxy's configuration, files and folders as its `-f` takes them: more formats, and the names of captures."""
    elasticsearch: Elasticsearch = Elasticsearch()
    """How Elasticsearch is reached."""
    index: Index = Index()
    """Which index a line goes to."""
    journal: Journal = Journal()
    """The lines on disk that are not yet settled."""
    delivery: Delivery = Delivery()
    """How documents are sent."""
    dead_letters: DeadLetters = DeadLetters()
    """What Elasticsearch refused for good."""
    dashboard: Dashboard = Dashboard()
    """The web page of `shipper dashboard`."""
    metrics: Metrics = Metrics()
    """Counters and health over HTTP."""
    keep_original: Literal["unparsed", "always", "never"] = "unparsed"
    """Whose raw line stands in `event.original`: of lines not wholly understood (cut ones too), of all, of none."""
    retention: Retention = Retention()
    """How long days are kept."""
    privacy: Privacy = Privacy()
    """What is hidden of the lines."""
    enrichment: Enrichment = Enrichment()
    """What documents say beyond their lines."""
    labels: Annotated[dict[LabelName, str], Field(max_length=limits.LABELS_MAX)] = {}
    """Constants that every document carries under `labels`."""
    require_template: bool = True
    """Refuse to ship while the index template is missing or differs from this version's."""
    shutdown_timeout_s: Annotated[float, Field(ge=0)] = 30.0
    """How long a stop waits for Elasticsearch; the rest stays in the journal."""
    engine: Literal["auto", "native", "python"] = "auto"
    """What encodes: the native engine where its wheel is installed (`auto`), only that, or never that."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe of shipper's own log events that is written."""

    @model_validator(mode="after")
    def _check(self) -> Config:
        copies = self.dead_letters.index
        if copies is not None and fnmatchcase(copies, self.index.pattern):
            msg = f"dead_letters.index {copies!r}: it would be among the days' indices, {self.index.pattern}"
            raise ValueError(msg)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the base's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the base's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, the environment, the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def zone(self) -> str:
        """The default zone by its IANA name; the machine's own where none is configured."""
        return self.timezone or machine_zone()

    def resolved(self) -> Config:
        """Read what decides over lines and lies in files, so that what happens to these later does not count.

        These are those that `haproxy_cfg` names, and `privacy.key_file`. Raises ConfigError.
        """
        found = haproxy_files.formats(self.haproxy_cfg, os.environ)
        formats = (*self.formats, *map(_derived, found))
        privacy = self.privacy.model_copy(update={"key": self.privacy.secret(), "key_file": None})
        return self.model_copy(update={"formats": formats, "haproxy_cfg": (), "privacy": privacy})

    def interpretation(self) -> Interpretation:
        """Give the part of the configuration that a line's meaning hangs on. Raises ConfigError for files."""
        resolved = self.resolved()
        return Interpretation(
            listener_zones=tuple(listener.timezone or self.zone for listener in self.listeners),
            senders=tuple(
                SenderZone(network=sender.network, timezone=sender.timezone)
                for sender in self.senders
                if sender.timezone is not None
            ),
            formats=resolved.formats,
            index=self.index,
            keep_original=self.keep_original,
            labels=self.labels,
            privacy=self.privacy.rules(),
            privacy_key=resolved.privacy.key,
        )


def _derived(found: DerivedFormat) -> Format:
    """Hold what was derived from a haproxy.cfg to what a configuration may say. Raises ConfigError."""
    try:
        return Format.model_validate(found, from_attributes=True)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigError(f"{found.place}: the format {found.name!r} cannot be used: {reasons}") from error


def machine_zone() -> str:
    """Give this machine's time zone by its IANA name."""
    try:
        return known_zone(tzlocal.get_localzone_name())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        msg = "cannot tell this machine's time zone; set timezone, like 'Europe/Berlin' (flag --timezone)"
        raise ConfigError(msg) from error


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """Read the configuration from ``file``, the environment and ``flags`` (nested as the models are).

    Raises ConfigError, which names each wrong key, where it stands and what would be right.
    """
    if file is not None and not file.is_file():
        msg = f"configuration file {file}: {'a folder or a pipe, and no file' if file.exists() else 'no such file'}"
        raise ConfigError(msg)

    class Loaded(Config):
        """Bound to one file: pydantic-settings takes the path from the class."""

        model_config = SettingsConfigDict(toml_file=file)

    refuse_unknown_variables(Config)
    try:
        return Loaded(**(flags or {}))
    except ValidationError as error:
        raise ConfigError(explain(error, file, Config)) from error
    except SettingsError as error:
        raise ConfigError(explain_variable(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        hint = "; are quotes missing?" if str(error).startswith(("Invalid value", "Expected newline")) else ""
        msg = f"configuration file {file}: {error}{hint}"
        raise ConfigError(msg) from error
