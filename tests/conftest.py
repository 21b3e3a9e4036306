"""The real parts that tests share: Elasticsearch and HAProxy.

1. ``ELASTICSEARCH_URL`` names an Elasticsearch that is already there. Tests then work under a random prefix, delete
   only what they made, change no setting of the cluster, and skip what needs a node of its own.
2. Without it one local Elasticsearch serves the whole session.
3. A real part that is missing skips its tests with the reason; under ``CI`` it fails them.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest
from elasticsearch import Elasticsearch

from deploy.local_elasticsearch import LocalElasticsearch, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEST_HEAP = "512m"


class OwnElasticsearch(Protocol):
    """Starts an Elasticsearch for one test; arguments as those of ``LocalElasticsearch``."""

    def __call__(self, **arguments: Any) -> LocalElasticsearch: ...  # noqa: ANN401 -- each argument has its own type there


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real part by the fixtures that it asks for."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "elasticsearch_url" in fixtures:
            item.add_marker(pytest.mark.elasticsearch)
        if "own_elasticsearch" in fixtures:
            item.add_marker(pytest.mark.own_node)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail under CI, what cannot run here."""
    if item.get_closest_marker("own_node") and os.environ.get("ELASTICSEARCH_URL"):
        pytest.skip("needs an Elasticsearch node of its own, and ELASTICSEARCH_URL names one that is not ours")
    if item.get_closest_marker("haproxy") and haproxy_binary() is None:
        cannot_run("there is no haproxy binary; install it (Debian: apt-get install haproxy)")


def haproxy_binary() -> str | None:
    """Return the path of haproxy, which is often installed where PATH does not look."""
    return shutil.which("haproxy", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """Yield the URL of an Elasticsearch that all tests share."""
    url = os.environ.get("ELASTICSEARCH_URL")
    if url:
        yield url
        return
    with ExitStack() as stack:
        yield _start(stack, heap=_TEST_HEAP, quick_start=True).url


@pytest.fixture
def own_elasticsearch() -> Iterator[OwnElasticsearch]:
    """Yield a function that starts an Elasticsearch for this test alone, which may change and kill it."""
    with ExitStack() as stack:

        def start(**arguments: Any) -> LocalElasticsearch:  # noqa: ANN401 -- each argument has its own type there
            return _start(stack, **{"heap": _TEST_HEAP, "quick_start": True, **arguments})

        yield start


@pytest.fixture
def index_prefix(elasticsearch_url: str) -> Iterator[str]:
    """Yield a random prefix; indices and templates whose names begin with it are deleted afterwards."""
    prefix = f"test-{secrets.token_hex(6)}"
    yield prefix
    with Elasticsearch(elasticsearch_url) as client:
        delete_all(client.options(ignore_status=404), f"{prefix}*")


def delete_all(client: Elasticsearch, pattern: str) -> None:
    """Delete by full name what the pattern finds: a cluster may refuse wildcards. Nothing found is a 404."""
    for index in client.indices.get(index=pattern, expand_wildcards="all"):
        client.indices.delete(index=index)
    for template in client.indices.get_index_template(name=pattern)["index_templates"]:
        client.indices.delete_index_template(name=template["name"])
    for template in client.cluster.get_component_template(name=pattern)["component_templates"]:
        client.cluster.delete_component_template(name=template["name"])


def _start(stack: ExitStack, **arguments: Any) -> LocalElasticsearch:  # noqa: ANN401 -- as above
    try:
        return stack.enter_context(LocalElasticsearch(**arguments))
    except Unavailable as error:
        cannot_run(str(error))


def cannot_run(reason: str) -> NoReturn:
    """Skip a test that cannot run here, or fail it under CI."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
