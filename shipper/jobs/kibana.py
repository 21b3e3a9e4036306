"""Kibana's part of `shipper setup`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from shipper.elastic import Client
from shipper.setup import import_dashboards, reach_kibana

if TYPE_CHECKING:
    from shipper.config import Config
    from shipper.setup import Change


def import_into_kibana(config: Config, url: str) -> Change:
    """Put the dashboards into the Kibana at `url`; give what changed. Raises ConfigError, Retryable or Permanent."""
    settings = reach_kibana(config.elasticsearch, url)
    with closing(Client(settings, called="Kibana")) as client:
        return import_dashboards(client, config.index, url=settings.urls[0])
