"""The tables of the configuration, but for `[elasticsearch]`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from shipper import limits, listen_url
from shipper.closed import Closed, IndexName, Network, Zone

if TYPE_CHECKING:
    from shipper.listen_url import ListenUrl


class Listener(Closed):
    """Where lines come in."""

    url: str = "udp://127.0.0.1:5140"
    """`udp://` or `tcp://ADDRESS:PORT`, `unix-dgram://` or `unix:///PATH`, `file:///PATH` (may be a glob), `stdin:`."""
    timezone: Zone | None = None
    """The zone of the dates in the lines; by default `timezone`."""
    allow: tuple[Network, ...] = ()
    """Of `udp` and `tcp`: the addresses and networks that may send, like `192.0.2.0/24`; empty: all."""
    receive_buffer_bytes: PositiveInt = limits.RECEIVE_BUFFER_BYTES
    """Of `udp`: asked of the kernel (SO_RCVBUF); what it gave is logged."""
    reuse_port: bool = False
    """Of `udp` and `tcp`: share the port with other shippers here, each with its own state (SO_REUSEPORT)."""
    socket_mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] = "0666"
    """Of `unix-dgram` and `unix`: who may send, as `chmod` takes it; by default everybody, as with `/dev/log`."""
    read_from: Literal["beginning", "end"] = "beginning"
    """Of `file`: what is read of files that are there when they are followed for the first time."""

    @cached_property
    def at(self) -> ListenUrl:
        """The parts of the URL."""
        return listen_url.parse(self.url)

    @property
    def host(self) -> str:
        """The address to bind, without brackets."""
        return self.at.host

    @property
    def port(self) -> int:
        """The port to bind; 0 lets the kernel choose."""
        return self.at.port

    @model_validator(mode="after")
    def _check(self) -> Listener:
        at = listen_url.parse(self.url)
        if self.allow and not at.host:
            msg = f"allow is of udp and tcp; who may send to {self.url} is decided by its permissions"
            raise ValueError(msg)
        if self.reuse_port and not at.host:
            msg = f"reuse_port is of udp and tcp; {self.url} has no port"
            raise ValueError(msg)
        return self


class Sender(Closed):
    """What is known of the machines that send."""

    network: Network
    """An address or a network: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`."""
    timezone: Zone | None = None
    """The zone of the dates in their lines; by default the listener's."""
    silent_after_s: PositiveFloat | None = None
    """When nothing came from there for so long, that is said, and `shipper status` exits with 1."""

    @model_validator(mode="after")
    def _check(self) -> Sender:
        if self.timezone is None and self.silent_after_s is None:
            msg = f"network {self.network}: say what of it: timezone, silent_after_s, or both"
            raise ValueError(msg)
        return self


class Journal(Closed):
    """The lines on disk that are not yet settled."""

    bytes_max: PositiveInt = limits.JOURNAL_BYTES_MAX
    """The bound of all segments; never more than half of what is free at the start."""
    segment_bytes: Annotated[int, Field(ge=limits.MIB, le=limits.GIB)] = limits.SEGMENT_BYTES
    """A segment is closed at this size, and deleted when all of it is settled."""
    sync: Literal["always", "never"] | Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(ms|s)$")] = "1s"
    """When written lines are forced to the disk: `always`, `never`, or an interval like `1s`, `200ms`."""
    when_full: Literal["block", "drop_newest"] = "block"
    """At the bound: whether streams and standard input wait for room, or are dropped and counted as datagrams are."""

    @property
    def sync_interval_s(self) -> float | None:
        """Seconds between two syncs: 0 is after each write, None is never."""
        if self.sync in {"always", "never"}:
            return 0.0 if self.sync == "always" else None
        return float(self.sync[:-2]) / 1000 if self.sync.endswith("ms") else float(self.sync[:-1])


class Delivery(Closed):
    """How documents are sent."""

    batch_lines_max: PositiveInt = limits.BATCH_LINES_MAX
    """Lines in one bulk request, at most; one journal entry, of up to 2,559 lines, is never split."""
    linger_s: Annotated[float, Field(ge=0)] = 0.2
    """A line waits at most this long for others to share its request."""
    requests_in_flight_max: PositiveInt = limits.REQUESTS_IN_FLIGHT_MAX
    """Bulk requests at the same time, at most: the window is as large as answers come without queueing."""
    unsettled_bytes_max: PositiveInt = limits.UNSETTLED_BYTES_MAX
    """Bytes in memory that are sent or wait to be sent again."""
    retry_delay_s_min: PositiveFloat = limits.RETRY_DELAY_S_MIN
    """The first back-off."""
    retry_delay_s_max: PositiveFloat = limits.RETRY_DELAY_S_MAX
    """The longest back-off."""
    pause_delay_s: PositiveFloat = limits.PAUSE_DELAY_S
    """Between two tries while delivery is paused."""
    park_after_s: PositiveFloat = limits.PARK_AFTER_S
    """An item that is refused for this long while others settle is parked."""
    fuse_share_max: Annotated[float, Field(gt=0, le=1)] = limits.FUSE_SHARE_MAX
    """The share of an index's last 1,000 items that may become dead letters for one reason before it is held."""


class DeadLetters(Closed):
    """What Elasticsearch refused for good."""

    bytes_max: PositiveInt = limits.DEAD_LETTERS_BYTES_MAX
    """The bound of all files; delivery pauses there."""
    index: IndexName | None = None
    """An index that gets a copy of each, for dashboards and alerts; by default none does."""
