"""Half an answer is never taken for a whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.errors import ConnectionFailed, Permanent, Retryable
from shipper.query import Documents

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = {"hits": {"hits": [{"_index": "i", "_id": "x", "_source": {"a": 1}, "sort": [1]}]}}


class Cluster:
    """Gives its answers one after another; one that is an error is raised. The last is given for ever."""

    def __init__(self, *answers: tuple[int, Any] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.slept: list[float] = []

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        assert body is None or body
        self.asked.append((method, path.partition("?")[0]))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def documents(self) -> Documents:
        return Documents(self, self.slept.append)


@pytest.mark.parametrize("trouble", [ConnectionFailed("cut"), (429, {}), (503, "busy"), (200, "<html>")])
def test_what_may_pass_is_asked_for_again(trouble: tuple[int, Any] | Exception) -> None:
    cluster = Cluster(trouble, trouble, (200, {"docs": [{"found": True, "_source": {"a": 1}}]}))
    assert cluster.documents.get([("i", "x")]) == [{"a": 1}]
    assert cluster.slept == [1.0, 2.0]


def test_what_stays_away_ends_the_reading() -> None:
    cluster = Cluster((503, {"error": {"type": "busy", "reason": "very"}}))
    with pytest.raises(Retryable, match="POST /_mget was answered with 503 busy: very"):
        cluster.documents.get([("i", "x")])
    assert sum(cluster.slept) == 31


def test_whoever_waits_is_told_why_once_and_before_the_first_pause() -> None:
    cluster, told = Cluster(ConnectionFailed("nobody there")), list[tuple[str, int]]()
    documents = Documents(
        cluster, cluster.slept.append, waits=lambda error: told.append((str(error), len(cluster.slept)))
    )
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            documents.refresh("i-*")
    assert told == [("nobody there", 0)]


def test_what_is_refused_is_not_asked_for_again() -> None:
    cluster = Cluster((403, {"error": {"type": "security_exception", "reason": "no"}}))
    with pytest.raises(Permanent, match="403 security_exception: no"):
        cluster.documents.refresh("i-*")
    assert cluster.slept == []


def test_a_document_of_an_index_that_is_not_there_is_not_there() -> None:
    gone = {"error": {"type": "index_not_found_exception", "reason": "no such index"}}
    cluster = Cluster((200, {"docs": [gone, {"found": False}]}))
    assert cluster.documents.get([("i", "x"), ("i", "y")]) == [None, None]


def test_a_document_of_a_shard_that_is_away_is_not_missing() -> None:
    away = {"error": {"type": "no_shard_available_action_exception", "reason": "away"}}
    with pytest.raises(Retryable, match="no_shard_available"):
        Cluster((200, {"docs": [away]})).documents.get([("i", "x")])


@pytest.mark.parametrize("half", [{"_shards": {"failed": 1}}, {"timed_out": True}])
def test_a_page_without_all_shards_is_asked_for_again(half: dict[str, Any]) -> None:
    cluster = Cluster((200, {"id": "pit"}), (200, {**PAGE, **half}), (200, PAGE), (200, {}))
    assert [hit.id for hit in cluster.documents.search("i-*", {"match_all": {}})] == ["x"]
    assert cluster.asked[-1] == ("DELETE", "/_pit")


def test_no_index_is_no_document() -> None:
    cluster = Cluster((404, {"error": {"type": "index_not_found_exception", "reason": "no"}}))
    assert list(cluster.documents.search("i", {"match_all": {}})) == []


def test_a_search_that_is_not_read_to_its_end_is_closed_all_the_same() -> None:
    cluster = Cluster((200, {"id": "pit"}), (200, PAGE), ConnectionFailed("gone"))
    for _ in cluster.documents.search("i-*", {"match_all": {}}):
        break
    assert cluster.asked[-1] == ("DELETE", "/_pit")
