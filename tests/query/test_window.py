"""Windows of time in slots of a round width, and moments in URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import ConfigError
from shipper.query import Window, read_age, read_time

NOW = 1_795_240_937_873
HOUR = 3_600_000


@given(st.integers(0, NOW), st.integers(1, 20 * 365 * 24 * HOUR))
def test_a_window_holds_what_was_asked_for_in_a_bounded_number_of_whole_slots(start: int, length: int) -> None:
    window = Window.around(start, start + length)
    assert window.from_ms <= start < start + length <= window.to_ms
    assert window.from_ms % window.interval_ms == window.to_ms % window.interval_ms == 0
    assert len(window.times) <= 120
    assert window.to_ms - window.from_ms < length + 2 * window.interval_ms


@pytest.mark.parametrize(("hours", "interval_s"), [(1, 60), (6, 300), (24, 900), (24 * 7, 7_200)])
def test_usual_ranges_have_sixty_slots_or_more(hours: int, interval_s: int) -> None:
    window = Window.around(NOW - hours * HOUR, NOW)
    assert window.interval_ms == interval_s * 1_000
    assert 60 <= len(window.times) <= 120


def test_who_looks_again_within_an_interval_asks_the_same() -> None:
    start = NOW // 60_000 * 60_000
    assert Window.around(start + 1 - HOUR, start + 1) == Window.around(start + 59_000 - HOUR, start + 59_000)


def test_the_window_of_a_week_before_has_the_same_slots() -> None:
    window = Window.around(NOW - HOUR, NOW)
    assert [time + 7 * 24 * HOUR for time in window.earlier(7 * 24 * HOUR).times] == list(window.times)


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigError, match="after its start"):
        Window.around(NOW, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-1h", NOW - HOUR),
        ("now-90s", NOW - 90_000),
        ("1795240937873", NOW),
        ("2026-11-21T05:02:17.873Z", 1_795_237_337_873),
        ("2026-11-21T05:02:17.873", 1_795_237_337_873),
        ("2026-11-21T06:02:17.873+01:00", 1_795_237_337_873),
    ],
)
def test_moments_in_urls_are_read(text: str, expected: int) -> None:
    assert read_time("from", text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "now-", "now-1y", "now+1h", "-5", "2026-13-01T00:00:00Z"])
def test_a_moment_that_is_none_names_its_parameter(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^from "):
        read_time("from", text, NOW)


def test_ages_have_a_unit() -> None:
    assert [read_age(text) for text in ("2w", "1d", "5m", "5")] == [14 * 24 * HOUR, 24 * HOUR, 300_000, None]
