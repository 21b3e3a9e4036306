"""What is read from Elasticsearch: whether captured lines are there, and how soon documents can be found."""

from shipper.query._findings import Altered, Difference, Expected, Finding, Missing, Surplus, Verification, Way
from shipper.query._reading import Client, Documents
from shipper.query._verify import Received, is_direct, verify_direct, verify_field, verify_live

__all__ = [
    "Altered",
    "Client",
    "Difference",
    "Documents",
    "Expected",
    "Finding",
    "Missing",
    "Received",
    "Surplus",
    "Verification",
    "Way",
    "is_direct",
    "verify_direct",
    "verify_field",
    "verify_live",
]
