from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Index, Interpretation
from shipper.haproxy.timestamps import (
    DAY_US,
    SECOND_US,
    TIMESTAMP_US_MAX,
    format_timestamp,
    read_haproxy_second,
    read_iso,
    read_without_year,
)
from shipper.haproxy.understand import Context, resolve, understand
from tests.haproxy.lines import RECEIVED_US, Values, interpreted

MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US


def us(*parts: int) -> int:
    year, month, day, hour, minute, second = (*parts, 0, 0, 0)[:6]
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * SECOND_US


def test_microsecond_zero_is_written_with_six_digits() -> None:
    assert format_timestamp(us(2026, 11, 21, 1, 2, 3)) == "2026-11-21T01:02:03.000000Z"


@given(st.integers(0, TIMESTAMP_US_MAX))
def test_a_timestamp_has_one_width_and_can_be_read_back(moment: int) -> None:
    text = format_timestamp(moment)
    assert len(text) == 27
    wall = read_iso(text.encode())
    assert wall == (moment, 0)


def test_a_leap_second_is_the_next_minutes_first() -> None:
    assert read_haproxy_second(b"31/Dec/2016:23:59:60") == us(2017, 1, 1)


@pytest.mark.parametrize("text", [b"31/Feb/2026:01:02:03", b"01/Nov/0000:01:02:03", b"01/nov/2026:01:02:03"])
def test_what_is_no_date_is_none(text: bytes) -> None:
    assert read_haproxy_second(text) is None


@pytest.mark.parametrize(
    ("near", "year"), [((2027, 1, 1), 2026), ((2026, 12, 31), 2026), ((2026, 7, 3), 2026), ((2026, 6, 1), 2025)]
)
def test_a_header_without_a_year_takes_the_nearest(near: tuple[int, int, int], year: int) -> None:
    assert read_without_year(b"Dec", b"31", b"23:59:59", us(*near)) == us(year, 12, 31, 23, 59, 59)


def test_a_29th_of_february_far_from_a_leap_year_is_none() -> None:
    assert read_without_year(b"Feb", b"29", b"00:00:00", us(2026, 3, 1)) is None


FOLD = ("Europe/Berlin", (2026, 10, 25, 2, 30), (2026, 10, 25, 0, 30), (2026, 10, 25, 1, 30))
NEW_YORK = ("America/New_York", (2026, 11, 1, 1, 30), (2026, 11, 1, 5, 30), (2026, 11, 1, 6, 30))
LORD_HOWE = ("Australia/Lord_Howe", (2026, 4, 5, 1, 45), (2026, 4, 4, 14, 45), (2026, 4, 4, 15, 15))


@pytest.mark.parametrize(("zone", "wall", "first", "second"), [FOLD, NEW_YORK, LORD_HOWE])
def test_of_a_time_that_occurs_twice_the_receipt_decides(
    zone: str, wall: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    total = 90 * SECOND_US
    for side in (us(*first), us(*second)):
        assert resolve(us(*wall), total, None, zone, side + total + SECOND_US) == side
        assert resolve(us(*wall), total, side + total, zone, None) == side
    assert resolve(us(*wall), 0, None, zone, None) == us(*first)


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        ("Europe/Berlin", (2026, 3, 29, 2, 30), (2026, 3, 29, 1, 30)),
        ("America/New_York", (2026, 3, 8, 2, 30), (2026, 3, 8, 7, 30)),
        ("Australia/Lord_Howe", (2026, 10, 4, 2, 15), (2026, 10, 3, 15, 45)),
    ],
)
def test_a_time_that_never_occurs_is_moved_by_the_gap(
    zone: str, wall: tuple[int, ...], moment: tuple[int, ...]
) -> None:
    assert resolve(us(*wall), 0, None, zone, us(*moment)) == us(*moment)


WALL = us(2026, 11, 21, 1, 2, 3)


