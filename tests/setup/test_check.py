from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shipper.setup import Problem, check, install

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from shipper.config import Index
    from shipper.elastic import Client

    Kinds: TypeAlias = Callable[[Index], list[str]]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Altered:
    """Passes requests on, and puts its own answer in the place of those to one path."""

    def __init__(self, client: Client, path: str, status: int, answer: object) -> None:
        self._client = client
        self._path = path
        self._altered = status, answer

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        return self._altered if path.startswith(self._path) else self._client.request(method, path, body)


@pytest.fixture
def kinds(client: Client) -> Kinds:
    return lambda index: [problem.kind for problem in check(client, index, now=NOW)]


def field(client: Client, index: Index, definition: Mapping[str, object]) -> None:
    """Let the user's own component template define `event.kind`."""
    own = {"template": {"mappings": {"properties": {"event": {"properties": {"kind": definition}}}}}}
    assert client.request("PUT", f"/_component_template/{index.prefix}@custom", own)[0] == 200


def test_nothing_is_wrong_after_install(kinds: Kinds, installed: Index) -> None:
    assert kinds(installed) == []


def test_each_missing_template_is_told_with_what_to_do(client: Client, index: Index) -> None:
    problems = check(client, index, now=NOW)
    assert [problem.kind for problem in problems] == ["missing"] * 3
    assert str(problems[0]) == f"component template {index.prefix}@settings is missing: run `shipper setup`"


def test_shards_and_replicas_that_were_chosen_are_no_difference(client: Client, kinds: Kinds, index: Index) -> None:
    install(client, index, lines_per_day=10**9, replicas=0)
    assert kinds(index) == []


@pytest.mark.parametrize(("version", "kind"), [(0, "older"), (10**6, "newer")])
def test_another_version_is_told_from_a_change_by_hand(
    client: Client, installed: Index, version: int, kind: str
) -> None:
    stored = {"template": {}, "version": version, "_meta": {"shipper": {"version": version, "hash": "x"}}}
    client.request("PUT", f"/_component_template/{installed.prefix}@settings", stored)
    assert [problem.kind for problem in check(client, installed, now=NOW)] == [kind]


def test_a_change_by_hand_is_shown_field_by_field(client: Client, installed: Index) -> None:
    path = f"/_index_template/{installed.prefix}"
    _, answer = client.request("GET", path)
    template = answer["index_templates"][0]["index_template"]
    client.request("PUT", path, {key: template[key] for key in template if "date" not in key} | {"priority": 1000})
    [problem] = check(client, installed, now=NOW)
    assert problem.kind == "differs"
    assert "priority: 517 -> 1000" in problem.message


def test_a_template_of_higher_priority_is_named(client: Client, installed: Index) -> None:
    name = f"{installed.prefix}-foreign"
    client.request("PUT", f"/_index_template/{name}", {"index_patterns": ["test-*"], "priority": 10_000})
    try:
        problems = {problem.kind: problem.message for problem in check(client, installed, now=NOW)}
    finally:
        client.request("DELETE", f"/_index_template/{name}")
    assert set(problems) == {"overshadowed", "mapping"}
    assert f"index template {name} (priority 10000) matches {installed.prefix}-2026.11.21" in problems["overshadowed"]


def test_a_template_of_lower_priority_does_no_harm(client: Client, kinds: Kinds, installed: Index) -> None:
    broad = {"index_patterns": [f"{installed.prefix}*"], "priority": 1}
    client.request("PUT", f"/_index_template/{installed.prefix}-broad", broad)
    assert kinds(installed) == []


def test_the_users_own_type_for_one_of_our_fields_is_told(client: Client, installed: Index) -> None:
    field(client, installed, {"type": "long"})
    [problem] = check(client, installed, now=NOW)
    assert problem.kind == "mapping"
    assert "event.kind.type: keyword -> long" in problem.message


def test_the_users_own_fields_and_dynamic_templates_do_no_harm(client: Client, kinds: Kinds, installed: Index) -> None:
    mappings = {
        "properties": {"url.mine": {"type": "long"}, "mine": {"type": "object", "dynamic": True}},
        "dynamic_templates": [{"own": {"path_match": "mine.*", "mapping": {"type": "keyword"}}}],
        "_meta": {"mine": 1},
    }
    client.request("PUT", f"/_component_template/{installed.prefix}@custom", {"template": {"mappings": mappings}})
    assert kinds(installed) == []


def test_an_index_that_was_filled_does_no_harm(client: Client, kinds: Kinds, installed: Index) -> None:
    document = {"labels": {"team": "a"}, "haproxy": {"http": {"request": {"headers": {"x_tenant": "b"}}}}}
    assert client.request("POST", f"/{installed.prefix}-2026.11.21/_doc", document)[0] == 201
    assert kinds(installed) == []


def test_todays_index_with_another_mapping_is_told(client: Client, installed: Index) -> None:
    field(client, installed, {"type": "long"})
    client.request("PUT", f"/{installed.prefix}-2026.11.21")
    client.request("DELETE", f"/_index_template/{installed.prefix}")
    client.request("DELETE", f"/_component_template/{installed.prefix}@custom")
    install(client, installed)
    [problem] = check(client, installed, now=NOW)
    assert problem.kind == "mapping"
    assert problem.message.startswith(f"index {installed.prefix}-2026.11.21 has another mapping: event.kind.type")


def test_a_server_that_is_too_old_is_told(client: Client, installed: Index) -> None:
    nodes = {"nodes": {"a": {"version": "8.19.5"}, "b": {"version": "8.7.0-SNAPSHOT"}}}
    altered = Altered(client, "/_nodes", 200, nodes)
    assert check(altered, installed, now=NOW) == [
        Problem("version", "a node runs Elasticsearch 8.7.0-SNAPSHOT; shipper is tested from 8.19 on")
    ]


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("true", True),
        ("false", False),
        ("+test-*,-*", True),
        ("test-*", True),
        ("-test-*,+*", False),
        ("other-*", False),
        (["other-*", "+test-*"], True),
    ],
)
def test_a_cluster_that_does_not_create_the_index_by_itself_is_told(
    client: Client, installed: Index, rule: str | list[str], *, allowed: bool
) -> None:
    altered = Altered(client, "/_cluster/settings", 200, {"persistent": {"action.auto_create_index": rule}})
    assert [problem.kind for problem in check(altered, installed, now=NOW)] == ([] if allowed else ["auto_create"])


@pytest.mark.parametrize(
    "path",
    ["/_nodes", "/_component_template", "/_index_template", "/_cluster/settings", "/test-", "/_index_template/_sim"],
)
def test_what_may_not_be_asked_is_told_and_the_rest_goes_on(client: Client, installed: Index, path: str) -> None:
    refusal = {"error": {"type": "security_exception", "reason": "not for you"}}
    problems = check(Altered(client, path, 403, refusal), installed, now=NOW)
    assert any("403 security_exception: not for you" in problem.message for problem in problems)
    assert {problem.kind for problem in problems} <= {"unreadable", "mapping"}
