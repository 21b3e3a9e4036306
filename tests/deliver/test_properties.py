from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.deliver._answers import Items, read
from shipper.elastic import Answer
from shipper.errors import ConnectionFailed
from tests.deliver.bodies import Lines, position
from tests.deliver.fakes import Cluster, bench, error, until, whole

SCRATCH = settings(max_examples=40)
PASSING = [
    error(429, "es_rejected_execution_exception"),
    error(403, "cluster_block_exception"),
    error(404, "index_not_found_exception"),
    error(503, "unavailable_shards_exception"),
]
WHOLE = [whole(status) for status in (400, 401, 413, 429, 503)] + [Answer(200, b"{}"), Answer(200, b"<html>")]


class Chaos:
    """Decides by dice, but is well after a while; every seventh document is refused for good."""

    def __init__(self, seed: int, troubles: int) -> None:
        self.dice = random.Random(seed)
        self.left = troubles

    def strikes(self) -> bool:
        if self.left and self.dice.random() < 0.3:
            self.left -= 1
            return True
        return False

    def item(self, _index: str, number: int) -> tuple[int, dict[str, str]] | None:
        if self.strikes():
            return self.dice.choice(PASSING)
        return error(400, "document_parsing_exception") if number % 7 == 0 else None

    def request(self, _index: str, _numbers: list[int]) -> Answer | None:
        if not self.strikes():
            return None
        if self.dice.random() < 0.3:
            raise ConnectionFailed("cut")
        return self.dice.choice(WHOLE)

    def lose_answer(self) -> Answer | None:
        return Answer(200, b'{"errors":') if self.strikes() else None


class Witness:
    """Stands between, and notes what is sent again although it was acknowledged."""

    def __init__(self, chaos: Chaos) -> None:
        self.cluster = Cluster()
        self.cluster.item, self.cluster.request, self.cluster.lose_answer = chaos.item, chaos.request, chaos.lose_answer
        self.acknowledged: set[str] = set()
        self.sent_after_all: list[str] = []

    def bulk(self, index: str, body: bytes | memoryview, timeout_s: float) -> Answer:
        ids = [json.loads(action)["create"]["_id"] for action in bytes(body).splitlines()[::2]]
        self.sent_after_all += [id_ for id_ in ids if id_ in self.acknowledged]
        answer = self.cluster.bulk(index, body, timeout_s)
        outcome = read(answer, len(ids))
        if isinstance(outcome, Items):
            self.acknowledged |= {id_ for number, id_ in enumerate(ids) if number not in outcome.troubles}
        return answer


@SCRATCH
@given(seed=st.integers(0, 2**32), troubles=st.integers(0, 60), sizes=st.lists(st.integers(1, 30), max_size=8))
def test_whatever_is_answered_every_item_gets_one_verdict_and_good_ones_are_not_sent_again(
    seed: int, troubles: int, sizes: list[int]
) -> None:
    chaos = Chaos(seed, troubles)
    witness = Witness(chaos)
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder), witness, requests_in_flight_max=3) as b:
        first = 1
        for ticket, size in enumerate(sizes):
            numbers = tuple(range(first, first + size))
            first += size
            b.delivery.submit(ticket, [Lines(f"i{ticket % 2}", numbers)])
        until(lambda: len(b.verdicts) == len(sizes), 10)
        assert b.delivery.close(5)
        total, letters = b.total, b.letters.kept
        assert {ticket: verdicts.total for ticket, verdicts in b.verdicts.items()} == dict(enumerate(sizes))
        dead = {letter.id for letter in letters}
        oversized = {letter.id for letter in letters if letter.type == "t"}
        documents = {id_ for _, id_ in witness.cluster.documents}
        everything = {position(number).id() for number in range(1, first)}
        seventh = {position(number).id() for number in range(7, first, 7)}
        assert len(letters) == len(dead) == total.dead_lettered
        assert dead - oversized <= seventh
        assert documents | dead == everything
        assert total.indexed + total.already_there == len(everything - dead)
        assert not witness.sent_after_all
