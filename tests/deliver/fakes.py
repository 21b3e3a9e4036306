"""A small honest cluster: it parses what it is sent, keeps what it takes, and answers as Elasticsearch does."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shipper.config import Delivery as Settings
from shipper.deliver import Delivery, Parking, Surroundings
from shipper.elastic import Answer
from shipper.journal.commit import Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shipper.elastic import Transport
    from shipper.refusal import Refusal

FAST: dict[str, Any] = {
    "retry_delay_s_min": 0.001,
    "retry_delay_s_max": 0.01,
    "pause_delay_s": 0.02,
    "park_after_s": 60.0,
}
WAIT_S = 5.0


def error(status: int, kind: str, reason: str = "because") -> tuple[int, dict[str, str]]:
    return status, {"type": kind, "reason": reason}


def whole(status: int, kind: str = "t") -> Answer:
    return Answer(status, json.dumps({"error": {"type": kind, "reason": "r"}, "status": status}).encode())


class Cluster:
    """``item`` may refuse a document, ``request`` may answer or raise in place of the cluster; both may be replaced."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], bytes] = {}
        self.requests: list[tuple[str, list[str]]] = []
        self.item: Callable[[str, int], tuple[int, dict[str, str]] | None] = lambda _index, _number: None
        self.request: Callable[[str, list[int]], Answer | None] = lambda _index, _numbers: None
        self.lose_answer: Callable[[], Answer | None] = lambda: None
        self.lock = threading.Lock()

    def bulk(self, index: str, body: bytes | memoryview, timeout_s: float) -> Answer:
        assert timeout_s > 0
        lines = bytes(body).splitlines()
        ids = [json.loads(action)["create"]["_id"] for action in lines[::2]]
        numbers = [json.loads(document)["n"] for document in lines[1::2]]
        with self.lock:
            self.requests.append((index, ids))
            answer = self.request(index, numbers)
            if answer is not None:
                return answer
            items = [self._create(index, *parts) for parts in zip(ids, numbers, lines[1::2], strict=True)]
            lost = self.lose_answer()
        if lost is not None:
            return lost
        content = {"errors": any("error" in item for item in items), "items": [{"create": item} for item in items]}
        return Answer(200, json.dumps(content).encode())

    def _create(self, index: str, id_: str, number: int, document: bytes) -> dict[str, Any]:
        refused = self.item(index, number)
        if refused is not None:
            return {"status": refused[0], "error": refused[1]}
        if (index, id_) in self.documents:
            return {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "exists"}}
        self.documents[index, id_] = document
        return {"status": 201}

    def times_sent(self) -> Counter[str]:
        with self.lock:
            return Counter(id_ for _, ids in self.requests for id_ in ids)


class Letters:
    """Keeps dead letters in memory; ``reason`` makes it full."""

    def __init__(self) -> None:
        self.kept: list[Refusal] = []
        self.reason: str | None = None

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        if self.reason is None:
            self.kept += refusals
        return self.reason


class Bench:
    """A delivery with all that stands around it."""

    def __init__(self, folder: Path, transport: Transport | None = None, **settings: object) -> None:
        self.cluster = Cluster()
        self.letters = Letters()
        self.parking = Parking(folder, None)
        self.verdicts: dict[int, Verdicts] = {}
        self.not_ready: dict[str, str] = {}
        self.asked: list[str] = []
        surroundings = Surroundings(
            transport=transport or self.cluster,
            parking=self.parking,
            dead_letters=self.letters,
            ready=self._ready,
            settled=self._settled,
        )
        self.delivery = Delivery(
            Settings.model_validate({**FAST, **settings}),
            surroundings,
            request_timeout_s=5.0,
            clock_s=time.monotonic,
            rng=random.Random(1),
        )

    def _ready(self, index: str) -> str | None:
        self.asked.append(index)
        return self.not_ready.get(index)

    def _settled(self, ticket: int, verdicts: Verdicts) -> None:
        assert ticket not in self.verdicts
        self.verdicts[ticket] = verdicts

    @property
    def total(self) -> Verdicts:
        return sum(list(self.verdicts.values()), Verdicts())


@contextmanager
def bench(folder: Path, transport: Transport | None = None, **settings: object) -> Iterator[Bench]:
    made = Bench(folder, transport, **settings)
    try:
        yield made
    finally:
        made.delivery.close(0.0)
        made.parking.close()


def until(condition: Callable[[], object], seconds: float = WAIT_S) -> None:
    """Wait for ``condition``; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
