"""Queries of Grafana's Elasticsearch data source, and what it can be brought to ask for.

1. Its editor knows t-digest alone, but the data source hands the settings of a metric on as they are: `hdr` among them
   asks for the histogram that page and terminal use. What follows from that is said in the dashboards.
2. A filter that is not set must not drop the lines without its field: `*` alone would, so `all` means `* OR *:*`.
3. The lines that count are those of ``shipper.query.population_query``, in Lucene's words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import elasticsearch as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from deploy.dashboards._vocabulary import HDR
from shipper.query import USUAL, Dimension, Percents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.query import Phase

SOURCE: Final = DataSourceRef(type_val="elasticsearch", uid="${datasource}")
ALL: Final = "* OR *:*"
LINES: Final = "haproxy.line:traffic AND NOT (haproxy.log_step:* AND NOT haproxy.log_step:(close OR txn_close))"
CHOSEN: Final = " AND ".join(
    [f"({by.field}:${by.value})" for by in Dimension if by is not Dimension.STATUS] + ["(${status:raw})"]
)
"""The filters that the variables hold; that of the status is a clause, because it is a range or nothing."""
TRAFFIC: Final = f"{LINES} AND {CHOSEN}"

Metric = Any
"""A builder of any of the library's metrics: they have no common type."""
Bucket = Any
"""Likewise, of its buckets."""


class _Hdr(Builder[model.ElasticsearchPercentilesSettings]):
    """Settings of percentiles that ask for an HDR histogram."""

    def __init__(self, percents: Percents) -> None:
        self._percents = list(percents.names)

    def build(self) -> model.ElasticsearchPercentilesSettings:
        """Give the settings."""
        return _HdrSettings(percents=self._percents)


class _HdrSettings(model.ElasticsearchPercentilesSettings):
    def to_json(self) -> dict[str, object]:
        """Give what the editor knows, and beside it what it does not."""
        return {**super().to_json(), "hdr": HDR}


def query(lucene: str, metrics: Sequence[Metric], buckets: Sequence[Bucket] = (), alias: str = "") -> build.Dataquery:
    """Give a query; metrics and buckets get their numbers here."""
    numbered = [metric.id(str(place)) for place, metric in enumerate(metrics, start=1)]
    split = [bucket.id(str(place)) for place, bucket in enumerate(buckets, start=len(numbered) + 1)]
    asked = build.Dataquery().ref_id("A").query(lucene).time_field("@timestamp").metrics(numbered).bucket_aggs(split)
    return asked.datasource(SOURCE).alias(alias)


def with_timer(phase: Phase) -> str:
    """Give the lines of a phase's population."""
    return f"{TRAFFIC} AND _exists_:{phase.field}"


def count() -> Metric:
    """Count the lines."""
    return build.Count()


def percentiles(phase: Phase, percents: Percents = USUAL) -> Metric:
    """Give a phase's percentiles."""
    return build.Percentiles().field(phase.field).settings(_Hdr(percents))


def largest(field: str) -> Metric:
    """Give the largest value."""
    return build.Max().field(field)


def total(field: str) -> Metric:
    """Give the sum of the values."""
    return build.Sum().field(field)


def documents(size: int) -> Metric:
    """Give whole documents, the latest first."""
    return build.RawData().settings(build.ElasticsearchRawDataSettings().size(str(size)))


def over_time() -> Bucket:
    """Split by time, as finely as the panel is wide."""
    settings = build.ElasticsearchDateHistogramSettings().interval("auto").min_doc_count("0").trim_edges("0")
    return build.DateHistogram().field("@timestamp").settings(settings)


def by(field: str, size: int) -> Bucket:
    """Split by the most frequent values of a field."""
    settings = build.ElasticsearchTermsSettings().size(str(size)).min_doc_count("1")
    return build.Terms().field(field).settings(settings.order(model.TermsOrder.DESC).order_by("_count"))


def by_query(labelled: Mapping[str, str]) -> Bucket:
    """Split by queries, by their labels."""
    filters: list[Builder[model.Filter]] = [
        build.Filter().query(lucene).label(label) for label, lucene in labelled.items()
    ]
    return build.Filters().settings(build.ElasticsearchFiltersSettings().filters(filters))
