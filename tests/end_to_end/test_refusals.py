"""What Elasticsearch, or what lies before it, refuses: nothing is lost, and nothing is there twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shipper.dead_letter import read
from shipper.deliver import Parking
from tests.end_to_end.traffic import Sender, line
from tests.fault_proxy import FaultProxy, Faults
from tests.shipper_process import until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import World

LINES = 2_000


def send(port: int, lines: list[bytes]) -> None:
    """Send at a pace that every receive buffer bears."""
    sender = Sender(port)
    for start in range(0, len(lines), 200):
        sender.send(lines[start : start + 200])
    sender.close()


def refuse_cookies(world: World) -> None:
    """Let the user's own template refuse every captured cookie that is no date."""
    cookie: dict[str, Any] = {"type": "date"}
    for name in ("captured_cookie", "request", "http", "haproxy"):
        cookie = {"properties": {name: cookie}}
    world.indexed.client.cluster.put_component_template(name=f"{world.prefix}@custom", template={"mappings": cookie})


def test_one_in_twenty_refused_and_one_in_twenty_busy_cost_the_others_nothing(world: World) -> None:
    refuse_cookies(world)
    lines = [line(n, cookie="no-date" if n % 20 == 7 else "-") for n in range(LINES)]
    refused = set(range(7, LINES, 20))
    with FaultProxy(world.url, Faults(items_busy=0.05)) as proxy:
        shipper = world.started(proxy.url)
        send(shipper.port, lines)
        world.settled(shipper, LINES)
        assert shipper.stop() == 0
    assert proxy.done["items_busy"] > LINES * 0.03
    assert world.indexed.numbers() == Counter(set(range(LINES)) - refused)
    letters = list(read(shipper.state.root / "dead-letters"))
    assert sorted(letter.raw for letter in letters) == sorted(lines[n] for n in refused)
    assert {letter.type for letter in letters} == {"document_parsing_exception"}
    assert {letter.field for letter in letters} == {"haproxy.http.request.captured_cookie"}
    assert all("no-date" in letter.reason + letter.caused_by for letter in letters)
    commit = shipper.commit()
    assert (commit.indexed, commit.dead_lettered) == (LINES - len(refused), len(refused))


@pytest.mark.chaos
def test_answers_that_are_lost_after_the_documents_were_indexed_double_nothing(world: World) -> None:
    faults = Faults(lose_answer=0.4, cut_within=0.1, cut_before=0.1, unavailable=0.1)
    with FaultProxy(world.url, faults) as proxy:
        shipper = world.started(proxy.url, delivery={"linger_s": 0.01})
        sender = Sender(shipper.port)
        sender.number(LINES)
        sender.close()
        world.settled(shipper, LINES)
        assert shipper.stop() == 0
    assert proxy.done["lose_answer"]
    assert world.indexed.numbers() == Counter(range(LINES))
    assert shipper.commit().already_there


def test_documents_for_a_read_only_index_are_parked_and_follow_later(world: World) -> None:
    today = datetime.now(UTC)
    yesterday = today - timedelta(days=1)
    old = f"{world.prefix}-{yesterday:%Y.%m.%d}"
    world.indexed.client.indices.create(index=old)
    world.indexed.client.indices.put_settings(index=old, settings={"index.blocks.write": True})
    shipper = world.started(delivery={"park_after_s": 0.5})
    with Sender(shipper.port, 200) as sender:
        send(shipper.port, [line(n, yesterday) for n in range(1_000_000, 1_000_100)])
        until(lambda: shipper.commit().parked == 100, "the late lines were parked")
        world.indexed.client.indices.put_settings(index=old, settings={"index.blocks.write": None})
        until(lambda: world.indexed.client.count(index=old)["count"] == 100, "they were indexed")
        sent = sender.pause()
    world.settled(shipper, sent + 100)
    assert shipper.stop() == 0
    assert world.indexed.numbers() == Counter([*range(sent), *range(1_000_000, 1_000_100)])
    totals = Parking(shipper.state.root / "parked", shipper.commit().position).totals
    assert (totals.parked, totals.indexed, totals.pending) == (100, 100, 0)


def test_packed_requests_are_indexed_as_others_are(world: World) -> None:
    shipper = world.shipper()
    shipper.configure(elasticsearch={"compression": "gzip"})
    shipper.start()
    send(shipper.port, [line(n) for n in range(600)])
    world.settled(shipper, 600)
    assert world.indexed.numbers() == Counter(range(600))
