"""The configuration: closed, frozen models, read from a TOML file, the environment and the command line.

1. Later sources win: defaults, the file, ``SHIPPER_…`` variables, flags.
2. An unknown key is an error that names the nearest known one.
3. A unit stands at the end of a name (`_s`, `_bytes`, `_days`).
4. ``Interpretation`` is the part that decides how a line is read. It is written into every journal segment, so that a
   line keeps the meaning it had when it came, whatever the configuration says later.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import zoneinfo
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import tzlocal
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from shipper import haproxy_files, limits, listen_url
from shipper.config_errors import ENV_DELIMITER, ENV_PREFIX, explain, explain_variable, refuse_unknown_variables
from shipper.errors import ConfigError
from shipper.haproxy.formats import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.cfg import DerivedFormat
    from shipper.listen_url import ListenUrl

_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DATE_FORMAT: Final = re.compile(r"(?:%Y|%m|%d|[._-])+")
_LABEL: Final = re.compile(r"[a-z0-9_]{1,64}")


def _zone(name: str) -> str:
    """Hold ``name`` to the IANA time zones that this machine knows."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; an IANA name like 'Europe/Berlin' is expected"
        msg = f"unknown time zone {name!r}{hint}"
        raise ValueError(msg) from None
    return name


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        msg = f"label {name!r} may hold only a-z, 0-9 and _, at most 64 of them"
        raise ValueError(msg)
    return name


def _port(url: str) -> int | None:
    """Give the port of a URL, None where there is none or it is no port."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _network(text: str) -> str:
    return str(ip_network(text, strict=False))


Zone = Annotated[str, AfterValidator(_zone)]
Network = Annotated[str, AfterValidator(_network)]
LabelName = Annotated[str, AfterValidator(_label)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Listener(_Closed):
    """Where lines come in."""

    url: str = "udp://127.0.0.1:5140"
    """`udp://` or `tcp://ADDRESS:PORT`, `unix-dgram://` or `unix:///PATH`, `file:///PATH` (may be a glob), `stdin:`."""
    timezone: Zone | None = None
    """The zone of the dates in the lines; by default `timezone`."""
    receive_buffer_bytes: PositiveInt = limits.RECEIVE_BUFFER_BYTES
    """Of `udp`: asked of the kernel (SO_RCVBUF); what it gave is logged."""
    socket_mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] = "0666"
    """Of `unix-dgram` and `unix`: who may send, as `chmod` takes it; by default everybody, as with `/dev/log`."""
    read_from: Literal["beginning", "end"] = "beginning"
    """Of `file`: what is read of files that are there when they are followed for the first time."""

    @cached_property
    def at(self) -> ListenUrl:
        """The parts of the URL."""
        return listen_url.parse(self.url)

    @property
    def host(self) -> str:
        """The address to bind, without brackets."""
        return self.at.host

    @property
    def port(self) -> int:
        """The port to bind; 0 lets the kernel choose."""
        return self.at.port

    @model_validator(mode="after")
    def _check(self) -> Listener:
        listen_url.parse(self.url)
        return self


class Sender(_Closed):
    """What is known of the machines that send."""

    network: Network
    """An address or a network: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`."""
    timezone: Zone
    """The zone of the dates in their lines."""


class Elasticsearch(_Closed):
    """How Elasticsearch is reached."""

    urls: tuple[str, ...] = ("http://127.0.0.1:9200",)
    """The nodes: `http://` or `https://`, with a port."""
    api_key: SecretStr | None = None
    """The encoded API key."""
    username: str | None = None
    """For basic authentication, with `password`."""
    password: SecretStr | None = None
    """For basic authentication, with `username`."""
    ca_file: Path | None = None
    """PEM file of the authority that signed the nodes' certificates."""
    request_timeout_s: PositiveFloat = 30.0
    """A request without an answer for this long has failed, and is sent again."""

    @model_validator(mode="after")
    def _check(self) -> Elasticsearch:
        if not self.urls:
            msg = "urls: at least one node is needed, like http://127.0.0.1:9200"
            raise ValueError(msg)
        for url in self.urls:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                msg = f"{url!r}: a URL like http://127.0.0.1:9200 is expected"
                raise ValueError(msg)
            if _port(url) is None:
                msg = f"{url!r}: a port is missing, like {parts.scheme}://{parts.hostname}:9200"
                raise ValueError(msg)
            if parts.username or parts.password:
                msg = "urls: credentials do not belong into a URL; set username and password, or api_key"
                raise ValueError(msg)
        if (self.username is None) != (self.password is None):
            msg = "username and password go together"
            raise ValueError(msg)
        if self.api_key is not None and self.username is not None:
            msg = "api_key and username exclude each other"
            raise ValueError(msg)
        return self


