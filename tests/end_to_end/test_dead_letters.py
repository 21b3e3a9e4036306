"""Letters from a real refusal, sent again: killed at any moment, beside a running shipper, with half of it mended."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config
from shipper.dead_letter import Choice, read
from shipper.jobs import dead_letters
from tests.end_to_end.traffic import Sender, line, number_of
from tests.shipper_process import COMMAND, until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import World
    from tests.shipper_process import ShipperProcess

COOKIE = "haproxy.http.request.captured_cookie"


def refuse_cookies(world: World) -> None:
    """Let the user's own template refuse every captured cookie that is no date."""
    world.indexed.client.cluster.put_component_template(
        name=f"{world.prefix}@custom", template={"mappings": _cookies({"type": "date"})}
    )


def take_cookies(world: World) -> None:
    """Mend it, in the indices that there are: what is no date is left out of the index, and kept in the document."""
    mended = _cookies({"type": "date", "ignore_malformed": True})
    world.indexed.client.indices.put_mapping(index=world.indexed.pattern, properties=mended["properties"])


def _cookies(cookie: dict[str, Any]) -> dict[str, Any]:
    for name in ("captured_cookie", "request", "http", "haproxy"):
        cookie = {"properties": {name: cookie}}
    return cookie


def refused(world: World, shipper: ShipperProcess, numbers: range) -> None:
    """Send lines of which each is refused, between others that are not."""
    with_others = [line(n, cookie="no-date") for n in numbers] + [line(n + 1_000_000) for n in numbers]
    sender = Sender(shipper.port)
    for start in range(0, len(with_others), 200):
        sender.send(with_others[start : start + 200])
        time.sleep(0.02)
    sender.close()
    until(lambda: shipper.commit().dead_lettered >= len(numbers), "the refused lines are dead letters")
    world.settled(shipper, 2 * len(numbers))


def left(shipper: ShipperProcess) -> list[int]:
    return sorted(number_of(letter.raw) for letter in read(shipper.state.root / "dead-letters"))


def settings(shipper: ShipperProcess) -> config.Config:
    return config.load(shipper.file)


def test_what_was_mended_is_indexed_as_if_it_had_never_been_refused(world: World) -> None:
    refuse_cookies(world)
    shipper = world.started()
    refused(world, shipper, range(300))
    letters = {letter.id: letter for letter in read(shipper.state.root / "dead-letters")}
    take_cookies(world)
    outcome = dead_letters.retry(settings(shipper), Choice(field=COOKIE))
    assert (outcome.chosen, outcome.indexed, outcome.already_there, outcome.waiting) == (300, 300, 0, 0)
    assert list((shipper.state.root / "dead-letters").iterdir()) == []
    assert world.indexed.numbers() == Counter([*range(300), *range(1_000_000, 1_000_300)])
    documents = {document.id: document for document in world.indexed.documents()}
    for id_, letter in letters.items():
        assert documents[id_].source == letter.document
        assert documents[id_].index == letter.index
    assert shipper.stop() == 0


def test_an_index_that_is_asked_for_gets_a_copy_of_each_letter(world: World) -> None:
    refuse_cookies(world)
    copies = f"letters-of-{world.prefix}"
    shipper = world.started(dead_letters={"index": copies})
    refused(world, shipper, range(30))
    assert shipper.stop() == 0
    client = world.indexed.client
    client.indices.refresh(index=copies)
    found = client.search(index=copies, size=100, query={"term": {"dead_letter.field": COOKIE}})["hits"]["hits"]
    letters = {letter.id: letter for letter in read(shipper.state.root / "dead-letters")}
    assert {hit["_id"] for hit in found} == set(letters)
    assert all(hit["_source"]["error"]["message"] == letters[hit["_id"]].reason for hit in found)
    client.indices.delete(index=copies)


