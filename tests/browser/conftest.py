"""A dashboard over the traffic of a site, for the tests that look at its page."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from tests.browser.dashboard_site import fill, served
from tests.conftest import delete_all

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def dashboard_url(elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a dashboard over two hours of a site's traffic, which tests only read."""
    folder = tmp_path_factory.mktemp("dashboard")
    prefix = f"test-{secrets.token_hex(6)}"
    fill(elasticsearch_url, prefix, folder)
    with served(elasticsearch_url, prefix, folder) as url:
        yield url
    with Elasticsearch(elasticsearch_url) as admin:
        delete_all(admin.options(ignore_status=404), f"{prefix}*")
