"""What Grafana's Elasticsearch data source makes of a query: variables filled in, and a search body built.

Written after its source (`pkg/tsdb/elasticsearch`): a filter of the time and one of the Lucene query; each bucket
aggregation holds the next; the metrics stand in the innermost; a metric's settings are handed on as they are, each one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.dashboards.conftest import Filled

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Put values in the places of variables; each must be known."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], text)


def several(*values: str) -> str:
    """Write several chosen values as the data source does."""
    return "(" + " OR ".join('"' + re.sub(r'([\\"])', r"\\\1", value) + '"' for value in values) + ")"


def body(query: Mapping[str, Any], filled: Filled, values: Mapping[str, str]) -> dict[str, Any]:
    """Build the search of a query."""
    in_time = {"gte": filled.from_ms, "lte": filled.to_ms, "format": "epoch_millis"}
    lucene = {"query": interpolate(query["query"], values), "analyze_wildcard": True}
    filters = [{"range": {"@timestamp": in_time}}, {"query_string": lucene}]
    made: dict[str, Any] = {"size": 0, "query": {"bool": {"filter": filters}}}
    first = query["metrics"][0]
    if first["type"] == "raw_data":
        newest = [{"@timestamp": {"order": "desc", "unmapped_type": "boolean"}}, {"_doc": {"order": "desc"}}]
        fields = [{"field": "@timestamp", "format": "strict_date_optional_time_nanos"}]
        shown = {"docvalue_fields": ["@timestamp"], "script_fields": {}, "fields": fields}
        return made | {"size": int(first["settings"]["size"]), "sort": newest, **shown}
    return made | {"aggs": _buckets(query["bucketAggs"], query["metrics"], filled)}


def variable(query: Mapping[str, Any], filled: Filled, values: Mapping[str, str]) -> dict[str, Any]:
    """Build the search for the values of a variable."""
    in_time = {"gte": filled.from_ms, "lte": filled.to_ms, "format": "epoch_millis"}
    filters = [{"range": {"@timestamp": in_time}}, {"query_string": {"query": interpolate(query["query"], values)}}]
    terms = {"field": query["field"], "size": query["size"], "order": {"_key": "asc"}}
    return {"size": 0, "query": {"bool": {"filter": filters}}, "aggs": {"1": {"terms": terms}}}


def _buckets(buckets: list[dict[str, Any]], metrics: list[dict[str, Any]], filled: Filled) -> dict[str, Any]:
    if not buckets:
        counted = (metric for metric in metrics if metric["type"] != "count")
        return {m["id"]: {m["type"]: {"field": m["field"], **m.get("settings", {})}} for m in counted}
    first, *others = buckets
    inner = _buckets(others, metrics, filled)
    return {first["id"]: {**_bucket(first, filled), **({"aggs": inner} if inner else {})}}


def _bucket(bucket: dict[str, Any], filled: Filled) -> dict[str, Any]:
    settings = bucket["settings"]
    if bucket["type"] == "filters":
        return {"filters": {"filters": {f["label"]: _query_string(f["query"]) for f in settings["filters"]}}}
    if bucket["type"] == "terms":
        order = {settings["orderBy"]: settings["order"]}
        rest = {"size": int(settings["size"]), "min_doc_count": int(settings["min_doc_count"]), "order": order}
        return {"terms": {"field": bucket["field"], **rest}}
    assert bucket["type"] == "date_histogram"
    assert settings["interval"] == "auto"
    bounds = {"min": filled.from_ms, "max": filled.to_ms}
    rest = {"min_doc_count": int(settings["min_doc_count"]), "extended_bounds": bounds, "format": "epoch_millis"}
    return {"date_histogram": {"field": bucket["field"], "fixed_interval": "60000ms", **rest}}


def _query_string(lucene: str) -> dict[str, Any]:
    return {"query_string": {"query": lucene, "analyze_wildcard": True}}
