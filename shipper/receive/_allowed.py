"""Who may send to a listener: addresses and networks; nobody is asked twice.

A refused address is said once, as far as so many can be remembered.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import structlog

from shipper.limits import SENDERS_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = structlog.get_logger()


class Allowed:
    """Tells whether an address may send. Without ``networks`` every one may."""

    def __init__(self, networks: Sequence[str], url: str) -> None:
        self._url = url
        self.change(networks)

    def change(self, networks: Sequence[str]) -> None:
        """Let these be the ones that may."""
        self._networks = [ip_network(network) for network in networks]
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        return self._judge(address) if known is None else known

    def _judge(self, address: str) -> bool:
        sender = ip_address(address.partition("%")[0])
        allowed = any(sender in network for network in self._networks)
        if len(self._known) < SENDERS_REMEMBERED_MAX:
            self._known[address] = allowed
            if not allowed:
                _log.warning("sender_refused", url=self._url, sender=address, hint="it is in no network of `allow`")
        return allowed