class Index(_Closed):
    """Which index a line goes to."""

    prefix: str = "haproxy"
    """What the daily indices' names begin with: `haproxy` makes `haproxy-2026.11.21`."""
    date_format: str = "%Y.%m.%d"
    """How the day (UTC) is written: `%Y`, `%m`, `%d` and `.`, `-`, `_`."""
    accept_past_days: Annotated[float, Field(ge=0)] | None = 30.0
    """A live line with an older time goes to the index of its receipt, with `haproxy.time_suspect`."""
    accept_future_days: Annotated[float, Field(ge=0)] | None = 1.0
    """The same for a time to come."""

    @model_validator(mode="after")
    def _check(self) -> Index:
        if not _PREFIX.fullmatch(self.prefix):
            msg = f"prefix {self.prefix!r}: begin with a-z or 0-9, go on with a-z, 0-9, '.', '_', '-', at most 100"
            raise ValueError(msg)
        if self.prefix.startswith("logs-"):
            msg = f"prefix {self.prefix!r}: names like logs-*-* are data streams in Elasticsearch; choose another"
            raise ValueError(msg)
        if not _DATE_FORMAT.fullmatch(self.date_format) or any(p not in self.date_format for p in ("%Y", "%m", "%d")):
            msg = f"date_format {self.date_format!r}: %Y, %m and %d are all needed, with only '.', '-', '_' between"
            raise ValueError(msg)
        return self

    @property
    def pattern(self) -> str:
        """The index pattern that covers every daily index."""
        return f"{self.prefix}-*"


class Journal(_Closed):
    """The lines on disk that are not yet settled."""

    bytes_max: PositiveInt = limits.JOURNAL_BYTES_MAX
    """The bound of all segments; never more than half of what is free at the start."""
    segment_bytes: Annotated[int, Field(ge=limits.MIB, le=limits.GIB)] = limits.SEGMENT_BYTES
    """A segment is closed at this size, and deleted when all of it is settled."""
    sync: Literal["always", "never"] | Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(ms|s)$")] = "1s"
    """When written lines are forced to the disk: `always`, `never`, or an interval like `1s`, `200ms`."""

    @property
    def sync_interval_s(self) -> float | None:
        """Seconds between two syncs: 0 is after each write, None is never."""
        if self.sync in {"always", "never"}:
            return 0.0 if self.sync == "always" else None
        return float(self.sync[:-2]) / 1000 if self.sync.endswith("ms") else float(self.sync[:-1])


class Delivery(_Closed):
    """How documents are sent."""

    batch_lines_max: PositiveInt = limits.BATCH_LINES_MAX
    """Lines in one bulk request, at most; one journal entry, of up to 2,047 lines, is never split."""
    linger_s: Annotated[float, Field(ge=0)] = 0.2
    """A line waits at most this long for others to share its request."""
    requests_in_flight_max: PositiveInt = limits.REQUESTS_IN_FLIGHT_MAX
    """Bulk requests at the same time."""
    unsettled_bytes_max: PositiveInt = limits.UNSETTLED_BYTES_MAX
    """Bytes in memory that are sent or wait to be sent again."""
    retry_delay_s_min: PositiveFloat = limits.RETRY_DELAY_S_MIN
    """The first back-off."""
    retry_delay_s_max: PositiveFloat = limits.RETRY_DELAY_S_MAX
    """The longest back-off."""
    pause_delay_s: PositiveFloat = limits.PAUSE_DELAY_S
    """Between two tries while delivery is paused."""
    park_after_s: PositiveFloat = limits.PARK_AFTER_S
    """An item that is refused for this long while others settle is parked."""
    fuse_share_max: Annotated[float, Field(gt=0, le=1)] = limits.FUSE_SHARE_MAX
    """The share of an index's last 1,000 items that may become dead letters for one reason before it is held."""


