"""Copies of dead letters in an index of Elasticsearch, for dashboards and alerts. The files are what counts.

1. A letter is on disk before its copy is sent. What cannot be copied is said, and stays in the files alone.
2. A copy has the `_id` of its letter's document: none is there twice.
3. The index is created with its mapping before the first copy. One that is there already is taken as it is.
4. Once a copy was answered, burials copy side by side. Until then, and where the index cannot be created or none
   answers, one burial each DEAD_LETTER_COPY_RETRY_S asks and waits; the others go on without a copy.
5. A copy stays when its letter is retried or deleted: it tells what was refused once.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from shipper.dead_letter._files import DeadLetters
from shipper.dead_letter._letter import letter_of
from shipper.errors import Retryable
from shipper.limits import DEAD_LETTER_COPY_RETRY_S, DEAD_LETTER_COPY_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipper.config import Config
    from shipper.dead_letter._letter import DeadLetter
    from shipper.elastic import Answer
    from shipper.refusal import Refusal

_log = structlog.get_logger()

_OK: Final = range(200, 300)
_CONFLICT: Final = 409
_RETRY_US: Final = round(DEAD_LETTER_COPY_RETRY_S * 1_000_000)
_EXISTS: Final = "resource_already_exists_exception"
_DATE: Final[Mapping[str, Any]] = {"type": "date_nanos", "format": "uuuu-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
_KEYWORD: Final[Mapping[str, Any]] = {"type": "keyword", "ignore_above": 8191}
_KEPT: Final[Mapping[str, Any]] = {"type": "keyword", "index": False, "doc_values": False}
_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "@timestamp": _DATE,
    "event.kind": _KEYWORD,
    "event.dataset": _KEYWORD,
    "event.created": _DATE,
    "event.original": _KEPT,
    "event.original_base64": _KEPT,
    "error.type": _KEYWORD,
    "error.message": {"type": "text"},
    "log.source.address": _KEYWORD,
    "dead_letter.index": _KEYWORD,
    "dead_letter.id": _KEYWORD,
    "dead_letter.field": _KEYWORD,
    "dead_letter.caused_by": {"type": "text"},
    "dead_letter.status": {"type": "short"},
    "dead_letter.tries": {"type": "long"},
    "dead_letter.document": _KEPT,
}
_INDEX: Final = {
    "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1"},
    "mappings": {"dynamic": False, "properties": _FIELDS},
}


class Letters(Protocol):
    """Where letters are kept."""

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        """Put all on disk and give None, or none of them and give the reason."""


class Client(Protocol):
    """What is needed of a client of Elasticsearch."""

    def bulk(self, index: str, body: bytes, timeout_s: float) -> Answer:
        """Send NDJSON. Raises Retryable."""

    def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, timeout_s: float | None = None
    ) -> tuple[int, Any]:
        """Send one request; give status and answer. Raises Retryable."""


class Copied:
    """Letters that are kept in ``letters``, and copied to ``index``. Called from any thread."""

    def __init__(self, letters: Letters, index: str, client: Client, clock_us: Callable[[], int]) -> None:
        self._letters = letters
        self._index = index
        self._client = client
        self._clock_us = clock_us
        self._asks = Lock()
        """Held by the one that asks while nothing was answered."""
        self._answers = False
        """Whether the last copy was answered: the index is there."""
        self._failed: tuple[int, str] | None = None
        """When the index could not be created or did not answer, and why."""

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        """Put ``refusals`` on disk, then copy them. Give None, or the reason why none of them could be kept."""
        reason = self._letters.write(refusals)
        if reason is None:
            trouble = self._copy([letter_of(refusal, self._clock_us()) for refusal in refusals])
            if trouble is not None:
                _log.warning("dead_letters_not_copied", index=self._index, items=len(refusals), reason=trouble)
        return reason

    def _copy(self, letters: Sequence[DeadLetter]) -> str | None:
        """Give None, or why not all could be copied."""
        if self._answers:
            return self._send(letters)
        if not self._asks.acquire(blocking=False):
            return self._failed[1] if self._failed else "the first copies are under way, and not answered yet"
        try:
            if self._failed is not None and 0 <= self._clock_us() - self._failed[0] < _RETRY_US:
                return self._failed[1]
            return self._send(letters)
        finally:
            self._asks.release()

    def _send(self, letters: Sequence[DeadLetter]) -> str | None:
        trouble = None if self._answers else self._create()
        if trouble is None:
            try:
                answer = self._client.bulk(self._index, b"".join(map(_item, letters)), DEAD_LETTER_COPY_TIMEOUT_S)
            except Retryable as error:
                trouble = str(error)
            else:
                self._answers = True
                return _trouble(answer)
        self._answers, self._failed = False, (self._clock_us(), trouble)
        return trouble

    def _create(self) -> str | None:
        try:
            status, answer = self._client.request("PUT", f"/{self._index}", _INDEX, DEAD_LETTER_COPY_TIMEOUT_S)
        except Retryable as error:
            return f"the index cannot be created: {error}"
        if status not in _OK and _EXISTS not in json.dumps(answer):
            return f"the index cannot be created: {json.dumps(answer)}"
        return None


def open_letters(
    config: Config, client: Client, unsettled: Callable[[str], bool], clock_us: Callable[[], int]
) -> Letters:
    """Open the dead letters of a configuration, copied where it says so.

    ``unsettled`` tells of an id whether its line may come again although its letter is written.
    """
    settings = config.dead_letters
    letters = DeadLetters(config.state_dir / "dead-letters", settings.bytes_max, unsettled=unsettled, clock_us=clock_us)
    return letters if settings.index is None else Copied(letters, settings.index, client, clock_us)


def _item(letter: DeadLetter) -> bytes:
    action = json.dumps({"create": {"_id": letter.id}})
    return f"{action}\n{json.dumps(_document(letter))}\n".encode()


def _document(letter: DeadLetter) -> dict[str, Any]:
    return {
        "@timestamp": letter.time,
        "event": {
            "kind": "pipeline_error",
            "dataset": "shipper.dead_letters",
            "created": letter.received,
            "original": letter.line,
            "original_base64": letter.line_base64,
        },
        "error": {"type": letter.type, "message": letter.reason},
        "log": {"source": {"address": letter.sender}},
        "dead_letter": {
            "index": letter.index,
            "id": letter.id,
            "field": letter.field,
            "caused_by": letter.caused_by,
            "status": letter.status,
            "tries": letter.tries,
            "document": json.dumps(letter.document),
        },
    }


def _trouble(answer: Answer) -> str | None:
    """Give the first thing that went wrong; a copy that is there already did not."""
    try:
        content = json.loads(answer.body)
        results = [item["create"] for item in content["items"]]
        wrong = [result for result in results if result["status"] not in _OK and result["status"] != _CONFLICT]
    except (ValueError, TypeError, LookupError):
        return f"status {answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
    return f"{len(wrong)} refused, the first: {json.dumps(wrong[0].get('error'))}" if wrong else None
