"""Who sends: what is known of each address, and which networks are silent.

1. A sender is an address at one listener: each listener may have a zone of its own.
   At most SENDERS_REMEMBERED_MAX are known; for a new one that which was seen least recently goes, and its lines are
   counted with those of the others.
2. Counted by batch and entry; a line costs nothing of its own where its entry has one sender.
3. Silence is judged up to the moment to which the journal has been read: a backlog makes nobody silent, nor does the
   time before the start.
4. A zone is judged where lines are read as they come, not of files and standard input: theirs may be of any time.
   Lines with an offset of their own are well in any zone. So what lines without one said holds for ZONE_SUSPECTED_S,
   whatever comes between, or until the sender's zone is another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from shipper.haproxy.timestamps import format_timestamp
from shipper.journal.entry import LINE_HEADER
from shipper.limits import SENDERS_REMEMBERED_MAX, ZONE_SUSPECTED_S
from shipper.listen_url import FILE
from shipper.service._rate import Rate
from shipper.service._status import Expected, Sender, zone_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shipper.journal.entry import Batch, Entry, Origin

_log = structlog.get_logger()

_ORIGIN: Final = itemgetter(2)
_ORIGIN_AT: Final = 8
"""Where the low byte of an origin's number stands in a line's header."""
_FEW: Final = 64
_HOUR_US: Final = 3_600_000_000
_SUSPECTED_US: Final = int(ZONE_SUSPECTED_S * 1_000_000)
_LAST_US: Final = 250_000_000_000_000_000
"""In the year 9892, near the end of what a datetime can say."""


class Encoded(Protocol):
    """What encoding noticed, by origin."""

    @property
    def unparsed(self) -> Mapping[Origin, int]:
        """Lines that nothing understood."""

    @property
    def undated(self) -> Mapping[Origin, int]:
        """Lines that do not tell their day."""

    @property
    def log_formats(self) -> Mapping[Origin, str]:
        """The format of some line."""

    @property
    def skews_us(self) -> Mapping[Origin, int]:
        """How far off its clock seems to be."""


@dataclass(slots=True)
class _Watch:
    """A network that lines are expected from."""

    network: IPv4Network | IPv6Network
    silent_after_s: float
    seen_us: int | None = None
    silent: bool = False


@dataclass(slots=True)
class _Row:
    """One sender at one listener."""

    rate: Rate
    watches: Sequence[_Watch]
    lines: int = 0
    unparsed: int = 0
    seen_us: int = 0
    log_format: str | None = None
    timezone: str = "UTC"
    off_by_us: int = 0
    suspected_us: int = 0
    """When a line last came that was off."""
    read_with: bytes = b""
    """The interpretation that ``timezone`` is of."""


@dataclass(slots=True)
class Senders:
    """Used by one thread. ``expected`` are networks, each with the seconds after which it counts as silent.

    ``listeners`` are their URLs, in their order.
    """

    expected: Iterable[tuple[str, float]]
    started_us: int
    listeners: Sequence[str] = ()
    lines_of_others: int = 0
    _rows: dict[Origin, _Row] = field(default_factory=dict)
    """The least recently seen first."""
    _watches: list[_Watch] = field(init=False)
    _read_until_us: int = 0
    _warned: set[Origin] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._watches = [_Watch(ip_network(network), silent_after_s) for network, silent_after_s in self.expected]

    def came(self, batch: Batch, encoded: Encoded, zone_of: Callable[[int, str], str], now_s: float) -> None:
        """Take note of a batch and of what encoding noticed; ``zone_of`` tells the zone of a listener's sender."""
        told = defaultdict(int, {origin: -lines for origin, lines in encoded.undated.items()})
        skews_us = {origin: skew_us for origin, skew_us in encoded.skews_us.items() if _is_read_at_once(origin)}
        for entry in batch.entries:
            for origin, lines in _by_origin(entry):
                row = self._row(origin, now_s)
                row.lines += lines
                row.seen_us = max(row.seen_us, entry.received_us)
                told[origin] += lines
                if row.read_with != batch.interpretation:
                    row.read_with = batch.interpretation
                    _take_zone(row, zone_of(origin.listener, origin.address))
                for watch in row.watches:
                    watch.seen_us = max(watch.seen_us or 0, entry.received_us)
            self._read_until_us = max(self._read_until_us, entry.received_us)
        for origin, row in self._known(told):
            row.unparsed += encoded.unparsed.get(origin, 0)
            row.log_format = encoded.log_formats.get(origin, row.log_format)
            _judge_zone(row, skews_us.get(origin, 0), dated=told[origin] > 0)
        for origin, row in self._known(skews_us):
            self._warn_of_zone(origin, row)

    def read_until(self, now_us: int) -> None:
        """Take note that the journal has nothing that came before ``now_us`` and is not read."""
        self._read_until_us = max(self._read_until_us, now_us)

    def watch(self) -> tuple[Expected, ...]:
        """Say who went silent and who is back, once each; give how all stand."""
        for watch in self._watches:
            since_us = max(watch.seen_us or 0, self.started_us)
            silent_s = (self._read_until_us - since_us) / 1e6
            silent = silent_s > watch.silent_after_s
            if silent and not watch.silent:
                seen = None if watch.seen_us is None else format_timestamp(watch.seen_us)
                _log.warning("sender_silent", network=str(watch.network), last_seen=seen, silent_s=round(silent_s, 1))
            elif watch.silent and not silent:
                _log.info("sender_back", network=str(watch.network))
            watch.silent = silent
        return tuple(
            Expected(
                network=str(watch.network),
                silent_after_s=watch.silent_after_s,
                last_seen=None if watch.seen_us is None else moment(watch.seen_us),
                silent=watch.silent,
            )
            for watch in self._watches
        )

    def table(self, now_s: float) -> tuple[Sender, ...]:
        """Give what is known of each sender, the most recent first."""
        return tuple(
            Sender(
                address=origin.address,
                listener=self._url(origin),
                last_seen=moment(row.seen_us),
                lines=row.lines,
                lines_per_s=round(row.rate.per_s(row.lines, now_s), 1),
                unparsed=row.unparsed,
                log_format=row.log_format,
                timezone=row.timezone,
                off_by_s=row.off_by_us // 1_000_000,
            )
            for origin, row in reversed(self._rows.items())
        )

    def _warn_of_zone(self, origin: Origin, row: _Row) -> None:
        """Warn once of a sender whose lines end whole quarters of an hour before or after they come."""
        if origin not in self._warned and len(self._warned) < SENDERS_REMEMBERED_MAX:
            self._warned.add(origin)
            _log.warning(
                "sender_zone_suspected",
                sender=origin.address,
                listener=self._url(origin),
                timezone=row.timezone,
                off_by_hours=row.off_by_us / _HOUR_US,
                hint=zone_hint(origin.address),
            )

    def _url(self, origin: Origin) -> str:
        return self.listeners[origin.listener] if origin.listener < len(self.listeners) else ""

    def _known(self, origins: Iterable[Origin]) -> list[tuple[Origin, _Row]]:
        return [(origin, self._rows[origin]) for origin in origins if origin in self._rows]

    def _row(self, origin: Origin, now_s: float) -> _Row:
        """Give the row of an origin, which is the most recent now."""
        row = self._rows.pop(origin, None)
        if row is None:
            if len(self._rows) >= SENDERS_REMEMBERED_MAX:
                self.lines_of_others += self._rows.pop(next(iter(self._rows))).lines
            row = _Row(Rate(0, now_s), self._watching(origin.address))
        self._rows[origin] = row
        return row

    def _watching(self, address: str) -> list[_Watch]:
        """Give the watches that an address belongs to: none for the path of a socket or a file."""
        try:
            sender = ip_address(address)
        except ValueError:
            return []
        return [watch for watch in self._watches if sender in watch.network]


