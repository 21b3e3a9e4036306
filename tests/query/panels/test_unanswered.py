"""Why there is no answer, in words."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from shipper.config import Elasticsearch, Index
from shipper.elastic import Client
from shipper.query.panels import Panels, UnansweredError
from tests.query.lines import settings

if TYPE_CHECKING:
    from collections.abc import Mapping


class Canned:
    """A client that always gives the same answer."""

    def __init__(self, status: int, answer: Any) -> None:  # noqa: ANN401 -- JSON
        self.answer = status, answer

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        assert (method, path.partition("?")[0], bool(body)) == ("POST", "/haproxy-%2A/_search", True)
        return self.answer


def refusal(client: Any, name: str = "tls") -> UnansweredError:  # noqa: ANN401 -- a fake or a real one
    asked = Panels(client, Index(), lambda: 0, {}).ask(name, {"from": ["1000"], "to": ["2000"]})
    assert asked is not None
    with pytest.raises(UnansweredError) as raised:
        asked.answer()
    assert raised.value.what.endswith(".")
    assert raised.value.todo
    return raised.value


def failed(kind: str, reason: str = "why", **more: object) -> dict[str, object]:
    return {"error": {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}], **more}}


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (401, failed("security_exception"), "refused"),
        (403, failed("security_exception"), "refused"),
        (
            400,
            failed("illegal_argument_exception", "Expected numeric type on field [haproxy.time.total_ms]"),
            "refused",
        ),
        (429, failed("circuit_breaking_exception"), "too_slow"),
        (429, failed("es_rejected_execution_exception"), "too_slow"),
        (503, failed("search_phase_execution_exception", caused_by={"type": "too_many_buckets_exception"}), "too_slow"),
        (504, failed("timeout_exception"), "too_slow"),
        (503, failed("search_phase_execution_exception", "all shards failed"), "unreachable"),
        (404, failed("index_not_found_exception"), "no_index"),
        (502, "<html>Bad gateway</html>", "refused"),
        (200, {"timed_out": True, "_shards": {"total": 1}}, "too_slow"),
        (200, {"timed_out": False, "_shards": {"total": 0}}, "no_index"),
        (200, "not JSON", "refused"),
    ],
)
def test_each_answer_that_is_none_has_its_kind(status: int, answer: object, kind: str) -> None:
    assert refusal(Canned(status, answer)).kind == kind


def test_what_elasticsearch_says_is_passed_on_within_a_bound() -> None:
    said = refusal(Canned(400, failed("parsing_exception", "x" * 10_000)))
    assert 100 < len(said.what) < 1_000


def test_an_elasticsearch_that_never_answers_is_too_slow() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = Client(Elasticsearch(urls=(url,), request_timeout_s=0.1))
        assert refusal(client).kind == "too_slow"
        client.close()


def test_an_elasticsearch_that_is_away_is_unreachable_and_credentials_are_in_nothing_that_is_said() -> None:
    client = Client(Elasticsearch(urls=("http://127.0.0.1:9",), username="ann", password="secret"))  # noqa: S106 -- so that it can be looked for
    said = refusal(client)
    client.close()
    assert (said.kind, said.what[:28]) == ("unreachable", "No answer from Elasticsearch")
    assert "secret" not in f"{said} {said!r} {said.__cause__!r}"


def test_a_prefix_without_indices_is_said_to_have_none(elasticsearch_url: str) -> None:
    config = settings(elasticsearch_url, "test-nothing-here")
    client = Client(config.elasticsearch)
    asked = Panels(client, config.index, lambda: 1_795_168_800_000, {}).ask("percentiles", {})
    assert asked is not None
    with pytest.raises(UnansweredError, match=r"no index test-nothing-here-\*"):
        asked.answer()
    client.close()
