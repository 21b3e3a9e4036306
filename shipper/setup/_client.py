"""What setup asks of a client, and how an answer's reason is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from shipper.elastic import advice

if TYPE_CHECKING:
    from collections.abc import Mapping

OK: Final = 200
BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500


class Client(Protocol):
    """Sends one request to Elasticsearch."""

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        """Give the status and the parsed JSON of the answer, of any status; raise ConnectionFailed without one."""
        ...


class Named(Client, Protocol):
    """One whose messages say who answered."""

    @property
    def peer(self) -> str:
        """Who answers, with the URLs."""
        ...


def reason_of(status: int, answer: object) -> str:
    """Put a refusal into words: the status, and the type and the reason that Elasticsearch gave, where it gave them."""
    error = answer.get("error") if isinstance(answer, dict) else None
    said = f"{status} {error}" if error else f"status {status}"
    if isinstance(error, dict):
        cause = error.get("caused_by")
        inner = f" ({cause.get('reason')})" if isinstance(cause, dict) else ""
        said = f"{status} {error.get('type')}: {error.get('reason')}{inner}"
    return said + advice(status)


def may_pass(status: int) -> bool:
    """Say whether the same request may succeed later."""
    return status == TOO_MANY_REQUESTS or status >= SERVER_ERROR
