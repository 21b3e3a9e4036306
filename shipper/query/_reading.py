"""Reading from Elasticsearch: documents by their ids, and all of a query, page by page.

1. What may pass (no answer, 429, 5xx, a shard that is away) is asked for again, a few times; what is then still
   unanswered ends the reading. Half an answer is never taken for a whole one.
2. All pages are of one moment (a point in time): what is indexed meanwhile is in none of them.
3. A page has a bounded number of documents.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import quote

from shipper.elastic import advice
from shipper.errors import Permanent, Retryable
from shipper.limits import QUERY_DOCUMENTS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipper.query._findings import Document

_T = TypeVar("_T")

OK: Final = 200
_NOT_FOUND: Final = 404
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_TRIES_MAX: Final = 6
"""With the pauses between them half a minute: a node that is started again is waited for."""
_KEEP_ALIVE: Final = "5m"
"""Of a point in time, from page to page."""
_OF_AGGREGATIONS: Final = "timed_out,_shards.total,_shards.failed,hits.total.value,aggregations"
_OF_A_PAGE: Final = "pit_id,timed_out,_shards.failed,hits.hits._index,hits.hits._id,hits.hits._source,hits.hits.sort"


class Client(Protocol):
    """Sends one request to Elasticsearch."""

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        """Give the status and the parsed JSON of the answer, of any status; raise ConnectionFailed without one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document as it lies in its index."""

    index: str
    id: str
    source: Document


@dataclass(frozen=True, slots=True)
class Aggregated:
    """How many documents a query found, and the answers to the aggregations over them."""

    documents: int
    answers: Mapping[str, Any]


class Documents:
    """Reads documents. ``sleep`` takes seconds. Raises Permanent for what is refused, Retryable for what stays away.

    ``tries_max`` is how often what may pass is asked for; where a person waits, few times. ``waits`` is told once, why,
    before the first time that it is asked for again.
    """

    def __init__(
        self,
        client: Client,
        sleep: Callable[[float], None],
        *,
        tries_max: int = _TRIES_MAX,
        waits: Callable[[Retryable], None] | None = None,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._tries_max = tries_max
        self._waits = waits

    def get(self, wanted: Sequence[tuple[str, str]]) -> list[Document | None]:
        """Give the documents of pairs of index and id, as they are now; None for each that is not there."""
        body = {"docs": [{"_index": index, "_id": id_} for index, id_ in wanted]}
        path = "/_mget?filter_path=docs._source,docs.found,docs.error"

        def ask() -> list[Document | None]:
            return [_source_of(item) for item in self._ask("POST", path, body)["docs"]]

        return self._patiently(ask) if wanted else []

    def refresh(self, pattern: str) -> None:
        """Make everything that is indexed searchable."""
        path = f"/{quote(pattern, safe=',*')}/_refresh?ignore_unavailable=true&allow_no_indices=true"
        self._patiently(lambda: self._ask("POST", path))

    def search(self, pattern: str, query: Mapping[str, object], fields: Sequence[str] = ()) -> Iterator[Hit]:
        """Give all documents that ``query`` finds at this moment, with all fields or with ``fields``."""
        with self._moment(pattern) as moment:
            if moment is None:
                return
            body: dict[str, object] = {
                "query": query,
                "size": QUERY_DOCUMENTS_MAX,
                "sort": ["_shard_doc"],
                "track_total_hits": False,
                "_source": list(fields) or True,
            }
            while True:
                page = self._page({**body, "pit": {"id": moment[0], "keep_alive": _KEEP_ALIVE}})
                moment[0] = page.get("pit_id", moment[0])
                hits = page.get("hits", {}).get("hits", [])
                yield from (Hit(hit["_index"], hit["_id"], hit.get("_source", {})) for hit in hits)
                if len(hits) < QUERY_DOCUMENTS_MAX:
                    return
                body["search_after"] = hits[-1]["sort"]

    def aggregate(
        self, pattern: str, query: Mapping[str, object], aggregations: Mapping[str, object]
    ) -> Aggregated | None:
        """Give the answers to aggregations over what ``query`` finds; None where there is no index."""
        body = {"size": 0, "track_total_hits": True, "query": query, "aggs": aggregations}
        path = f"/{quote(pattern, safe=',*')}/_search?filter_path={_OF_AGGREGATIONS}"

        def ask() -> Mapping[str, Any]:
            return _of_all_shards(self._ask("POST", path, body))

        answer = self._patiently(ask)
        if not answer["_shards"]["total"]:
            return None
        return Aggregated(answer["hits"]["total"]["value"], answer.get("aggregations", {}))

    def count_each(self, pattern: str, queries: Sequence[Mapping[str, object]]) -> list[int]:
        """Count what each of ``queries`` finds by now. Asks once: raises Retryable for what may pass."""
        body = {"size": 0, "aggs": {"each": {"filters": {"filters": list(queries)}}}}
        path = f"/{quote(pattern, safe=',*')}/_search?filter_path=aggregations.each.buckets.doc_count"
        answer = self._ask("POST", path, body)
        buckets = answer.get("aggregations", {}).get("each", {}).get("buckets", [])
        return [int(bucket["doc_count"]) for bucket in buckets] or [0] * len(queries)

    @contextmanager
    def _moment(self, pattern: str) -> Iterator[list[str] | None]:
        """Hold a point in time open, in a list of its newest id; None where there is no index."""
        path = f"/{quote(pattern, safe=',*')}/_pit?keep_alive={_KEEP_ALIVE}&ignore_unavailable=true"
        try:
            moment = [str(self._patiently(lambda: self._ask("POST", path))["id"])]
        except _NotFoundError:
            yield None
            return
        try:
            yield moment
        finally:
            with suppress(Retryable):  # it ends by itself
                self._client.request("DELETE", "/_pit", {"id": moment[0]})

    def _page(self, body: Mapping[str, object]) -> Mapping[str, Any]:
        def ask() -> Mapping[str, Any]:
            return _of_all_shards(self._ask("POST", f"/_search?filter_path={_OF_A_PAGE}", body))

        return self._patiently(ask)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 -- JSON
        status, answer = self._client.request(method, path, body)
        if status == OK and (answer is None or isinstance(answer, dict)):
            return answer or {}
        reason = f"{method} {path.partition('?')[0]} was answered with {_reason(status, answer)}"
        if status in {OK, _TOO_MANY_REQUESTS} or status >= _SERVER_ERROR:
            raise Retryable(reason)
        raise (_NotFoundError if status == _NOT_FOUND else Permanent)(reason)

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        for attempt in range(self._tries_max - 1):
            try:
                return ask()
            except Retryable as error:
                if self._waits is not None:
                    self._waits(error)
                    self._waits = None
                self._sleep(2.0**attempt)
        return ask()


class _NotFoundError(Permanent):
    """There is no such index."""


def _of_all_shards(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
        raise Retryable("Elasticsearch could not search all shards")
    return answer


def _source_of(item: Mapping[str, Any]) -> Document | None:
    error = item.get("error")
    if error is not None and error.get("type") != "index_not_found_exception":
        raise Retryable(f"a document could not be read: {error.get('type')}: {error.get('reason')}")
    source: Document | None = item.get("_source") if item.get("found") else None
    return source


def _reason(status: int, answer: Any) -> str:  # noqa: ANN401 -- JSON can be anything
    error = answer.get("error") if isinstance(answer, dict) else None
    said = f"{status} {error['type']}: {error.get('reason')}" if isinstance(error, dict) else f"status {status}"
    return said + advice(status)
