"""A status as a test wants it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shipper.service import Expected, Sender, Status

NOON = datetime(2126, 11, 21, 12, tzinfo=UTC)
"""To come, so that no status of it is too old."""
FINE = Status(
    version="0.1.0",
    engine="python",
    pid=4711,
    started_at=NOON,
    taken_at=NOON,
    received=115,
    journaled=110,
    dropped_full=3,
    refused_sender=1,
    empty=1,
    kernel_drops=0,
    indexed=90,
    already_there=5,
    dead_lettered=4,
    pending=10,
    parked=2,
    journal_lost=1,
    parsed=99,
    unparsed=0,
    counted=True,
    oldest_pending_age_s=0.25,
    lag_s=0.31,
    received_per_s=7.0,
    indexed_per_s=6.5,
    dropped_lately=0,
    reachable=True,
    failure="",
    requests_in_flight=1,
    requests_in_flight_max=4,
    request_bytes_max=8 * 1024**2,
    unsettled_bytes=4096,
    held={},
    paused={},
    journal_bytes=65536,
    journal_bytes_max=8 * 1024**3,
    journal_room_bytes=8 * 1024**3 - 65536,
    senders=(
        Sender(
            address="192.0.2.7",
            listener="udp://0.0.0.0:5140",
            last_seen=NOON,
            lines=100,
            lines_per_s=7.0,
            unparsed=0,
            log_format="httplog",
            timezone="UTC",
            off_by_s=0,
        ),
    ),
    lines_of_other_senders=0,
    expected=(Expected(network="192.0.2.7/32", silent_after_s=60.0, last_seen=NOON, silent=False),),
)


def status(**changed: Any) -> Status:  # noqa: ANN401 -- any field
    """Give FINE with some fields changed."""
    return Status.model_validate(dict(FINE) | changed)