def moment(at_us: int) -> datetime:
    """Give a moment in microseconds since 1970 as a datetime, whatever clock it was taken from."""
    return datetime.fromtimestamp(min(at_us, _LAST_US) / 1e6, UTC)


def _take_zone(row: _Row, timezone: str) -> None:
    """Begin anew with another zone: what was said of the last one is no more."""
    if timezone != row.timezone:
        row.timezone, row.off_by_us = timezone, 0


def _judge_zone(row: _Row, skew_us: int, *, dated: bool) -> None:
    if skew_us:
        row.off_by_us, row.suspected_us = skew_us, row.seen_us
    elif dated and row.seen_us - row.suspected_us > _SUSPECTED_US:
        row.off_by_us = 0


def _is_read_at_once(origin: Origin) -> bool:
    """Tell whether lines are read as they are sent: not those of a file, or of standard input, which has no address."""
    return bool(origin.address) and not origin.address.startswith(FILE)


def _by_origin(entry: Entry) -> Iterable[tuple[Origin, int]]:
    """Count an entry's lines by their origins."""
    if len(entry.origins) == 1:
        return [(entry.origins[0], len(entry))]
    if len(entry.origins) <= _FEW:  # a pass for each is less than a look at each line
        numbers = entry.table[_ORIGIN_AT :: LINE_HEADER.size]
        return [(origin, lines) for number, origin in enumerate(entry.origins) if (lines := numbers.count(number))]
    counts = Counter(map(_ORIGIN, LINE_HEADER.iter_unpack(entry.table)))
    return [(entry.origins[number], lines) for number, lines in counts.items()]
