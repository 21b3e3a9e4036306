"""The policy by which Elasticsearch deletes days: made, changed, left alone when it is another's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config, pipeline, preflight
from shipper.errors import Permanent, Retryable
from shipper.setup import check, check_policy, install, install_policy, lifecycle_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.elastic import Client

INDEX = config.Index()


class Policies:
    """An Elasticsearch with ILM, as far as policies go."""

    def __init__(self, stored: object = None, status: int = 200) -> None:
        self.stored = stored
        self._status = status

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        assert path == "/_ilm/policy/haproxy"
        if method == "PUT":
            self.stored = body
            return self._status, {}
        return (200, {"haproxy": self.stored}) if self.stored else (404, {"error": {"type": "resource_not_found"}})


def test_a_policy_is_made_once_and_changed_with_the_days() -> None:
    server = Policies()
    assert install_policy(server, INDEX, 30).kind == "created"
    assert isinstance(server.stored, dict)
    assert server.stored["policy"]["phases"]["delete"] == {"min_age": "31d", "actions": {"delete": {}}}
    assert install_policy(server, INDEX, 30).kind == "unchanged"
    assert install_policy(server, INDEX, 7).kind == "updated"
    assert server.stored["policy"]["phases"]["delete"]["min_age"] == "8d"


def test_somebody_elses_policy_stays() -> None:
    server = Policies({"policy": {"phases": {}}})
    with pytest.raises(Permanent, match="not made by shipper"):
        install_policy(server, INDEX, 30)


def test_what_is_wrong_with_the_policy_is_said() -> None:
    server = Policies()
    missing = check_policy(server, INDEX, 30)
    install_policy(server, INDEX, 30)
    assert check_policy(server, INDEX, 30) is None
    found = (missing, check_policy(server, INDEX, 7), check_policy(Policies({"policy": {"phases": {}}}), INDEX, 30))
    assert [problem and problem.kind for problem in found] == ["missing", "differs", "unreadable"]


def test_a_refusal_says_whether_it_may_pass() -> None:
    with pytest.raises(Permanent, match="was refused"):
        install_policy(Policies(status=403), INDEX, 30)
    with pytest.raises(Retryable, match="was refused"):
        install_policy(Policies(status=503), INDEX, 30)


def test_a_date_in_the_name_counts_where_ilm_can_read_it() -> None:
    assert "index.lifecycle.parse_origination_date" in lifecycle_settings(INDEX)
    assert lifecycle_settings(config.Index(date_format="%Y-%m-%d")) == {"index.lifecycle.name": "haproxy"}


def test_a_server_without_ilm_is_told_from_one_that_refuses(
    client: Client, elasticsearch_url: str, index: config.Index
) -> None:
    if client.request("GET", "/_ilm/status")[0] == 200:
        assert install_policy(client, index, 30).kind == "created"
        assert client.request("DELETE", f"/_ilm/policy/{index.prefix}")[0] == 200
        return
    settings = config.Config(
        elasticsearch=config.Elasticsearch(urls=(elasticsearch_url,)),
        index=index,
        retention=config.Retention(keep_days=30, by="ilm"),
    )
    assert "has no ILM" in "".join(
        finding.text for finding in preflight.check(settings) if finding.subject == "retention"
    )
    with pytest.raises(Permanent, match=r"has no ILM; set retention\.by"):
        install_policy(client, index, 30)


def test_without_retention_setup_asks_for_no_policy_and_check_finds_nothing_wrong(
    client: Client, elasticsearch_url: str, index: config.Index
) -> None:
    elasticsearch = config.Elasticsearch(urls=(elasticsearch_url,))
    changes = pipeline.setup(config.Config(elasticsearch=elasticsearch, index=index))
    assert [change.kind for change in changes] == ["created"] * 3
    assert [p.kind for p in check(client, index, now=datetime.now(UTC))] == []
    assert [change.kind for change in install(client, index)] == ["unchanged"] * 3