class DeadLetters(_Closed):
    """What Elasticsearch refused for good."""

    bytes_max: PositiveInt = limits.DEAD_LETTERS_BYTES_MAX
    """The bound of all files; delivery pauses there."""


class Interpretation(_Closed):
    """Everything that decides how a line becomes a document. Travels in each journal segment's header."""

    version: Literal[1] = 1
    """Of this structure."""
    listener_zones: tuple[Zone, ...] = ()
    """The zone of each listener, by its number."""
    senders: tuple[Sender, ...] = ()
    """Zones by network; the longest prefix wins."""
    formats: tuple[Format, ...] = ()
    """Tried in this order, before the stock ones."""
    index: Index = Index()
    """Which index a line goes to."""
    keep_original: Literal["unparsed", "always", "never"] = "unparsed"
    """Whose raw line stands in `event.original`; `unparsed` takes in lines that were cut."""
    labels: dict[LabelName, str] = {}
    """Constants that every document carries under `labels`."""

    @cached_property
    def _networks(self) -> list[tuple[IPv4Network | IPv6Network, str]]:
        return [(ip_network(sender.network), sender.timezone) for sender in self.senders]

    def zone_of(self, listener: int, address: str) -> str:
        """Give the IANA zone of the dates in what ``address`` sends to a listener.

        The longest network of ``senders`` that holds the address decides, or else the listener, or else it is UTC.
        """
        try:
            sender = ip_address(address)
        except ValueError:
            networks = []
        else:
            networks = [(network, zone) for network, zone in self._networks if sender in network]
        if networks:
            return max(networks, key=lambda known: known[0].prefixlen)[1]
        return self.listener_zones[listener] if listener < len(self.listener_zones) else "UTC"


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
    keep_original: Literal["unparsed", "always", "never"] = "unparsed"
    """Whose raw line stands in `event.original`: of lines not wholly understood (cut ones too), of all, of none."""
    labels: Annotated[dict[LabelName, str], Field(max_length=limits.LABELS_MAX)] = {}
    """Constants that every document carries under `labels`."""
    require_template: bool = True
    """Refuse to ship while the index template is missing or differs from this version's."""
    shutdown_timeout_s: Annotated[float, Field(ge=0)] = 30.0
    """How long a stop waits for Elasticsearch; the rest stays in the journal."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe of shipper's own log events that is written."""

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
        """Read what `haproxy_cfg` names, so that what happens to these files later does not count."""
        found = haproxy_files.formats(self.haproxy_cfg, os.environ)
        formats = (*self.formats, *map(_derived, found))
        return self.model_copy(update={"formats": formats, "haproxy_cfg": ()})

    def interpretation(self) -> Interpretation:
        """Give the part of the configuration that a line's meaning hangs on. Raises ConfigError for `haproxy_cfg`."""
        return Interpretation(
            listener_zones=tuple(listener.timezone or self.zone for listener in self.listeners),
            senders=self.senders,
            formats=self.resolved().formats,
            index=self.index,
            keep_original=self.keep_original,
            labels=self.labels,
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
        return _zone(tzlocal.get_localzone_name())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        msg = "cannot tell this machine's time zone; set timezone, like 'Europe/Berlin' (flag --timezone)"
        raise ConfigError(msg) from error


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """Read the configuration from ``file``, the environment and ``flags`` (nested as the models are).

    Raises ConfigError, which names each wrong key, where it stands and what would be right.
    """
    if file is not None and not file.is_file():
        msg = f"configuration file {file}: no such file"
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
        msg = f"configuration file {file}: {error}"
        raise ConfigError(msg) from error
