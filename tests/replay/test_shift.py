"""Lines in another time: what they mean moves by the shift, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.formats import Format
from shipper.haproxy.understand import Context, Understood, understand
from shipper.replay.shift import Mover, Shift
from tests.haproxy.lines import HEADERS, Values, headers, values, zones

SAMPLES: Final = Path(__file__).parents[2] / "samples"
BASE_US: Final = 1_795_222_930_000_000
"""2026-11-21T01:02:10Z."""
SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 24 * HOUR_US


def understood(raw: bytes, settings: Interpretation, near_us: int = BASE_US, *, cut: bool = False) -> Understood:
    return understand(raw, Context(settings.zone_of(0, ""), near_us, cut=cut), settings)


def moved(raw: bytes, by_us: int, *, zone: str = "UTC", formats: tuple[Format, ...] = ()) -> bytes:
    settings = Interpretation(listener_zones=(zone,), formats=formats)
    return Mover(Shift(BASE_US, BASE_US + by_us), settings, BASE_US).move(raw).raw


# -- what moves, and how it is written -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<134>Nov 21 01:02:03 haproxy[1]: ", b"<134>Dec  1 02:02:03 haproxy[1]: "),
        (b"<134>Nov 21 01:02:03 lb-1 haproxy[1]: ", b"<134>Dec  1 02:02:03 lb-1 haproxy[1]: "),
        (b"<134>Nov 21 01:02:03.25 lb-1 haproxy[1]: ", b"<134>Dec  1 02:02:03.25 lb-1 haproxy[1]: "),
        (b"<134>Nov 21 2026 01:02:03 lb-1 haproxy[1]: ", b"<134>Dec  1 2026 02:02:03 lb-1 haproxy[1]: "),
        (
            b"<134>1 2026-11-21T01:02:03.456789+00:00 lb-1 haproxy 1 - - ",
            b"<134>1 2026-12-01T02:02:03.456789+00:00 lb-1 haproxy 1 - - ",
        ),
        (b"2026-11-21T02:02:03.456789012+01:00 stdout F ", b"2026-12-01T03:02:03.456789012+01:00 stdout F "),
        (b"<6>2026-11-21T01:02:03.1Z ", b"<6>2026-12-01T02:02:03.1Z "),
        (
            b"<134>Nov 21 01:02:04 relay <134>Nov 21 01:02:03 haproxy[1]: ",
            b"<134>Dec  1 02:02:04 relay <134>Dec  1 02:02:03 haproxy[1]: ",
        ),
        (b"haproxy[1]: ", b"haproxy[1]: "),
        (b"", b""),
    ],
)
def test_a_header_moves_with_its_line_and_keeps_its_form(before: bytes, after: bytes) -> None:
    line = Values(tr=b"21/Nov/2026:01:02:03.004").line()
    assert moved(before + line, 10 * DAY_US + HOUR_US) == after + line.replace(
        b"21/Nov/2026:01:02:03.004", b"01/Dec/2026:02:02:03.004"
    )


@pytest.mark.parametrize(
    ("log_format", "before", "after"),
    [
        (
            "%ci [%T] %ms %ST",
            b"1.2.3.4 [21/Nov/2026:01:02:03 +0000] 900 200",
            b"1.2.3.4 [21/Nov/2026:02:02:04 +0000] 400 200",
        ),
        (
            "%ci [%trl] %ST",
            b"1.2.3.4 [21/Nov/2026:02:02:03 +0100] 200",
            b"1.2.3.4 [21/Nov/2026:03:02:03 +0100] 200",
        ),
        (
            "%ci [%trg] [%tr] %ST",
            b"1.2.3.4 [21/Nov/2026:01:02:03 +0000] [21/Nov/2026:01:02:03.500] 200",
            b"1.2.3.4 [21/Nov/2026:02:02:03 +0000] [21/Nov/2026:02:02:04.000] 200",
        ),
        (
            "%ci %Ts.%ms %ST",
            b"1.2.3.4 1795222923.900 200",
            b"1.2.3.4 1795226524.400 200",
        ),
        (
            "%ci %{+X}Ts %ST",
            b"1.2.3.4 6B00EFCB 200",
            b"1.2.3.4 6B00FDDB 200",
        ),
        (
            "%ci %[request_date(us)] %ST",
            b"1.2.3.4 1795222923900001 200",
            b"1.2.3.4 1795226524400001 200",
        ),
        (
            "%{+json}o %(client)ci %(at)tr %(s)Ts %(m)HU",
            b'{"client": "1.2.3.4", "at": "21/Nov/2026:01:02:03.500", "s": 1795222923, "m": "a\\"b"}',
            b'{"client": "1.2.3.4", "at": "21/Nov/2026:02:02:04.000", "s": 1795226523, "m": "a\\"b"}',
        ),
        (
            "%{+cbor}o %(client)ci %(s)Ts",
            b"BF66636C69656E7467312E322E332E3461731A6B00EFCBFF",
            b"BF66636C69656E7467312E322E332E3461731A6B00FDDBFF",
        ),
    ],
)
def test_each_date_of_a_body_moves_in_its_own_form(log_format: str, before: bytes, after: bytes) -> None:
    known = Format(name="mine", log_format=log_format, mode="http")
    assert moved(before, HOUR_US + 500_000, formats=(known,)) == after


def test_the_date_of_an_event_moves() -> None:
    line = b"192.0.2.1:4711 [21/Nov/2026:01:02:03.004] www/2: SSL handshake failure"
    assert moved(line, HOUR_US) == line.replace(b":01:02:03", b":02:02:03")


def test_a_line_behind_backslashes_keeps_them() -> None:
    line = Values(r=b"GET /a HTTP/1.1").line().replace(b'"', b'\\"')
    assert moved(line, HOUR_US) == line.replace(b":01:02:03", b":02:02:03")


def test_a_cut_line_moves_as_far_as_it_has_dates() -> None:
    line = Values().line()[:70]
    assert moved(line, HOUR_US) == line.replace(b":01:02:03", b":02:02:03")


@pytest.mark.parametrize(
    "line", [b"no line of HAProxy", b"", b"\xff\x00", Values(tr=b"99/Xyz/2026:01:02:03.004").line()]
)
def test_a_line_without_a_date_stays_and_is_told(line: bytes) -> None:
    result = Mover(Shift(BASE_US, BASE_US + HOUR_US), Interpretation(), BASE_US).move(line)
    assert (result.raw, result.dated) == (line, False)


def test_a_time_that_no_document_holds_is_not_written() -> None:
    line = Values().line()
    result = Mover(Shift(BASE_US, BASE_US - 90 * 365 * DAY_US), Interpretation(), BASE_US).move(line)
    assert (result.raw, result.dated) == (line, False)


# -- zones -----------------------------------------------------------------------------------------------------------


def test_over_a_change_of_the_clocks_the_wall_time_is_that_of_the_zone() -> None:
    line = HEADERS["local"] + Values(tr=b"21/Nov/2026:01:02:03.004").line()
    summer = moved(line, -150 * DAY_US, zone="Europe/Berlin")
    assert summer.startswith(b"<134>Jun 24 02:02:03 ")
    assert b"[24/Jun/2026:02:02:03.004]" in summer


def test_with_an_offset_in_the_header_the_offset_stays() -> None:
    line = b"<134>1 2026-11-21T02:02:03.456789+01:00 lb haproxy 1 - - " + Values(tr=b"21/Nov/2026:02:02:03.004").line()
    summer = moved(line, -150 * DAY_US, zone="Europe/Berlin")
    assert b" 2026-06-24T02:02:03.456789+01:00 " in summer
    assert b"[24/Jun/2026:02:02:03.004]" in summer


def test_a_header_without_a_fraction_follows_the_end_of_its_line() -> None:
    timers = (b"0", b"0", b"0", b"0", b"100")
    line = HEADERS["local"] + Values(tr=b"21/Nov/2026:01:02:03.600", timers=timers).line()
    later = moved(line, 500_000)
    assert later.startswith(b"<134>Nov 21 01:02:04 ")
    assert b"[21/Nov/2026:01:02:04.100]" in later


# -- stretching ------------------------------------------------------------------------------------------------------


def test_gaps_are_stretched_and_durations_are_not() -> None:
    settings = Interpretation(listener_zones=("UTC",))
    mover = Mover(Shift(BASE_US, BASE_US, stretch=10), settings, BASE_US)
    line = b"<134>1 2026-11-21T01:02:%b.500000+00:00 lb haproxy 1 - - " + Values(
        tr=b"21/Nov/2026:01:02:%b.000", timers=(b"0", b"0", b"0", b"0", b"500")
    ).line().replace(b"%", b"%")
    first, second = (mover.move(line % (second, second)).raw for second in (b"10", b"13"))
    assert (b":02:10.500000" in first, b":02:10.000]" in first) == (True, True)
    assert (b":02:40.500000" in second, b":02:40.000]" in second) == (True, True)


# -- properties ------------------------------------------------------------------------------------------------------

shifts = st.integers(-20 * 365 * DAY_US, 100 * 365 * DAY_US)


@given(headers, values, zones, shifts)
def test_a_moved_line_means_the_same_that_much_later(header: bytes, line: Values, zone: str, by_us: int) -> None:
    settings = Interpretation(listener_zones=(zone,), keep_original="never")
    raw = header + line.line()
    result = Mover(Shift(BASE_US, BASE_US + by_us), settings, BASE_US).move(raw)
    before = understood(raw, settings)
    assert result.was_us == before.index_us
    if not result.dated:
        assert result.raw == raw
        return
    after = understood(result.raw, settings, BASE_US + by_us)
    assert len(result.raw) == len(raw)
    assert abs(after.index_us - before.index_us - by_us) <= HOUR_US + SECOND_US, "a wall time that occurs twice"
    assert _without_times(after) == _without_times(before)


@given(headers, values, shifts)
def test_in_utc_a_line_moves_to_the_millisecond(header: bytes, line: Values, by_us: int) -> None:
    settings = Interpretation(listener_zones=("UTC",), keep_original="never")
    raw = header + line.line()
    by_us -= by_us % 1_000
    result = Mover(Shift(BASE_US, BASE_US + by_us), settings, BASE_US).move(raw)
    before, after = understood(raw, settings), understood(result.raw, settings, BASE_US + by_us)
    if result.dated:
        late_us = before.index_us + by_us - after.index_us
        by_its_header = "@timestamp" in (before.record.field_errors or [])
        assert 0 <= late_us < SECOND_US if by_its_header else late_us == 0


@given(headers, values, zones)
def test_no_shift_is_no_change(header: bytes, line: Values, zone: str) -> None:
    raw = header + line.line()
    assert moved(raw, 0, zone=zone) == raw


@given(st.binary(max_size=200), shifts)
def test_any_bytes_can_be_moved(raw: bytes, by_us: int) -> None:
    moved(raw, by_us)


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_every_sample_moves_and_keeps_all_but_its_dates(sample: Path) -> None:
    settings = Interpretation(listener_zones=("UTC",), keep_original="never")
    mover = Mover(Shift(BASE_US, BASE_US + 400 * DAY_US), settings, BASE_US)
    for raw in sample.read_bytes().splitlines():
        result = mover.move(raw)
        if not result.dated:
            assert not understood(raw, settings).dated
            continue
        after, before = understood(result.raw, settings, result.us), understood(raw, settings)
        assert after.index_us == before.index_us + 400 * DAY_US
        assert _without_times(after) == _without_times(before)


def _without_times(line: Understood) -> dict[str, object]:
    return {
        name: value
        for name, value in line.record.model_dump(exclude_none=True).items()
        if name not in {"timestamp", "message"}
    }
