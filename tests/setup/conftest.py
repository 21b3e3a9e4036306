"""Fixtures of the tests that set up a real Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper import config
from shipper.elastic import Client
from shipper.setup import install

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(elasticsearch_url: str) -> Iterator[Client]:
    connected = Client(config.Elasticsearch(urls=(elasticsearch_url,)))
    yield connected
    connected.close()


@pytest.fixture
def index(index_prefix: str) -> config.Index:
    return config.Index(prefix=index_prefix)


@pytest.fixture
def installed(client: Client, index: config.Index) -> config.Index:
    """The index configuration, with its templates in place."""
    install(client, index)
    return index