@pytest.mark.parametrize("offset_us", [0, 2 * HOUR_US, -5 * HOUR_US, HOUR_US * 23 // 4])
def test_the_headers_end_tells_the_bodys_offset(offset_us: int) -> None:
    total = 10 * MINUTE_US
    sent = WALL - offset_us + total + 100 * SECOND_US
    assert resolve(WALL, total, sent, "Asia/Tokyo", None) == WALL - offset_us


@pytest.mark.parametrize("late_minutes", [5, 15, 31, 45])
def test_a_header_that_a_relay_wrote_later_does_not(late_minutes: int) -> None:
    assert resolve(WALL, 0, WALL + late_minutes * MINUTE_US, "Asia/Tokyo", None) == WALL - 9 * HOUR_US


def test_a_zone_decides_where_the_header_has_no_offset() -> None:
    assert interpreted(Values().line(), zone="Asia/Tokyo")["@timestamp"] == "2026-11-20T16:02:03.004000Z"


@pytest.mark.parametrize(("date", "kept"), [(b"20/Oct/2026", True), (b"25/Nov/2026", True), (b"01/Jan/2262", False)])
def test_a_live_line_far_from_its_receipt_goes_to_the_index_of_its_receipt(date: bytes, kept: bool) -> None:  # noqa: FBT001 -- the table's
    line = Values(tr=date + b":01:02:03.004").line()
    understood = understand(line, Context("UTC", RECEIVED_US, RECEIVED_US), Interpretation())
    assert understood.index_us == RECEIVED_US
    assert understood.record.time_suspect is True
    assert (understood.record.timestamp != understood.record.event_created) is kept


@pytest.mark.parametrize(("past", "future"), [(None, None), (40, 10)])
def test_the_accepted_past_and_future_are_settings(past: int | None, future: int | None) -> None:
    wide = Interpretation(index=Index(accept_past_days=past, accept_future_days=future))
    for date in (b"20/Oct/2026", b"25/Nov/2026"):
        line = Values(tr=date + b":01:02:03.004").line()
        assert understand(line, Context("UTC", RECEIVED_US, RECEIVED_US), wide).record.time_suspect is None


def test_a_captured_line_keeps_its_day_whenever_it_is_read() -> None:
    line = Values(tr=b"20/Oct/2006:01:02:03.004").line()
    understood = understand(line, Context("UTC", RECEIVED_US), Interpretation())
    assert understood.record.time_suspect is None
    assert understood.index_us // DAY_US == us(2006, 10, 20) // DAY_US


@pytest.mark.parametrize("year", [b"0001", b"1969", b"2262", b"9999"])
def test_years_that_no_date_nanos_holds_are_suspect_everywhere(year: bytes) -> None:
    line = Values(tr=b"20/Oct/" + year + b":01:02:03.004").line()
    for received_us in (None, RECEIVED_US):
        document = interpreted(line, received_us=received_us)
        assert document["haproxy.time_suspect"] is True
        assert "1970" <= document["@timestamp"][:4] <= "2261"


def test_a_date_that_is_none_is_named_and_the_headers_is_taken() -> None:
    header = b"<134>1 2026-11-21T01:02:09.456789Z - h 1 - - "
    document = interpreted(header + Values(tr=b"31/Feb/2026:01:02:03.004").line())
    assert document["haproxy.field_errors"] == ["@timestamp"]
    assert document["@timestamp"] == "2026-11-21T01:02:09.456789Z"


@pytest.mark.parametrize(
    ("late_us", "skew_us"),
    [(0, 0), (HOUR_US, HOUR_US), (-2 * HOUR_US, -2 * HOUR_US), (20 * MINUTE_US, 0), (3 * DAY_US, 0)],
)
def test_whole_quarters_of_an_hour_are_a_wrong_zone_and_days_are_not(late_us: int, skew_us: int) -> None:
    received = WALL + 15_000 + late_us
    assert understand(Values().line(), Context("UTC", received, received), Interpretation()).skew_us == skew_us
