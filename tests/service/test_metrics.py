"""What Prometheus reads is what the status says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families

from shipper.elastic import Answer
from shipper.errors import ConnectionFailed
from shipper.reloading import Outcome
from shipper.service import Metrics, Timed
from shipper.service._histogram import SECONDS, Histogram
from tests.service.statuses import FINE, status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.service import Status


class Cluster:
    def __init__(self, answer: Answer | None = None) -> None:
        self._answer = answer

    def bulk(self, index: str, body: bytes | memoryview, timeout_s: float) -> Answer:
        del index, body, timeout_s
        if self._answer is None:
            raise ConnectionFailed("away")
        return self._answer


class Published:
    def __init__(self, newest: Status | None) -> None:
        self.newest = newest


def registry(
    newest: Status | None,
    settling: Histogram | None = None,
    requests: Timed | None = None,
    reload: Outcome | None = None,
) -> CollectorRegistry:
    found = CollectorRegistry()
    timed = requests or Timed(Cluster(), lambda: 0.0)
    found.register(Metrics(Published(newest), settling or Histogram(), timed, lambda: reload))
    return found


def scraped(newest: Status | None = FINE, **more: object) -> Mapping[tuple[str, ...], float]:
    text = generate_latest(registry(newest, **more)).decode()  # type: ignore[arg-type]
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_both_sums_hold_in_a_scrape() -> None:
    found = scraped()
    received = found["shipper_received_lines_total",]
    refused = sum(value for key, value in found.items() if key[0] == "shipper_unjournaled_lines_total")
    settled = sum(value for key, value in found.items() if key[0] == "shipper_settled_lines_total")
    assert received == found["shipper_journaled_lines_total",] + refused == FINE.received
    assert found["shipper_journaled_lines_total",] == settled + found["shipper_pending_lines",]
    assert found["shipper_unexplained_lines",] == FINE.unexplained == 0


def test_each_sender_has_its_series() -> None:
    found = scraped()
    assert found["shipper_sender_lines_total", "udp://0.0.0.0:5140", "192.0.2.7"] == 100
    assert (
        found["shipper_sender_last_seen_timestamp_seconds", "udp://0.0.0.0:5140", "192.0.2.7"]
        == FINE.senders[0].last_seen.timestamp()
    )
    assert found["shipper_expected_sender_silent", "192.0.2.7/32"] == 0


def test_what_is_wrong_is_a_series() -> None:
    found = scraped(status(paused={"credentials": "401"}, held={"haproxy-1": "closed"}, reachable=False))
    assert found["shipper_delivery_paused", "credentials"] == 1
    assert found["shipper_held_indices",] == 1
    assert found["shipper_elasticsearch_reachable",] == 0


def test_durations_are_a_histogram_of_lines() -> None:
    settling = Histogram()
    settling.add(0.3, 1000)
    settling.add(9999.0)
    found = scraped(settling=settling)
    assert found["shipper_settling_duration_seconds_bucket", "0.25"] == 0
    assert found["shipper_settling_duration_seconds_bucket", "0.5"] == 1000
    assert found["shipper_settling_duration_seconds_bucket", "+Inf"] == 1001
    assert found["shipper_settling_duration_seconds_sum",] == pytest.approx(10_299)


def test_a_duration_at_a_bound_is_counted_below_it() -> None:
    histogram = Histogram()
    for bound in SECONDS:
        histogram.add(bound)
    assert histogram.counted().cumulative == (*range(1, len(SECONDS) + 1), len(SECONDS))


def test_requests_are_timed_by_their_outcome() -> None:
    ticks = iter([1.0, 1.2, 5.0, 35.0])
    timed = Timed(Cluster(), lambda: next(ticks))
    with pytest.raises(ConnectionFailed):
        timed.bulk("i", b"", 1.0)
    timed._below = Cluster(Answer(200, b"{}"))
    assert timed.bulk("i", b"", 1.0).status == 200
    found = scraped(requests=timed)
    assert found["shipper_bulk_request_duration_seconds_count", "failed"] == 1
    assert found["shipper_bulk_request_duration_seconds_sum", "answered"] == 30


def test_before_the_first_status_there_are_durations_alone() -> None:
    assert {key[0].partition("_duration")[0] for key in scraped(None)} == {"shipper_settling", "shipper_bulk_request"}


def test_a_refused_reload_is_told() -> None:
    found = scraped(reload=Outcome(at_s=5.0, refused="wrong"))
    assert found["shipper_config_last_reload_successful",] == 0
    assert found["shipper_config_last_reload_timestamp_seconds",] == 5


def test_names_follow_the_conventions_and_openmetrics_takes_them() -> None:
    families = list(registry(FINE, reload=Outcome(at_s=0.0, refused=None)).collect())
    for family in families:
        assert re.fullmatch(r"shipper_[a-z0-9_]+", family.name), family.name
        assert family.documentation
        assert not family.name.endswith(("_total", "_count", "_ms"))
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    assert encode(registry(FINE)).endswith(b"# EOF\n")
