"""What a running shipper tells of itself: one closed record, the same on the socket, on the page and in `--json`.

1. Lines are counted once each: ``received = journaled + dropped_full + refused_sender + empty``, and
   ``journaled = indexed + already_there + dead_lettered + pending + journal_lost``. Each term is counted where it
   happens, so the sums can fail; ``unexplained`` says by how many lines they do.
2. The counters go on over restarts; what says "since the start" or "in the last minute" does not.
3. What a person has to look at is said in ``attention``, in words. Nothing here holds a credential or a line.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shipper.limits import (
    JOURNAL_COUNTS_BYTES,
    JOURNAL_COUNTS_SHARE,
    JOURNAL_SHARE_ALARMING,
    PENDING_AGE_S_ALARMING,
    SENDERS_NAMED_MAX,
)

_HOUR_S: Final = 3_600


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Sender(_Closed):
    """One address that lines came from to one listener, since the start."""

    address: str
    """An IP address; the path of a unix socket; a followed file's URL; empty for standard input."""
    listener: str
    """Its URL."""
    last_seen: AwareDatetime
    lines: int
    lines_per_s: float
    """Over the last minute, as they are read from the journal."""
    unparsed: int
    log_format: str | None
    """Of the last line that was looked at: a name, or None when nothing understood it."""
    timezone: str
    """The zone that its dates are read in."""
    off_by_s: int
    """Whole quarters of an hour between its clock and ours, where they suggest a wrong zone; otherwise 0.

    It holds for ZONE_SUSPECTED_S after the last line that said so: others may not tell their day, or have an offset.
    Always 0 for files and standard input, whose lines may be old when they are read.
    """


class Expected(_Closed):
    """A network that lines are expected from: an entry of `[[senders]]` with `silent_after_s`."""

    network: str
    silent_after_s: float
    last_seen: AwareDatetime | None
    """None: not since the start."""
    silent: bool


class Status(_Closed):
    """How a running shipper stands."""

    version: str
    engine: str
    pid: int
    """Of the shipping process."""
    started_at: AwareDatetime
    """When the shipping process was started, for the first time or again."""
    taken_at: AwareDatetime
    """When this was true: at most some seconds ago, unless the process hangs."""

    received: int
    """Lines taken from the kernel or a file."""
    journaled: int
    dropped_full: int
    refused_sender: int
    empty: int
    kernel_drops: int
    """Datagrams; not among ``received``."""
    indexed: int
    already_there: int
    dead_lettered: int
    pending: int
    """Lines in the journal without a verdict, and the parked ones."""
    parked: int
    """Of ``pending``: those that are tried slowly, because their index refuses them for long."""
    journal_lost: int
    parsed: int
    """Lines that were understood, since the start."""
    unparsed: int
    """Lines that nothing understood, since the start. They are indexed all the same."""

    counted: bool
    """False for some seconds after a start with a long journal: until then ``pending`` is too small."""
    oldest_pending_age_s: float | None
    """Since the receipt of the oldest line without a verdict, parked ones aside; None when there is none."""
    lag_s: float | None
    """From receipt to verdict, of the batch that was settled last; None when none was in the last minute."""
    received_per_s: float
    """Over the last minute, as the next one."""
    indexed_per_s: float
    dropped_lately: int
    """Of ``dropped_full`` and ``kernel_drops``: those of the last minute. A full disk tells them when it has room."""

    reachable: bool | None
    """Whether the last request got an answer that could be read; None: there was none since the start."""
    failure: str
    """Why it did not; empty when it did."""
    requests_in_flight: int
    requests_in_flight_max: int
    """How many there may be now: the window, which follows what Elasticsearch bears."""
    request_bytes_max: int
    """How large they may be now."""
    unsettled_bytes: int
    """Documents in memory that are sent or wait to be sent again."""
    held: dict[str, str]
    """Indices that take nothing, with the reason."""
    paused: dict[str, str]
    """Why nothing is sent at all, and what to do; empty when it is."""

    journal_bytes: int
    """On disk, with what is settled and not deleted yet."""
    journal_bytes_max: int
    journal_room_bytes: int
    """What may still be written, until the bound or the disk's reserve is reached."""

    senders: tuple[Sender, ...]
    """The most recent first; at most SENDERS_REMEMBERED_MAX."""
    lines_of_other_senders: int
    """Lines of addresses beyond that bound."""
    expected: tuple[Expected, ...]

    @property
    def unexplained(self) -> int:
        """Lines by which the two sums fail, together: 0 when every line is accounted for."""
        settled = self.indexed + self.already_there + self.dead_lettered + self.journal_lost
        came = self.received - (self.journaled + self.dropped_full + self.refused_sender + self.empty)
        went = self.journaled - (settled + self.pending)
        return abs(came) + abs(went)

    @property
    def full(self) -> bool:
        """Whether the journal or its disk has no room for lines: datagrams are dropped, streams wait."""
        return self.journal_room_bytes <= min(JOURNAL_COUNTS_BYTES, self.journal_bytes_max // JOURNAL_COUNTS_SHARE)

    @property
    def attention(self) -> tuple[str, ...]:
        """What a person has to look at, each in a sentence; empty when all is well."""
        said = [f"delivery is paused ({kind}): {reason}" for kind, reason in self.paused.items()]
        said += [f"index {index} is held: {reason}" for index, reason in self.held.items()]
        if self.reachable is False:
            said.append(f"Elasticsearch does not answer, and lines wait in the journal: {self.failure}")
        elif not said and (self.oldest_pending_age_s or 0.0) > PENDING_AGE_S_ALARMING:
            said.append(
                f"{self.pending:,} lines wait, the oldest for {self.oldest_pending_age_s:.0f} s, while Elasticsearch "
                "answers: an index is read-only or its disk full, or more lines come than it takes"
            )
        if self.journal_bytes >= JOURNAL_SHARE_ALARMING * self.journal_bytes_max:
            said.append(
                f"the journal is {self.journal_bytes / self.journal_bytes_max:.0%} full; then lines are dropped"
            )
        elif self.journal_room_bytes <= min(JOURNAL_COUNTS_BYTES, self.journal_bytes_max - self.journal_bytes - 1):
            said.append("the disk of the journal is full, but for its reserve; lines are dropped")
        if self.dropped_lately:
            said.append(f"{self.dropped_lately:,} lines were dropped in the last minute; shipper doctor says where")
        said += [
            f"nothing came from {known.network} for more than {known.silent_after_s:g} s"
            for known in self.expected
            if known.silent
        ]
        said += self._wrong_zones()
        if self.unexplained and self.counted:
            said.append(f"the counters do not add up, by {self.unexplained} lines; please report it")
        return tuple(said)

    def _wrong_zones(self) -> list[str]:
        """Name some senders in a wrong zone."""
        wrong = [sender for sender in self.senders if sender.off_by_s]
        named = [
            f"{sender.address} sends dates to {sender.listener} that are off by {sender.off_by_s / _HOUR_S:+g} h "
            f"in {sender.timezone}: {zone_hint(sender.address)}"
            for sender in wrong[:SENDERS_NAMED_MAX]
        ]
        more = len(wrong) - SENDERS_NAMED_MAX
        return [*named, f"{more} more senders seem to be in another zone"] if more > 0 else named


def zone_hint(address: str) -> str:
    """Say where the zone of a sender's dates is set: `[[senders]]` takes networks, and a socket's path is in none."""
    try:
        ip_address(address)
    except ValueError:
        where = "the timezone of its [[listeners]]"
    else:
        where = "its timezone under [[senders]]"
    return f"set {where}, or let HAProxy log with format rfc5424"
