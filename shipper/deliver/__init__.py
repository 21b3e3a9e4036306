"""Delivery: bulk bodies in, one verdict for every line out.

``_answers`` reads what Elasticsearch says, ``_delivery`` acts on it. ``_queue``, ``_health``, ``_fuse``, ``_backoff``,
``_open``, ``_body`` and ``_parked_records`` are its pure parts, ``_parking`` is what it keeps on disk.
"""

from shipper.deliver._body import Body
from shipper.deliver._contract import DeadLetters, DeliveryEndedError, Status, Surroundings
from shipper.deliver._delivery import Delivery
from shipper.deliver._parking import Parking

__all__ = [
    "Body",
    "DeadLetters",
    "Delivery",
    "DeliveryEndedError",
    "Parking",
    "Status",
    "Surroundings",
]
