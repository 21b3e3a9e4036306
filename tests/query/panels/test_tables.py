"""Backends, paths, clients and the other tables, against the same counted by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from shipper.query import Dimension, Phase
from shipper.query._compare import value_at
from tests.query.panels.site import failures, is_near, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.query.panels.site import Site

PERCENTS = {"p50": "50", "p75": "75", "p99": "99", "p99_9": "99.9"}


def assert_percentiles(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], phase: Phase) -> None:
    assert row["population"] == len(values(lines, phase.field))
    for name, percent in PERCENTS.items():
        assert is_near(row[name], lines, phase, percent)


@pytest.mark.parametrize("phase", [Phase.TOTAL, Phase.RESPONSE])
def test_backends_and_servers_have_the_numbers_of_their_lines(site: Site, phase: Phase) -> None:
    found = site.panel("backends", phase=phase)
    rows = {row["backend"]: row for row in found["rows"]}
    assert set(rows) == set(values(site.traffic(), "haproxy.backend_name"))
    for backend, row in rows.items():
        assert_backend(row, site.traffic(backend=[backend]), phase)
        for server in row["servers"]:
            assert server["backend"] == backend
            assert_backend(server, site.traffic(backend=[backend], server=[server["server"]]), phase)
        assert sum(server["requests"] for server in row["servers"]) == row["requests"]


def assert_backend(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], phase: Phase) -> None:
    assert_percentiles(row, lines, phase)
    assert row["requests"] == len(lines)
    assert row["rate"] == pytest.approx(len(lines) / 7_200)
    assert row["errors"] == len(list(failures(lines)))
    assert row["error_share"] == pytest.approx(row["errors"] / len(lines))
    assert row["retries"] == sum(values(lines, "haproxy.connections.retries"))
    assert row["redispatched"] == sum(value_at(one, "haproxy.redispatched") is True for one in lines)
    assert row["queue_max"] == max(values(lines, "haproxy.backend_queue") + values(lines, "haproxy.server_queue"))


def test_paths_are_ordered_by_their_requests(site: Site) -> None:
    found = site.panel("paths", order="requests", limit="5")
    counted = Counter(values(site.traffic(), "url.path_pattern"))
    assert [row["requests"] for row in found["rows"]] == [count for _, count in counted.most_common(5)]
    assert found["more"] == counted.total() - sum(row["requests"] for row in found["rows"])
    for row in found["rows"]:
        lines = site.traffic(path=[row["path"]])
        assert row["errors"] == len(list(failures(lines)))
        assert_percentiles(row, lines, Phase.TOTAL)


def test_the_slowest_paths_come_first(site: Site) -> None:
    found = site.panel("paths", order="p99", limit="500")
    slow = [row["p99"] for row in found["rows"]]
    assert slow == sorted(slow, reverse=True)
    assert {row["path"] for row in found["rows"]} == set(values(site.traffic(), "url.path_pattern"))
    assert site.panel("paths", limit="3")["rows"] == found["rows"][:3]


def test_clients_come_by_their_requests(site: Site) -> None:
    found = site.panel("clients")
    counted = Counter(values(site.traffic(), "source.address"))
    assert [row["requests"] for row in found["rows"]] == [count for _, count in counted.most_common(20)]
    for row in found["rows"]:
        lines = [one for one in site.traffic() if value_at(one, "source.address") == row["address"]]
        assert (row["requests"], row["errors"]) == (len(lines), len(list(failures(lines))))
        assert is_near(row["p75"], lines, Phase.TOTAL, "75")


def test_versions_of_tls_are_counted(site: Site) -> None:
    found = site.panel("tls")
    assert {row["version"]: row["count"] for row in found["rows"]} == Counter(values(site.traffic(), "tls.version"))


@pytest.mark.parametrize("by", [Dimension.FRONTEND, Dimension.SERVER, Dimension.STATUS, Dimension.TERMINATION])
def test_values_are_those_that_a_filter_can_have(site: Site, by: Dimension) -> None:
    found = site.panel("values", field=by)
    counted = Counter(map(str, values(site.traffic(), by.field)))
    assert {row["value"]: row["count"] for row in found["rows"]} == counted
    for row in found["rows"]:
        assert len(site.traffic(**{by: [row["value"]]})) == row["count"]


def test_a_menu_offers_what_its_own_filter_hides(site: Site) -> None:
    values_of = {row["value"] for row in site.panel("values", field="backend", backend="shop")["rows"]}
    assert values_of == set(values(site.traffic(), "haproxy.backend_name"))
    servers = {row["value"] for row in site.panel("values", field="server", backend="shop")["rows"]}
    assert servers == set(values(site.traffic(backend=["shop"]), "haproxy.server_name"))
