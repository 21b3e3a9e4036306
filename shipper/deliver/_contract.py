"""What delivery needs of the rest, and what it tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shipper.errors import ShipperError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipper.deliver._parking import Parking
    from shipper.elastic import Transport
    from shipper.journal.commit import Verdicts
    from shipper.parking_totals import ParkingTotals
    from shipper.refusal import Refusal


class DeliveryEndedError(ShipperError):
    """A worker met what nobody expected. Start the process again: the journal brings back all that is not settled."""


class DeadLetters(Protocol):
    """Where refused documents go."""

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        """Put all of ``refusals`` on disk before returning None, or none of them and give the reason.

        Called from any worker thread. A reason pauses delivery; the same refusals come again later.
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What delivery works with. Everything here is called from worker threads, and never under delivery's lock."""

    transport: Transport
    parking: Parking
    dead_letters: DeadLetters
    ready: Callable[[str], str | None]
    """Asked before the first document for an index, and again after a failed connection: None, or why to hold it.

    May raise ``Retryable``: then the request counts as failed.
    """
    settled: Callable[[int, Verdicts], None]
    """Told once for each ticket, when every item of it has its verdict. Must be quick and thread-safe."""


@dataclass(frozen=True, slots=True)
class Status:
    """How delivery stands, for people and for health."""

    in_flight: int
    """Requests without an answer yet."""
    in_flight_max: int
    """How many there may be now: the window."""
    request_bytes_max: int
    """How large they may be now."""
    unsettled_bytes: int
    unsettled_batches: int
    waiting_items: int
    """Items that back off, wait for their turn, or wait for a person."""
    held: Mapping[str, str]
    """Indices that take nothing, with the reason."""
    paused: Mapping[str, str]
    """Why all of delivery is paused; empty when it is not."""
    asked: bool
    """Whether there was a request yet."""
    failure: str
    """Why the last request got no answer that could be read; empty when it did."""
    parked: ParkingTotals
