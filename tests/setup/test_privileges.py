"""Which privileges are asked for: those that the configuration takes, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.config import Config
from shipper.setup import check_privileges

if TYPE_CHECKING:
    from collections.abc import Mapping

DAYS = ["create_index", "create_doc", "view_index_metadata"]


class Security:
    """Grants everything that is asked for, and remembers what that was."""

    cluster: list[str]
    index: dict[str, list[str]]

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        assert (method, path) == ("POST", "/_security/user/_has_privileges")
        assert body is not None
        self.cluster = body["cluster"]
        self.index = {name: each["privileges"] for each in body["index"] for name in each["names"]}
        granted = {name: dict.fromkeys(privileges, True) for name, privileges in self.index.items()}
        return 200, {"cluster": dict.fromkeys(self.cluster, True), "index": granted}


@pytest.mark.parametrize(
    ("settings", "cluster", "index"),
    [
        ({}, [], {"haproxy-*": DAYS}),
        ({"retention": {"keep_days": 30}}, [], {"haproxy-*": [*DAYS, "monitor", "delete_index"]}),
        ({"retention": {"keep_days": 30, "by": "ilm"}}, ["manage_ilm"], {"haproxy-*": DAYS}),
        ({"dead_letters": {"index": "letters"}}, [], {"haproxy-*": DAYS, "letters": ["create_index", "create_doc"]}),
    ],
)
def test_what_the_configuration_takes_is_asked_for(
    settings: dict[str, Any], cluster: list[str], index: dict[str, list[str]]
) -> None:
    server = Security()
    assert check_privileges(server, Config(**settings)) == []
    assert (server.cluster, server.index) == (["monitor", "manage_index_templates", *cluster], index)
