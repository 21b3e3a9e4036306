"""Fixtures of the tests that read from a real Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper.elastic import Client
from shipper.setup import install
from tests.query.lines import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.config import Config


@pytest.fixture
def config(elasticsearch_url: str, index_prefix: str) -> Config:
    return settings(elasticsearch_url, index_prefix)


@pytest.fixture
def client(config: Config) -> Iterator[Client]:
    connected = Client(config.elasticsearch)
    install(connected, config.index)
    yield connected
    connected.close()
