"""What a real Elasticsearch says, and what delivery makes of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config
from shipper.dead_letter import DeadLetters, at_or_past, read
from shipper.elastic import Client
from shipper.journal.commit import Verdicts
from tests.deliver.bodies import Lines, position
from tests.deliver.fakes import bench, until
from tests.fault_proxy import FaultProxy, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import OwnElasticsearch


WAIT_S = 20.0
TEN = tuple(range(10))


@contextlib.contextmanager
def connected(url: str) -> Iterator[Client]:
    with contextlib.closing(Client(config.Elasticsearch(urls=(url,), request_timeout_s=10.0))) as client:
        yield client


def make_index(client: Client, name: str, **body: object) -> None:
    status, answer = client.request("PUT", f"/{name}", {"settings": {"number_of_replicas": 0}, **body})
    assert status == 200, answer


def count(client: Client, index: str) -> int:
    client.request("POST", f"/{index}/_refresh")
    _, answer = client.request("GET", f"/{index}/_count")
    return int(answer.get("count", 0))


def block(client: Client, index: str, **blocks: bool | None) -> None:
    status, answer = client.request("PUT", f"/{index}/_settings", {f"index.blocks.{k}": v for k, v in blocks.items()})
    assert status == 200, answer


def test_documents_are_created_once_and_a_conflict_is_already_there(
    tmp_path: Path, elasticsearch_url: str, index_prefix: str
) -> None:
    with connected(elasticsearch_url) as client, bench(tmp_path, client) as b:
        b.delivery.submit(1, [Lines(f"{index_prefix}-a", TEN)])
        until(lambda: 1 in b.verdicts, WAIT_S)
        b.delivery.submit(2, [Lines(f"{index_prefix}-a", (8, 9, 10))])
        until(lambda: 2 in b.verdicts, WAIT_S)
        assert b.verdicts == {1: Verdicts(indexed=10), 2: Verdicts(indexed=1, already_there=2)}
        assert count(client, f"{index_prefix}-a") == 11


def test_a_strict_mapping_makes_dead_letters_with_the_reason(
    tmp_path: Path, elasticsearch_url: str, index_prefix: str
) -> None:
    index = f"{index_prefix}-a"
    letters = DeadLetters(tmp_path / "letters", 10**6, unsettled=at_or_past(None), clock_us=lambda: 0)
    with connected(elasticsearch_url) as client, bench(tmp_path, client) as b:
        make_index(client, index, mappings={"dynamic": "strict", "properties": {"n": {"type": "byte"}}})
        b.letters.write = letters.write  # type: ignore[method-assign]
        b.delivery.submit(1, [Lines(index, (1,))])
        until(lambda: b.verdicts, WAIT_S)
        (letter,) = read(tmp_path / "letters")
        assert (letter.type, letter.field, letter.index) == ("strict_dynamic_mapping_exception", "pad", index)
        assert letter.raw == b"line 1 \xff"


def test_a_value_that_does_not_fit_is_refused_with_what_caused_it(
    tmp_path: Path, elasticsearch_url: str, index_prefix: str
) -> None:
    index = f"{index_prefix}-a"
    with connected(elasticsearch_url) as client, bench(tmp_path, client) as b:
        make_index(client, index, mappings={"dynamic": False, "properties": {"n": {"type": "byte"}}})
        b.delivery.submit(1, [Lines(index, (1, 2, 300, 4))])
        until(lambda: b.verdicts, WAIT_S)
        assert b.verdicts == {1: Verdicts(indexed=3, dead_lettered=1)}
        (letter,) = b.letters.kept
        assert (letter.id, letter.type, letter.field) == (position(300).id(), "document_parsing_exception", "n")
        assert "out of range" in letter.caused_by


@pytest.mark.parametrize("name", ["write", "read_only", "read_only_allow_delete"])
def test_a_block_is_waited_for_parked_and_lifted(
    tmp_path: Path, elasticsearch_url: str, index_prefix: str, name: str
) -> None:
    old, new = f"{index_prefix}-old", f"{index_prefix}-new"
    with connected(elasticsearch_url) as client, bench(tmp_path, client, park_after_s=0.2) as b:
        make_index(client, old)
        block(client, old, **{name: True})
        try:
            b.delivery.submit(1, [Lines(old, (1, 2)), Lines(new, (3,))])
            until(lambda: count(client, new) == 1, WAIT_S)
            b.delivery.submit(2, [Lines(new, (4,))])
            until(lambda: len(b.verdicts) == 2, WAIT_S)
            assert b.verdicts[1] == Verdicts(indexed=1, parked=2)
            assert not b.letters.kept
        finally:
            block(client, old, **{name: None})
        b.delivery.committed(position(10))
        until(lambda: b.delivery.status().parked.pending == 0, WAIT_S)
        assert count(client, old) == 2


@pytest.mark.parametrize("fault", ["closed", "pipeline"])
def test_an_index_that_a_person_must_mend_is_held(
    tmp_path: Path, elasticsearch_url: str, index_prefix: str, fault: str
) -> None:
    index = f"{index_prefix}-a"
    with connected(elasticsearch_url) as client, bench(tmp_path, client) as b:
        settings: dict[str, Any] = {"number_of_replicas": 0}
        if fault == "pipeline":
            settings["default_pipeline"] = "missing"
        make_index(client, index, settings=settings)
        if fault == "closed":
            client.request("POST", f"/{index}/_close")
        b.delivery.submit(1, [Lines(index, TEN)])
        until(lambda: index in b.delivery.status().held, WAIT_S)
        if fault == "closed":
            client.request("POST", f"/{index}/_open")
        else:
            client.request("PUT", f"/{index}/_settings", {"index.default_pipeline": "_none"})
        until(lambda: b.verdicts, WAIT_S)
        assert b.verdicts == {1: Verdicts(indexed=10)}
        assert not b.letters.kept


def test_every_fault_of_a_proxy_between_leaves_each_document_there_once(
    tmp_path: Path, elasticsearch_url: str, index_prefix: str
) -> None:
    index = f"{index_prefix}-a"
    faults = Faults(items_busy=0.05, unavailable=0.1, cut_before=0.1, cut_within=0.1, lose_answer=0.1)
    with FaultProxy(elasticsearch_url, faults) as proxy, connected(proxy.url) as client, bench(tmp_path, client) as b:
        make_index(client, index)
        for ticket in range(40):
            b.delivery.submit(ticket, [Lines(index, tuple(range(ticket * 50, ticket * 50 + 50)))])
        assert b.delivery.close(WAIT_S)
        assert b.total.total == 2000
        assert b.total.indexed + b.total.already_there == 2000
        assert count(client, index) == 2000
        assert set(+proxy.done) == {"items_busy", "unavailable", "cut_before", "cut_within", "lose_answer"}


def test_a_node_of_our_own_shows_what_concerns_the_whole_cluster(
    tmp_path: Path, own_elasticsearch: OwnElasticsearch
) -> None:
    node = own_elasticsearch(settings={"http.max_content_length": "64kb", "action.auto_create_index": "false"})
    with connected(node.url) as client:
        make_index(client, "a")
        with bench(tmp_path / "1", client) as b:
            b.delivery.submit(1, [Lines("a", tuple(range(600)), padding=5_000)])
            until(lambda: b.verdicts, WAIT_S)
            assert b.verdicts == {1: Verdicts(indexed=600)}
        with bench(tmp_path / "2", client) as b:
            b.delivery.submit(1, [Lines("a", (1000,)), Lines("a", (1001,), padding=70_000)])
            until(lambda: b.verdicts, WAIT_S)
            assert b.verdicts == {1: Verdicts(indexed=1, dead_lettered=1)}
            assert [letter.status for letter in b.letters.kept] == [413]
        with bench(tmp_path / "3", client) as b:
            b.delivery.submit(1, [Lines("missing", TEN)])
            until(lambda: "index_not_found_exception" in b.delivery.status().held.get("missing", ""), WAIT_S)
            make_index(client, "missing")
            until(lambda: b.verdicts, WAIT_S)
            assert b.verdicts == {1: Verdicts(indexed=10)}
        with bench(tmp_path / "4", client) as b:
            limit: dict[str, object] = {
                "persistent": {"cluster.max_shards_per_node": "1", "action.auto_create_index": "true"}
            }
            client.request("PUT", "/_cluster/settings", limit)
            b.delivery.submit(1, [Lines("beyond", TEN)])
            until(lambda: "maximum" in b.delivery.status().held.get("beyond", ""), WAIT_S)
            client.request("PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": None}})
            until(lambda: b.verdicts, WAIT_S)
            assert b.verdicts == {1: Verdicts(indexed=10)}
            assert not b.letters.kept


@pytest.mark.chaos
def test_a_node_that_is_killed_and_started_again_gets_each_document_once(
    tmp_path: Path, own_elasticsearch: OwnElasticsearch
) -> None:
    node = own_elasticsearch()
    with connected(node.url) as client, bench(tmp_path, client) as b:
        make_index(client, "a")
        for ticket in range(20):
            b.delivery.submit(ticket, [Lines("a", tuple(range(ticket * 100, ticket * 100 + 100)))])
        node.kill_node(0)
        for ticket in range(20, 40):
            b.delivery.submit(ticket, [Lines("a", tuple(range(ticket * 100, ticket * 100 + 100)))])
        until(lambda: node.url in b.delivery.status().failure, WAIT_S)
        node.start_node(0)
        assert b.delivery.close(60)
        assert b.total.indexed + b.total.already_there == 4000
        assert count(client, "a") == 4000
