"""What Elasticsearch holds under the demo's prefix, asked of Elasticsearch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deploy.demo._children import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipper.elastic import Client

PERCENTS: Final = (50, 75, 90, 99, 99.9)
_PAGE_DOCUMENTS: Final = 2_000
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Backend:
    """Requests that one backend answered; its percentiles are in ms, None where no request has a time."""

    name: str
    requests: int
    failed: int
    percentiles_ms: tuple[float | None, ...]


class Indexed:
    """The indices whose names begin with ``prefix``."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._pattern = f"{prefix}-*"

    def counts(self) -> dict[str, int]:
        """Count the documents of each index."""
        self._ask("POST", f"/{self._pattern}/_refresh")
        return {bucket["key"]: bucket["doc_count"] for bucket in self._buckets({"terms": _terms("_index")})}

    def backends(self) -> list[Backend]:
        """Give each backend's response times; requests without one (-1 in the log) are in no percentile."""
        aggregation = {
            "terms": _terms("haproxy.backend_name"),
            "aggs": {
                "failed": {"filter": {"range": {"http.response.status_code": {"gte": 500}}}},
                "total_ms": {
                    "percentiles": {
                        "field": "haproxy.time.total_ms",
                        "percents": PERCENTS,
                        "keyed": False,
                        "hdr": {"number_of_significant_value_digits": 3},
                    }
                },
            },
        }
        return [_backend(bucket) for bucket in self._buckets(aggregation, {"term": {"haproxy.line": "traffic"}})]

    def sample(self) -> Mapping[str, Any] | None:
        """Give one document that has something to show."""
        traits = [{"term": {"haproxy.backend_name": "shop"}}, {"term": {"tls.established": True}}]
        query = {"bool": {"should": traits}}
        hits = self._ask("POST", f"/{self._pattern}/_search", {"size": 1, "query": query})["hits"]["hits"]
        return {key: hits[0][key] for key in ("_index", "_id", "_source")} if hits else None

    def documents(self) -> Iterator[Mapping[str, Any]]:
        """Give the source of every document."""
        page = {"size": _PAGE_DOCUMENTS, "sort": ["_doc"]}
        answer = self._ask("POST", f"/{self._pattern}/_search?scroll=1m", page)
        while answer["hits"]["hits"]:
            yield from (hit["_source"] for hit in answer["hits"]["hits"])
            answer = self._ask("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": answer["_scroll_id"]})
        self._client.request("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})

    def delete(self) -> None:
        """Delete what the demo made, each thing by its full name: the prefix is random, and nobody else's."""
        for index in self._ask("GET", f"/{self._pattern}?expand_wildcards=all"):
            self._ask("DELETE", f"/{index}")
        for kind in ("index", "component"):
            listed = self._client.request("GET", f"/_{kind}_template/{self._prefix}*")
            found = listed[1][f"{kind}_templates"] if listed[0] == _OK else []
            for template in found:
                self._ask("DELETE", f"/_{kind}_template/{template['name']}")

    def _buckets(self, aggregation: Mapping[str, Any], query: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        body = {"size": 0, "query": query or {"match_all": {}}, "aggs": {"groups": aggregation}}
        answer = self._ask("POST", f"/{self._pattern}/_search", body)
        groups = answer.get("aggregations", {}).get("groups", {})
        return list(groups.get("buckets", []))

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 -- JSON
        status, answer = self._client.request(method, path, body)
        if status != _OK:
            raise DemoFailed(f"Elasticsearch answered {method} {path} with {status}: {answer}")
        return answer


def _terms(field: str) -> dict[str, Any]:
    return {"field": field, "size": 100, "order": {"_key": "asc"}}


def _backend(bucket: Mapping[str, Any]) -> Backend:
    return Backend(
        name=bucket["key"],
        requests=bucket["doc_count"],
        failed=bucket["failed"]["doc_count"],
        percentiles_ms=tuple(value["value"] for value in bucket["total_ms"]["values"]),
    )
