"""What a line is read with: the part of the configuration that decides how it becomes a document.

It is written into every journal segment, so that a line keeps the meaning it had when it came.
"""

from __future__ import annotations

import re
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, model_validator

from shipper.closed import Closed, LabelName, Network, Zone
from shipper.haproxy.formats import Format
from shipper.haproxy.privacy_rules import Rules

_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DATE_FORMAT: Final = re.compile(r"(?:%Y|%m|%d|[._-])+")


class SenderZone(Closed):
    """The zone of the dates in the lines of a network."""

    network: Network
    timezone: Zone


class Index(Closed):
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


class Interpretation(Closed):
    """Everything that decides how a line becomes a document. Travels in each journal segment's header."""

    version: Literal[1] = 1
    """Of this structure."""
    listener_zones: tuple[Zone, ...] = ()
    """The zone of each listener, by its number."""
    senders: tuple[SenderZone, ...] = ()
    """Zones by network; the longest prefix wins."""
    formats: tuple[Format, ...] = ()
    """Tried in this order, before the stock ones."""
    index: Index = Index()
    """Which index a line goes to."""
    keep_original: Literal["unparsed", "always", "never"] = "unparsed"
    """Whose raw line stands in `event.original`; `unparsed` takes in lines that were cut."""
    labels: dict[LabelName, str] = Field(default_factory=dict)
    """Constants that every document carries under `labels`."""
    privacy: Rules = Rules()
    """What is hidden."""
    privacy_key: SecretStr | None = Field(default=None, exclude=True)
    """The key of the hashes. It is not written: who reads the journal must not learn what hides later lines."""

    def with_key(self, key: SecretStr | None) -> Interpretation:
        """Give what was read from a segment with today's key."""
        return self.model_copy(update={"privacy_key": key})

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
