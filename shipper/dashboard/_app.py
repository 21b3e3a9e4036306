"""The application: the page at `/`, its files below `/static/`, answers below `/api/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shipper.dashboard._contract import Question, Trouble
from shipper.dashboard._flights import Flights, as_reply
from shipper.dashboard._guard import Guard

if TYPE_CHECKING:
    from collections.abc import Container

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from shipper.dashboard._contract import Questions

STATIC: Final = Path(__file__).parent / "static"
"""The page's files."""
_NOBODY_WAITS: Final = 499
"""The status of an answer that nobody reads; nginx's number for it."""


def application(questions: Questions, names: Container[str], static: Path = STATIC) -> ASGIApp:
    """Make the application that answers ``questions``, to who calls it by one of ``names``."""
    flights = Flights()

    async def page(_request: Request) -> Response:
        return FileResponse(static / "index.html")

    async def api(request: Request) -> Response:
        name, parameters = request.path_params["name"], request.query_params
        question = questions(name, {key: parameters.getlist(key) for key in parameters})
        reply = (
            await flights.answer(question, _left(request))
            if isinstance(question, Question)
            else as_reply(question or Trouble("bad_request", "There is no such panel.", "Reload the page."))
        )
        if reply is None:
            return Response(status_code=_NOBODY_WAITS)
        return Response(reply.body, reply.status, media_type="application/json")

    routes = [
        Route("/", page),
        Route("/api/{name}", api),
        Mount("/static", StaticFiles(directory=static)),
    ]
    return Guard(Starlette(routes=routes), names)


async def _left(request: Request) -> None:
    """Return when the browser no longer waits."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