def test_what_is_refused_again_stays_with_what_is_said_now(world: World) -> None:
    refuse_cookies(world)
    shipper = world.started()
    refused(world, shipper, range(20))
    before = {letter.id: letter for letter in read(shipper.state.root / "dead-letters")}
    some = frozenset(list(before)[:5])
    outcome = dead_letters.retry(settings(shipper), Choice(ids=some))
    assert (outcome.chosen, outcome.refused.total(), outcome.waiting) == (5, 5, 0)
    assert set(outcome.refused) == {f"document_parsing_exception: {COOKIE}"}
    after = {letter.id: letter for letter in read(shipper.state.root / "dead-letters")}
    assert list(after) == list(before)
    for id_, letter in after.items():
        again = id_ in some
        assert letter.tries == before[id_].tries + again
        assert (letter.retried is not None) == again
        assert (letter.time, letter.document) == (before[id_].time, before[id_].document)


def test_a_line_is_read_again_by_what_is_configured_now(world: World) -> None:
    refuse_cookies(world)
    shipper = world.started()
    refused(world, shipper, range(10))
    assert shipper.stop() == 0
    world.indexed.client.cluster.put_component_template(name=f"{world.prefix}@custom", template={})
    shipper.configure(labels={"site": "fra1"}, index={"date_format": "%Y_%m_%d"})
    outcome = dead_letters.retry(settings(shipper), Choice())
    assert outcome.indexed == 10
    documents = [document for document in world.indexed.documents() if document.number < 10]
    assert len(documents) == 10
    assert {document.source["labels"]["site"] for document in documents} == {"fra1"}
    assert all("_" in document.index for document in documents)


def test_what_the_index_takes_for_nobody_stays_and_the_reason_is_told(world: World) -> None:
    refuse_cookies(world)
    shipper = world.started()
    refused(world, shipper, range(10))
    assert shipper.stop() == 0
    take_cookies(world)
    world.indexed.client.indices.put_settings(index=world.indexed.pattern, settings={"index.blocks.write": True})
    shipper.configure(shutdown_timeout_s=1.0)
    outcome = dead_letters.retry(settings(shipper), Choice())
    assert (outcome.chosen, outcome.waiting) == (10, 10)
    assert outcome.troubles
    assert left(shipper) == list(range(10))
    world.indexed.client.indices.put_settings(index=world.indexed.pattern, settings={"index.blocks.write": None})
    assert dead_letters.retry(settings(shipper), Choice()).indexed == 10


@pytest.mark.chaos
def test_a_retry_that_is_killed_at_any_moment_loses_nothing_and_doubles_nothing(world: World) -> None:
    refuse_cookies(world)
    shipper = world.started(delivery={"batch_lines_max": 20})
    refused(world, shipper, range(1_500))
    take_cookies(world)
    retry = [COMMAND, "dead-letters", "retry", "--config", str(shipper.file), "--json"]
    dice = random.Random(7)
    kills = 0
    for _ in range(8):
        with subprocess.Popen(retry, stdout=subprocess.DEVNULL) as process:
            before = len(left(shipper))
            until(lambda b=before, p=process: len(left(shipper)) < b or p.poll() is not None, "it has begun")  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.05))
            process.kill()
        kills += process.returncode == -9
        there = Counter(number for number in world.indexed.numbers() if number < 1_000_000)
        assert set(there) | set(left(shipper)) == set(range(1_500))
    assert kills
    assert subprocess.run(retry, check=False, stdout=subprocess.DEVNULL).returncode == 0
    assert left(shipper) == []
    numbers = Counter({n: count for n, count in world.indexed.numbers().items() if n < 1_000_000})
    assert numbers == Counter(range(1_500))
    assert shipper.stop() == 0


def test_letters_that_a_running_shipper_adds_meanwhile_are_kept(world: World) -> None:
    refuse_cookies(world)
    shipper = world.started(delivery={"fuse_share_max": 1.0, "linger_s": 0.01})
    refused(world, shipper, range(200))
    sent = 200
    sender = Sender(shipper.port)
    while sent < 600:
        sender.send(line(n, cookie="no-date") for n in range(sent, sent + 40))
        sent += 40
        dead_letters.retry(settings(shipper), Choice())  # each is refused again, and its letter written anew
    sender.close()
    world.settled(shipper, 200 + sent)
    assert left(shipper) == list(range(sent))
    assert shipper.stop() == 0
