from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.config import Index
from shipper.errors import ConnectionFailed, Permanent, Retryable
from shipper.setup import install

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.elastic import Client

real = pytest.mark.elasticsearch


class Refusing:
    """Answers every request that writes with one status."""

    def __init__(self, status: int) -> None:
        self._status = status

    def request(self, method: str, path: str, _body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        if method == "GET":
            return 404, {"error": {"type": "resource_not_found_exception", "reason": path}}
        if method == "POST":
            return 200, {"template": {}}
        return self._status, {"error": {"type": "some_exception", "reason": "a reason"}}


class Unknowing:
    """A server that does not know the setting `index.mapping.ignore_above`."""

    def __init__(self, server: Client) -> None:
        self._server = server

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        if "index.mapping.ignore_above" in str(body):
            return 400, {"error": {"type": "illegal_argument_exception", "reason": "unknown setting"}}
        return self._server.request(method, path, body)


def settings_of(client: Client, index: Index) -> dict[str, Any]:
    _, answer = client.request("GET", f"/_component_template/{index.prefix}@settings")
    settings: dict[str, Any] = answer["component_templates"][0]["component_template"]["template"]["settings"]["index"]
    return settings


@real
def test_installing_twice_changes_nothing_the_second_time(client: Client, index: Index) -> None:
    titles = [f"component template {index.prefix}@settings", f"component template {index.prefix}@mappings"]
    titles.append(f"index template {index.prefix}")
    assert [(c.kind, c.subject) for c in install(client, index)] == [("created", title) for title in titles]
    assert [(c.kind, c.subject) for c in install(client, index)] == [("unchanged", title) for title in titles]


@real
def test_an_index_gets_the_documented_settings(client: Client, installed: Index) -> None:
    client.request("PUT", f"/{installed.prefix}-x")
    _, answer = client.request("GET", f"/{installed.prefix}-x/_settings?flat_settings=true")
    settings = answer[f"{installed.prefix}-x"]["settings"]
    assert settings["index.refresh_interval"] == "5s"
    assert settings["index.translog.durability"] == "request"
    assert settings["index.auto_expand_replicas"] == "0-1"
    assert settings["index.number_of_shards"] == "1"
    assert settings["index.mapping.total_fields.ignore_dynamic_beyond_limit"] == "true"


@real
def test_what_was_chosen_stays_until_it_is_chosen_again(client: Client, index: Index) -> None:
    install(client, index, lines_per_day=600_000_000, replicas=2)
    assert {c.kind for c in install(client, index)} == {"unchanged"}
    assert settings_of(client, index)["number_of_shards"] == "6"
    [change, *_] = install(client, index, lines_per_day=1)
    assert change.differences == ("settings.index.number_of_shards: 6 -> 1",)
    assert settings_of(client, index)["number_of_replicas"] == "2"
    assert settings_of(client, index)["auto_expand_replicas"] == "false"


@real
def test_a_field_changed_by_hand_is_restored_and_told(client: Client, installed: Index) -> None:
    path = f"/_component_template/{installed.prefix}@mappings"
    _, answer = client.request("GET", path)
    body = answer["component_templates"][0]["component_template"]
    body["template"]["mappings"]["properties"]["url.path"] = {"type": "text"}
    for date in ("created_date", "created_date_millis", "modified_date", "modified_date_millis"):
        body.pop(date, None)
    assert client.request("PUT", path, body)[0] == 200
    change = install(client, installed)[1]
    assert change.kind == "updated"
    assert change.differences == ("url.path.ignore_above: absent -> 8191", "url.path.type: text -> keyword")
    assert "url.path.type: text -> keyword" in str(change)


@real
def test_the_users_own_settings_are_never_overwritten_and_have_the_last_word(client: Client, index: Index) -> None:
    own = {"template": {"settings": {"index": {"refresh_interval": "30s"}}}}
    client.request("PUT", f"/_component_template/{index.prefix}@custom", own)
    install(client, index)
    install(client, index)
    _, answer = client.request("GET", f"/_component_template/{index.prefix}@custom")
    assert answer["component_templates"][0]["component_template"]["template"] == own["template"]
    _, simulated = client.request("POST", f"/_index_template/_simulate_index/{index.prefix}-x")
    assert simulated["template"]["settings"]["index"]["refresh_interval"] == "30s"


@real
def test_a_template_of_somebody_else_stops_the_whole(client: Client, index: Index) -> None:
    client.request("PUT", f"/_component_template/{index.prefix}@mappings", {"template": {}})
    with pytest.raises(Permanent, match="was not made by shipper"):
        install(client, index)
    assert client.request("GET", f"/_component_template/{index.prefix}@settings")[0] == 404


@real
def test_a_newer_shippers_template_is_kept(client: Client, installed: Index) -> None:
    newer = {"template": {}, "version": 10**6, "_meta": {"shipper": {"version": 10**6, "hash": "x"}}}
    client.request("PUT", f"/_component_template/{installed.prefix}@mappings", newer)
    assert [c.kind for c in install(client, installed)] == ["unchanged", "kept", "unchanged"]


@real
def test_two_prefixes_of_which_one_begins_with_the_other_live_side_by_side(client: Client, index: Index) -> None:
    longer = index.model_copy(update={"prefix": f"{index.prefix}-edge"})
    install(client, index)
    assert {c.kind for c in install(client, longer)} == {"created"}


@real
def test_a_server_without_the_setting_for_long_values_gets_the_others(client: Client, index: Index) -> None:
    install(Unknowing(client), index)
    assert "ignore_above" not in settings_of(client, index).get("mapping", {})
    assert settings_of(client, index)["refresh_interval"] == "5s"


@pytest.mark.parametrize(("status", "error"), [(400, Permanent), (403, Permanent), (429, Retryable), (503, Retryable)])
def test_a_refusal_says_what_was_refused_and_why(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"haproxy@settings was refused: {status} some_exception: a reason"):
        install(Refusing(status), Index())


def test_a_lost_connection_is_the_callers_business() -> None:
    class Gone:
        def request(self, *_: object) -> tuple[int, Any]:
            raise ConnectionFailed("no node answers")

    with pytest.raises(ConnectionFailed):
        install(Gone(), Index())
