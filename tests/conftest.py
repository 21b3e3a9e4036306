"""The real parts that tests share: Elasticsearch, HAProxy and Chromium.

1. ``ELASTICSEARCH_URL`` names an Elasticsearch that is already there. Tests then work under a random prefix, delete
   only what they made, change no setting of the cluster, and skip what needs a node of its own.
2. Without it one local Elasticsearch serves the whole session.
3. A real part that is missing skips its tests with the reason; under ``CI`` it fails them.
4. One browser serves the session, because playwright runs once in a thread. A page that logs an error, or raises one,
   fails its test. What these tests bring along (axe, vega) comes from ``browser/package-lock.json``: ``npm ci``.
5. No example of a property has a deadline, nor has its making: other work may share the machine. A test as a whole has
   its time-out.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

import pytest
from elasticsearch import Elasticsearch
from hypothesis import HealthCheck, settings
from playwright.sync_api import sync_playwright

from deploy.local_elasticsearch import LocalElasticsearch, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

_TEST_HEAP = "512m"
_NODE_MODULES: Final = Path(__file__).parent / "browser" / "node_modules"
_LONG: Final = {"browser", "chaos", "deploy", "end_to_end", "fuzz"}
_CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class OwnElasticsearch(Protocol):
    """Starts an Elasticsearch for one test; arguments as those of ``LocalElasticsearch``."""

    def __call__(self, **arguments: Any) -> LocalElasticsearch: ...  # noqa: ANN401 -- each argument has its own type there


@pytest.hookimpl(trylast=True)  # behind the shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real part by the fixtures that it asks for, and put first what takes long.

    A file is one worker's: a long one that comes last would keep the others waiting.
    """
    items.sort(key=lambda item: _LONG.isdisjoint(item.path.parts))
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a browser for the whole session."""
    binary = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if binary is None:
        cannot_run("there is no chromium; install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a fresh profile: no cookies, no storage, dates in UTC."""
    made = browser.new_context(timezone_id="UTC", locale="en-GB", viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Yield a page of which any error fails the test."""
    errors: list[str] = []
    made = context.new_page()

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            errors.append(message.text)

    made.on("console", listen)
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    assert errors == []


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Give the folder of the npm packages that the tests bring along."""
    if not _NODE_MODULES.is_dir():
        cannot_run("the npm packages of the browser tests are missing; run make fetch (it needs npm)")
    return _NODE_MODULES


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
