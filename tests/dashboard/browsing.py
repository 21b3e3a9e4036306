"""An application with known questions, and a browser's requests to it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from shipper.dashboard import STATIC, Question, Trouble, allowed_names, application

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from shipper.dashboard import Parameters

_T = TypeVar("_T")

MARKUP: Final = "<script>alert(1)</script>"


def run(asking: Coroutine[Any, Any, _T]) -> _T:
    """Run in a thread of its own: while the session's browser is open, the main thread's loop is playwright's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asking).result()


def answers(name: str, parameters: Parameters) -> Question | Trouble | None:
    """Answer ``echo`` with the parameters; ``half`` with half a surrogate pair; ``away``, ``wrong`` with trouble."""
    if name == "bug":
        return Question("bug", _bug)
    known: dict[str, Any] = {
        "echo": Question(f"echo {parameters}", lambda: {key: list(values) for key, values in parameters.items()}),
        "half": Question("half", lambda: {"text": "\ud800"}),
        "away": Question("away", lambda: Trouble("unreachable", "Nothing answers.", "Wait.")),
        "wrong": Trouble("bad_request", "That is wrong.", "Do it right."),
    }
    found: Question | Trouble | None = known.get(name)
    return found


def _bug() -> dict[str, object]:
    raise AssertionError("a bug")


class Browser:
    """Asks an application that listens on ``host``, without a socket in between."""

    def __init__(
        self, host: str = "127.0.0.1", *allowed: str, static: Path = STATIC, base: str = "http://127.0.0.1:8899"
    ) -> None:
        app = application(answers, allowed_names(host, allowed), static)
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._base = base

    def get(self, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 -- httpx's
        return self.request("GET", path, **arguments)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 -- httpx's
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url=self._base) as client:
                return await client.request(method, path, **arguments)

        return run(ask())
