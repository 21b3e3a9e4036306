"""What is read from Elasticsearch: whether captured lines are there, how soon they can be found, and percentiles."""

from shipper.query._breakdown import Breakdown, Group, Question, Row, ask
from shipper.query._fields import FieldReader
from shipper.query._findings import Altered, Difference, Expected, Finding, Missing, Surplus, Verification, Way
from shipper.query._latency import LOOK_INTERVAL_S, Latencies, Latency, SearchProbe, by_content, by_id
from shipper.query._percentiles import (
    DIGITS,
    USUAL,
    Percentiles,
    Percents,
    exactly,
    percentiles_aggregation,
    phase_aggregations,
    read_phase,
)
from shipper.query._population import Dimension, Filters, Phase, Span, counts, population_query
from shipper.query._reading import Aggregated, Client, Documents
from shipper.query._tally import Tally
from shipper.query._verify import Received, is_direct, verify_direct, verify_field, verify_live
from shipper.query._window import Window, read_age, read_time

__all__ = [
    "DIGITS",
    "LOOK_INTERVAL_S",
    "USUAL",
    "Aggregated",
    "Altered",
    "Breakdown",
    "Client",
    "Difference",
    "Dimension",
    "Documents",
    "Expected",
    "FieldReader",
    "Filters",
    "Finding",
    "Group",
    "Latencies",
    "Latency",
    "Missing",
    "Percentiles",
    "Percents",
    "Phase",
    "Question",
    "Received",
    "Row",
    "SearchProbe",
    "Span",
    "Surplus",
    "Tally",
    "Verification",
    "Way",
    "Window",
    "ask",
    "by_content",
    "by_id",
    "counts",
    "exactly",
    "is_direct",
    "percentiles_aggregation",
    "phase_aggregations",
    "population_query",
    "read_age",
    "read_phase",
    "read_time",
    "verify_direct",
    "verify_field",
    "verify_live",
]
