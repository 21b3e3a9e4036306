"""Answers on their way: shared, few at a time, and none that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from shipper.dashboard import Question, Trouble
from shipper.dashboard._flights import Flights
from shipper.limits import DASHBOARD_QUERIES_MAX, DASHBOARD_QUESTIONS_MAX
from tests.dashboard.browsing import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Elastic:
    """Answers once ``go`` is set, and remembers what it was asked and how much at a time."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[str] = []
        self.running = self.running_max = 0
        self.busy = threading.Event()
        self._lock = threading.Lock()

    def question(self, text: str) -> Question:
        return Question(text, lambda: self._answer(text))

    def _answer(self, text: str) -> Mapping[str, object]:
        with self._lock:
            self.asked.append(text)
            self.running += 1
            self.running_max = max(self.running_max, self.running)
            if self.running == DASHBOARD_QUERIES_MAX:
                self.busy.set()
        assert self.go.wait(5)
        with self._lock:
            self.running -= 1
        return {"text": text}


@pytest.fixture
def elastic() -> Iterator[Elastic]:
    made = Elastic()
    yield made
    made.go.set()


async def never() -> None:
    await asyncio.Event().wait()


async def now() -> None:
    pass


async def until_busy(elastic: Elastic) -> None:
    assert await asyncio.to_thread(elastic.busy.wait, 5)


def test_the_same_question_of_several_is_asked_once(elastic: Elastic) -> None:
    async def ask() -> list[bytes]:
        flights = Flights()
        asking = [asyncio.create_task(flights.answer(elastic.question("a"), never())) for _ in range(5)]
        await asyncio.sleep(0)  # all of them ask
        elastic.go.set()
        return [reply.body for reply in await asyncio.gather(*asking) if reply]

    assert run(ask()) == [b'{"text":"a"}'] * 5
    assert elastic.asked == ["a"]


def test_nothing_is_kept_once_it_was_answered(elastic: Elastic) -> None:
    async def ask() -> None:
        flights = Flights()
        elastic.go.set()
        for _ in range(3):
            assert await flights.answer(elastic.question("a"), never()) is not None

    run(ask())
    assert elastic.asked == ["a"] * 3


def test_few_are_asked_at_the_same_time(elastic: Elastic) -> None:
    async def ask() -> None:
        flights = Flights()
        asking = [asyncio.create_task(flights.answer(elastic.question(str(n)), never())) for n in range(20)]
        await until_busy(elastic)
        elastic.go.set()
        await asyncio.gather(*asking)

    run(ask())
    assert elastic.running_max == DASHBOARD_QUERIES_MAX
    assert len(elastic.asked) == 20


def test_what_nobody_waits_for_any_more_is_never_asked(elastic: Elastic) -> None:
    async def ask() -> None:
        flights = Flights()
        names = [str(n) for n in range(DASHBOARD_QUERIES_MAX)]
        busy = [asyncio.create_task(flights.answer(elastic.question(name), never())) for name in names]
        await until_busy(elastic)
        assert await flights.answer(elastic.question("left"), now()) is None
        stayed = asyncio.create_task(flights.answer(elastic.question("stayed"), never()))
        assert await flights.answer(elastic.question("stayed"), now()) is None
        elastic.go.set()
        assert all(await asyncio.gather(*busy, stayed))

    run(ask())
    assert set(elastic.asked) == {"stayed", *map(str, range(DASHBOARD_QUERIES_MAX))}


def test_who_leaves_early_does_not_wait(elastic: Elastic) -> None:
    async def ask() -> None:
        flights = Flights()
        assert await flights.answer(elastic.question("a"), now()) is None
        elastic.go.set()
        reply = await flights.answer(elastic.question("a"), never())
        assert reply is not None
        assert reply.status == 200

    run(ask())


def test_too_many_questions_are_refused_at_once(elastic: Elastic) -> None:
    async def ask() -> None:
        flights = Flights()
        names = [str(n) for n in range(DASHBOARD_QUESTIONS_MAX)]
        asking = [asyncio.create_task(flights.answer(elastic.question(name), never())) for name in names]
        await until_busy(elastic)
        reply = await flights.answer(elastic.question("one more"), never())
        assert reply is not None
        assert (reply.status, b"too_slow" in reply.body) == (504, True)
        elastic.go.set()
        assert all(await asyncio.gather(*asking))

    run(ask())
    assert "one more" not in elastic.asked


def test_trouble_is_shared_like_an_answer() -> None:
    async def ask() -> set[int]:
        flights = Flights()
        question = Question("a", lambda: Trouble("no_index", "", ""))
        replies = await asyncio.gather(*(flights.answer(question, never()) for _ in range(3)))
        return {reply.status for reply in replies if reply}

    assert run(ask()) == {404}
