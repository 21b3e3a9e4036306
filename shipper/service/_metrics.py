"""Counters for Prometheus: the newest status, and how long things took, by Prometheus' naming conventions.

1. Nothing is counted here: a scrape shows what ``Status`` says, so both can be held against each other. The sums of
   the accounts hold in every scrape, because a status is one moment.
2. Counters of lines go on over restarts, as the commit record does; ``shipper_parsed_lines_total`` and what is known of
   senders begin anew, as the process does.
3. As many series as senders are remembered, and some dozens.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from shipper.service._histogram import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

    from shipper.service._histogram import Counted, Histogram
    from shipper.service._status import Sender, Status
    from shipper.service._timed import Timed


class Newest(Protocol):
    """Where statuses are published."""

    @property
    def newest(self) -> Status | None:
        """The last one."""


class Reload(Protocol):
    """What came of a reload of the configuration."""

    @property
    def at_s(self) -> float:
        """When it was, in seconds since 1970."""

    @property
    def refused(self) -> str | None:
        """Why nothing was changed; None: it was."""


class Metrics:
    """A collector of prometheus-client, asked at each scrape."""

    def __init__(
        self, newest: Newest, settling: Histogram, requests: Timed, reloaded: Callable[[], Reload | None]
    ) -> None:
        self._newest = newest
        self._settling = settling
        self._requests = requests
        self._reloaded = reloaded

    def collect(self) -> Iterator[Metric]:
        """Give what is known now; without a status yet, the durations alone."""
        yield _durations(
            "shipper_settling_duration_seconds", "From receipt to verdict, of each line", {(): self._settling.counted()}
        )
        yield _durations(
            "shipper_bulk_request_duration_seconds",
            "Of each bulk request, by whether a whole answer came",
            {("answered",): self._requests.answered.counted(), ("failed",): self._requests.failed.counted()},
            ["outcome"],
        )
        yield from _reloads(self._reloaded())
        status = self._newest.newest
        if status is not None:
            yield from _accounts(status)
            yield from _delivery(status)
            yield from _journal(status)
            yield from _senders(status.senders)
            yield _gauge(
                "shipper_expected_sender_silent",
                "1: nothing came from that network for longer than its silent_after_s",
                {(each.network,): each.silent for each in status.expected},
                ["network"],
            )


def _reloads(reload: Reload | None) -> Iterator[Metric]:
    if reload is not None:
        worked, when_s = reload.refused is None, reload.at_s
        yield _gauge("shipper_config_last_reload_successful", "0: the last was refused", {(): worked})
        yield _gauge("shipper_config_last_reload_timestamp_seconds", "When the last reload was", {(): when_s})


def _accounts(status: Status) -> Iterator[Metric]:
    """Give the two sums with their terms."""
    build = {"version": status.version, "engine": status.engine, "python": platform.python_version()}
    yield InfoMetricFamily("shipper_build", "What runs", build)
    yield _counter("shipper_received_lines", "Lines taken from the kernel or a file", {(): status.received})
    yield _counter("shipper_journaled_lines", "Of them, those that the journal took", {(): status.journaled})
    yield _counter(
        "shipper_unjournaled_lines",
        "Of them, those that it did not take",
        {
            ("journal_full",): status.dropped_full,
            ("sender_refused",): status.refused_sender,
            ("empty",): status.empty,
        },
        ["reason"],
    )
    yield _counter(
        "shipper_settled_lines",
        "Journaled lines that have their verdict",
        {
            ("indexed",): status.indexed,
            ("already_there",): status.already_there,
            ("dead_lettered",): status.dead_lettered,
            ("journal_lost",): status.journal_lost,
        },
        ["verdict"],
    )
    yield _gauge("shipper_pending_lines", "Journaled lines without a verdict", {(): status.pending})
    yield _gauge("shipper_parked_lines", "Of them, those that are tried slowly", {(): status.parked})
    yield _gauge("shipper_unexplained_lines", "By which the sums fail; 0 always", {(): status.unexplained})
    yield _gauge("shipper_counted", "0: the journal is still being counted after a start", {(): status.counted})
    yield _counter("shipper_kernel_dropped_datagrams", "Dropped before they were read", {(): status.kernel_drops})
    yield _counter("shipper_parsed_lines", "Lines that were understood, since the start", {(): status.parsed})
    yield _counter("shipper_unparsed_lines", "Lines that nothing understood, since the start", {(): status.unparsed})


def _delivery(status: Status) -> Iterator[Metric]:
    yield _gauge(
        "shipper_oldest_pending_age_seconds",
        "Since the receipt of the oldest line without a verdict; 0 where there is none",
        {(): status.oldest_pending_age_s or 0.0},
    )
    answers = status.reachable is not False
    yield _gauge("shipper_elasticsearch_reachable", "0: the last request had no answer", {(): answers})
    yield _gauge("shipper_requests_in_flight", "Requests without an answer yet", {(): status.requests_in_flight})
    yield _gauge("shipper_requests_in_flight_max", "The window", {(): status.requests_in_flight_max})
    yield _gauge("shipper_request_bytes_max", "How large a request may be now", {(): status.request_bytes_max})
    yield _gauge("shipper_unsettled_bytes", "Documents in memory", {(): status.unsettled_bytes})
    yield _gauge(
        "shipper_delivery_paused",
        "1: nothing is sent; shipper status has the reason",
        dict.fromkeys(((kind,) for kind in status.paused), 1),
        ["kind"],
    )
    yield _gauge("shipper_held_indices", "Indices that take nothing; see shipper status", {(): len(status.held)})
    yield _gauge(
        "shipper_index_held",
        "1: this index takes nothing; shipper status has the reason",
        dict.fromkeys(((index,) for index in status.held), 1),
        ["index"],
    )


def _journal(status: Status) -> Iterator[Metric]:
    yield _gauge("shipper_journal_bytes", "On disk", {(): status.journal_bytes})
    yield _gauge("shipper_journal_bytes_max", "The bound", {(): status.journal_bytes_max})
    yield _gauge("shipper_journal_room_bytes", "What may still be written", {(): status.journal_room_bytes})


def _senders(senders: Iterable[Sender]) -> Iterator[Metric]:
    known: dict[tuple[str, ...], Sender] = {(each.address, each.listener): each for each in senders}
    label = ["sender", "listener"]
    lines = {key: each.lines for key, each in known.items()}
    unparsed = {key: each.unparsed for key, each in known.items()}
    seen = {key: each.last_seen.timestamp() for key, each in known.items()}
    off = {key: each.off_by_s for key, each in known.items()}
    yield _counter("shipper_sender_lines", "Lines of each sender, since the start", lines, label)
    yield _counter("shipper_sender_unparsed_lines", "Of them, those that nothing understood", unparsed, label)
    yield _gauge("shipper_sender_last_seen_timestamp_seconds", "When its last line came", seen, label)
    yield _gauge(
        "shipper_sender_zone_offset_seconds", "By which its dates are off, as a wrong zone would have it", off, label
    )


def _counter(
    name: str, about: str, values: Mapping[tuple[str, ...], float], labels: list[str] | None = None
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=labels or [])
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _gauge(
    name: str, about: str, values: Mapping[tuple[str, ...], float], labels: list[str] | None = None
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels or [])
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _durations(
    name: str, about: str, counted: Mapping[tuple[str, ...], Counted], labels: list[str] | None = None
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about, labels=labels or [])
    for key, (cumulative, sum_s) in counted.items():
        bounds = [*map(str, SECONDS), "+Inf"]
        family.add_metric(key, list(zip(bounds, map(float, cumulative), strict=True)), sum_s)
    return family
