"""What documents say beyond their lines, and from which files."""

from __future__ import annotations

from pathlib import Path

from shipper.closed import Closed


class Enrichment(Closed):
    """What documents say beyond their lines; it needs the extra `enrichment`."""

    geo_file: Path | None = None
    """A MaxMind DB of cities or countries: where `source.ip` is."""
    asn_file: Path | None = None
    """A MaxMind DB of autonomous systems: whose `source.ip` is."""
    user_agents: bool = False
    """Whether a captured `User-Agent` is taken apart: program, system, device."""

    @property
    def active(self) -> bool:
        """Say whether there is anything to add."""
        return self.geo_file is not None or self.asn_file is not None or self.user_agents
