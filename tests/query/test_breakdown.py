"""Groups of lines, asked of a real Elasticsearch."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from shipper.query import Dimension, Documents, Filters, Phase, Question, Span, Tally, _breakdown, ask
from tests.query.lines import bulk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Config
    from shipper.elastic import Client

NOON_US = 1_795_262_400_000_000


def flat(number: int) -> dict[str, Any]:
    """Give a document by its paths; of every seventh there are other lines of the same request."""
    status = {} if number % 5 == 0 else {"http.response.status_code": 200 + 100 * (number % 4)}
    backend = {} if number % 11 == 0 else {"haproxy.backend_name": f"backend-{number % 13}"}
    step = {"haproxy.log_step": "txn_close" if number % 14 else "txn_request"} if number % 7 == 0 else {}
    timers = {"haproxy.time.total_ms": number, **({} if number % 3 else {"haproxy.time.queue_ms": number % 9})}
    line = "event" if number % 17 == 0 else "traffic"
    return {"haproxy.line": line, **status, **backend, **step, **timers}


DOCUMENTS = [flat(number) for number in range(200)]


@pytest.fixture
def documents(config: Config, client: Client) -> Documents:
    moments = (f"2026-11-21T12:00:{number % 60:02}.{number:06}Z" for number in range(len(DOCUMENTS)))
    texts = (json.dumps({"@timestamp": moment, **each}) for moment, each in zip(moments, DOCUMENTS, strict=True))
    index = f"{config.index.prefix}-2026.11.21"
    bulk(client, [(index, str(number), text) for number, text in enumerate(texts)])
    client.request("POST", f"/{index}/_refresh")
    return Documents(client, time.sleep)


def test_what_elasticsearch_counts_is_what_is_counted_here(
    documents: Documents, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_breakdown, "HISTOGRAMS_OF_A_PAGE", 6)  # 3 groups a page
    for wanted in ([], ["status:5xx", "status:none"], ["status:200"], ["backend:backend-1", "backend:backend-2"]):
        question = Question(
            phases=(Phase.QUEUE, Phase.TOTAL),
            by=(Dimension.BACKEND, Dimension.STATUS),
            filters=Filters.parse(wanted),
            span=Span(NOON_US, NOON_US + 60_000_000),
        )
        found = ask(documents, config.index.pattern, question)
        tally = Tally(question)
        for each in DOCUMENTS:
            tally.add(each)
        exact = tally.breakdown()
        assert found is not None
        assert counted(found) == counted(exact)
        assert found.lines_beyond == 0
        assert len(found.rows) > 3 or "status:200" in wanted


def test_groups_beyond_the_bound_are_counted(
    documents: Documents, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_breakdown, "GROUPS_MAX", 5)
    monkeypatch.setattr(_breakdown, "HISTOGRAMS_OF_A_PAGE", 2)
    found = ask(documents, config.index.pattern, Question(by=(Dimension.BACKEND,)))
    assert found is not None
    assert len(found.rows) == 5
    assert found.lines_beyond == found.whole.lines - sum(row.lines for row in found.rows) > 0


def test_a_span_with_nothing_in_it_has_populations_of_none(documents: Documents, config: Config) -> None:
    found = ask(documents, config.index.pattern, Question(by=(Dimension.BACKEND,), span=Span(until_us=0)))
    assert found is not None
    assert (found.whole.lines, found.whole.phases[0].population, found.rows) == (0, 0, ())


def test_without_an_index_there_is_no_answer(client: Client) -> None:
    assert ask(Documents(client, time.sleep), "nothing-like-this-*", Question()) is None


def counted(found: _breakdown.Breakdown) -> Mapping[object, object]:
    """Give what is exact in both: lines, populations and the largest."""
    return {
        row.group: (row.lines, [(phase.population, phase.max) for phase in row.phases])
        for row in (found.whole, *found.rows)
    }
