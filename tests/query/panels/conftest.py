"""One filled Elasticsearch for all tests of the panels, which only read."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from shipper.elastic import Client
from shipper.setup import install
from tests.conftest import delete_all
from tests.query.lines import index_direct, settings
from tests.query.panels.site import Site, loaded, made

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def site(elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a site's traffic of two hours."""
    prefix = f"test-{secrets.token_hex(6)}"
    config = settings(elasticsearch_url, prefix)
    client = Client(config.elasticsearch)
    install(client, config.index)
    documents = made(config, tmp_path_factory.mktemp("site"))
    index_direct(client, documents)
    client.request("POST", f"/{prefix}-*/_refresh")
    yield Site(config, client, loaded(documents))
    client.close()
    with Elasticsearch(elasticsearch_url) as admin:
        delete_all(admin.options(ignore_status=404), f"{prefix}*")
