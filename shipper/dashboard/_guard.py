"""Stands before everything else: who may ask, how, and what every answer says to the browser.

1. Only GET and HEAD, only under an allowed name, only from the page itself or a person: not from other sites.
2. Every answer, refusals and errors too, has the same headers: no script, style, frame or connection but the page's
   own, no guessed types, no referrer, no other origin that may read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from shipper.dashboard._contract import Trouble
from shipper.dashboard._flights import as_reply
from shipper.dashboard._names import name_of
from shipper.limits import DASHBOARD_QUERY_STRING_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Container

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_OWN: Final = frozenset({"same-origin", "none"})
"""`Sec-Fetch-Site` of what the page asks, and of what a person types."""
_METHODS: Final = ("GET", "HEAD")


class Guard:
    """Wraps an application that may be called by ``names``."""

    def __init__(self, app: ASGIApp, names: Container[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on; either way the answer gets its headers."""
        kept = "no-store" if scope["path"].startswith("/api/") else "no-cache"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update({**HEADERS, "cache-control": kept})
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["method"] not in _METHODS:
            return _refuse(405, "This page is only for reading: GET and HEAD.", headers={"allow": ", ".join(_METHODS)})
        name = name_of(headers.get("host", ""))
        if name not in self._names and name != _reached(scope):
            return _refuse(
                421,
                "This name is not one that the dashboard answers to.",
                "Start it with `--allowed-host NAME`, or use the address that it listens on.",
            )
        if scope["path"].startswith("/api/") and headers.get("sec-fetch-site", "none") not in _OWN:
            return _refuse(403, "Another site asked for this.")
        if len(scope["query_string"]) > DASHBOARD_QUERY_STRING_BYTES_MAX:
            return _refuse(414, "There are too many parameters, or they are too long.")
        return None


def _reached(scope: Scope) -> str | None:
    """Give this machine's address that the connection came to."""
    server: tuple[str, int | None] | None = scope.get("server")
    return server[0] if server else None


def _refuse(
    status: int, what: str, todo: str = "Open the page itself.", headers: dict[str, str] | None = None
) -> Response:
    body = as_reply(Trouble("bad_request", what, todo)).body
    return Response(body, status, headers, media_type="application/json")
