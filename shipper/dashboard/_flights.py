"""Answers on their way: few at a time, each only once, and none that nobody waits for.

1. At most ``DASHBOARD_QUERIES_MAX`` are asked at the same time; others wait in the order in which they came, and only
   so many.
2. Who asks what is already on its way gets the same answer.
3. When the last who waits has left, an answer that was not begun is never asked for. One that was begun runs into its
   own deadline at the latest.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.dashboard._contract import Question, Trouble
from shipper.limits import DASHBOARD_QUERIES_MAX, DASHBOARD_QUESTIONS_MAX

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes to the browser: a status and JSON."""

    status: int
    body: bytes


@dataclass(slots=True)
class _Flight:
    reply: asyncio.Future[Reply]
    waiting: int = 0


class Flights:
    """Gets answers, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DASHBOARD_QUERIES_MAX, thread_name_prefix="question")
        self._flights: dict[str, _Flight] = {}

    async def answer(self, question: Question, left: Coroutine[Any, Any, None]) -> Reply | None:
        """Give the answer; None when who asked has ``left`` before it came."""
        flight = self._flights.get(question.text)
        if flight is None:
            if len(self._flights) >= DASHBOARD_QUESTIONS_MAX:
                left.close()
                return as_reply(_BUSY)
            flight = self._begin(question)
        flight.waiting += 1
        leaving = asyncio.create_task(left)
        waited: set[asyncio.Future[Any]] = {flight.reply, leaving}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            flight.waiting -= 1
            if not flight.waiting:
                self._end(question, flight)
        return None if flight.reply.cancelled() or not flight.reply.done() else flight.reply.result()

    def _begin(self, question: Question) -> _Flight:
        reply = asyncio.get_running_loop().run_in_executor(self._threads, _reply, question)
        flight = self._flights[question.text] = _Flight(reply)
        return flight

    def _end(self, question: Question, flight: _Flight) -> None:
        if self._flights.get(question.text) is flight:
            del self._flights[question.text]
        flight.reply.cancel()  # nothing, when it is there


_BUSY = Trouble("too_slow", "Too much is being asked at the same time.", "The page asks again by itself.")


def _reply(question: Question) -> Reply:
    return as_reply(question.answer())


def as_reply(answer: object) -> Reply:
    """Put an answer, or why there is none, into JSON."""
    status, content = (answer.status, answer.as_json()) if isinstance(answer, Trouble) else (200, answer)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Reply(status, text.encode("utf-8", "replace"))  # others' documents may hold half a surrogate pair
