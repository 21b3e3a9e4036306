from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config
from shipper.errors import Retryable
from shipper.setup import Change, Problem, ensure_tomorrow, ready

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Index
    from shipper.elastic import Client

EVENING = datetime(2026, 11, 21, 23, 50, tzinfo=UTC)


class Scripted:
    """Answers by method, in the given words."""

    peer = "Elasticsearch (http://es:9200)"

    def __init__(self, **answers: tuple[int, object]) -> None:
        self._answers = answers

    def request(self, method: str, _path: str, _body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        return self._answers[method]


def stored_mapping(client: Client, index: Index) -> dict[str, Any]:
    _, answer = client.request("GET", f"/_component_template/{index.prefix}@mappings")
    mappings: dict[str, Any] = answer["component_templates"][0]["component_template"]["template"]["mappings"]
    return mappings


def store_mapping(client: Client, index: Index, mappings: Mapping[str, Any]) -> None:
    body = {"template": {"mappings": mappings}}
    assert client.request("PUT", f"/_component_template/{index.prefix}@mappings", body)[0] == 200


def test_an_index_to_come_is_ready_once_the_template_is_installed(client: Client, installed: Index) -> None:
    assert ready(client, f"{installed.prefix}-2026.11.21") is None


def test_an_index_to_come_is_held_while_the_template_is_missing(client: Client, index: Index) -> None:
    assert "run `shipper setup`" in str(ready(client, f"{index.prefix}-2026.11.21"))


def test_an_index_that_our_template_made_is_ready_even_when_the_template_is_gone(
    client: Client, installed: Index
) -> None:
    client.request("PUT", f"/{installed.prefix}-a")
    client.request("DELETE", f"/_index_template/{installed.prefix}")
    assert ready(client, f"{installed.prefix}-a") is None
    assert ready(client, f"{installed.prefix}-b") is not None


def test_an_index_with_another_timestamp_is_held(client: Client, index: Index) -> None:
    mappings = {"properties": {"@timestamp": {"type": "date"}}}
    client.request("PUT", f"/{index.prefix}-a", {"mappings": mappings})
    assert "another mapping of @timestamp" in str(ready(client, f"{index.prefix}-a"))


def test_an_index_without_a_timestamp_is_held(client: Client, index: Index) -> None:
    client.request("PUT", f"/{index.prefix}-a")
    assert "another mapping of @timestamp (none)" in str(ready(client, f"{index.prefix}-a"))


def test_an_older_or_another_template_holds_and_a_newer_one_does_not(client: Client, installed: Index) -> None:
    mappings = stored_mapping(client, installed)
    verdicts = []
    for stamp in ({"version": 0, "hash": "x"}, {"version": 1, "hash": "x"}, {"version": 10**6, "hash": "x"}):
        store_mapping(client, installed, {**mappings, "_meta": {"shipper": stamp}})
        verdicts.append(ready(client, f"{installed.prefix}-a"))
    older, other, newer = verdicts
    assert "older shipper" in str(older)
    assert "another template than this version's" in str(other)
    assert newer is None


def test_the_users_own_timestamp_holds(client: Client, installed: Index) -> None:
    own = {"template": {"mappings": {"properties": {"@timestamp": {"type": "date"}}}}}
    client.request("PUT", f"/_component_template/{installed.prefix}@custom", own)
    assert "custom component template" in str(ready(client, f"{installed.prefix}-a"))


def test_a_server_that_cannot_tell_holds_with_its_reason() -> None:
    refusal = (403, {"error": {"type": "security_exception", "reason": "not for you"}})
    assert "403 security_exception: not for you" in str(ready(Scripted(GET=refusal), "haproxy-a"))
    assert "403 security_exception: not for you" in str(ready(Scripted(GET=(404, {}), POST=refusal), "haproxy-a"))


@pytest.mark.parametrize(
    "page", ["<html>", None, [], {"haproxy-a": None}, {"haproxy-a": {"mappings": None}}, {"haproxy-a": {"mappings": 1}}]
)
def test_a_page_that_is_not_elasticsearchs_says_nothing_of_an_index(page: object) -> None:
    with pytest.raises(Retryable):
        ready(Scripted(GET=(200, page)), "haproxy-a")
    with pytest.raises(Retryable):
        ensure_tomorrow(Scripted(GET=(200, page)), config.Index(), EVENING)


@pytest.mark.parametrize("page", ["<html>", None, {"template": None}, {"template": {"mappings": []}}])
def test_a_page_in_place_of_a_simulation_says_nothing_of_an_index(page: object) -> None:
    with pytest.raises(Retryable):
        ready(Scripted(GET=(404, {}), POST=(200, page)), "haproxy-a")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_is_busy_says_nothing_of_an_index(status: int) -> None:
    busy = (status, {"error": {"type": "es_rejected_execution_exception", "reason": "queue"}})
    for answers in ({"GET": busy}, {"GET": (404, {}), "POST": busy}):
        said = rf"{status} es_rejected_execution_exception: queue, from Elasticsearch \(http://es:9200\)"
        with pytest.raises(Retryable, match=said):
            ready(Scripted(**answers), "haproxy-a")


def test_a_404_to_a_simulation_is_not_elasticsearchs_and_says_nothing_of_an_index() -> None:
    with pytest.raises(Retryable, match="knows no simulation: status 404"):
        ready(Scripted(GET=(404, {}), POST=(404, {"message": "no route"})), "haproxy-a")


def test_tomorrow_is_created_once(client: Client, installed: Index) -> None:
    title = f"index {installed.prefix}-2026.11.22"
    assert ensure_tomorrow(client, installed, EVENING) == Change("created", title)
    assert ensure_tomorrow(client, installed, EVENING) == Change("unchanged", title)
    assert client.request("GET", f"/{installed.prefix}-2026.11.22/_mapping")[0] == 200


def test_tomorrow_is_the_day_after_in_utc(client: Client, installed: Index) -> None:
    elsewhere = EVENING.astimezone(tz=None) + timedelta(minutes=20)
    assert ensure_tomorrow(client, installed, elsewhere) == Change("created", f"index {installed.prefix}-2026.11.23")


def test_tomorrow_is_not_created_with_a_foreign_mapping(client: Client, index: Index) -> None:
    problem = ensure_tomorrow(client, index, EVENING)
    assert isinstance(problem, Problem)
    assert client.request("GET", f"/{index.prefix}-2026.11.22")[0] == 404


def test_a_refused_creation_is_a_problem_with_the_reason(client: Client, installed: Index) -> None:
    class Full:
        peer = client.peer

        def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
            if method == "PUT":
                return 400, {"error": {"type": "validation_exception", "reason": "too many shards"}}
            return client.request(method, path, body)

    problem = ensure_tomorrow(Full(), installed, EVENING)
    assert isinstance(problem, Problem)
    assert problem.kind == "refused"
    assert "400 validation_exception: too many shards" in problem.message
