"""What is read from Elasticsearch: whether captured lines are there, and how soon documents can be found."""

from shipper.query._findings import Altered, Difference, Expected, Finding, Missing, Surplus, Verification, Way
from shipper.query._latency import LOOK_INTERVAL_S, Latencies, Latency, SearchProbe, by_content, by_id
from shipper.query._reading import Client, Documents
from shipper.query._verify import Received, is_direct, verify_direct, verify_field, verify_live

__all__ = [
    "LOOK_INTERVAL_S",
    "Altered",
    "Client",
    "Difference",
    "Documents",
    "Expected",
    "Finding",
    "Latencies",
    "Latency",
    "Missing",
    "Received",
    "SearchProbe",
    "Surplus",
    "Verification",
    "Way",
    "by_content",
    "by_id",
    "is_direct",
    "verify_direct",
    "verify_field",
    "verify_live",
]
