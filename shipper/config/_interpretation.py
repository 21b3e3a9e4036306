"""The part of the configuration that decides how a line becomes a document."""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

from pydantic import Field, SecretStr

from shipper.config._sections import Index, SenderZone
from shipper.config._values import Closed, LabelName, Zone
from shipper.haproxy.formats import Format
from shipper.haproxy.privacy_rules import Rules


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
