"""Who sends, and who is missed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper.encode import Encoded
from shipper.journal import Batch, Entry, Origin, Position
from shipper.journal.entry import LINE_HEADER
from shipper.limits import SENDERS_REMEMBERED_MAX, ZONE_SUSPECTED_S
from shipper.service._senders import Senders
from tests.service.statuses import status

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON_US = 1_795_262_400_000_000
SECOND_US = 1_000_000
NOTHING = Encoded((), {}, {}, {}, {})
A, B = Origin(0, "a"), Origin(0, "b")


def batch(*addresses: str, at_s: float = 0.0, interpretation: bytes = b"{}", listener: int = 0) -> Batch:
    """Make a batch of one entry, with a line from each of ``addresses``."""
    origins = [Origin(listener, address) for address in dict.fromkeys(addresses)]
    numbers = [origins.index(Origin(listener, address)) for address in addresses]
    table = b"".join(LINE_HEADER.pack(1, 0, number, 0) for number in numbers)
    received_us = NOON_US + int(at_s * SECOND_US)
    entry = Entry(bytes(12), 0, received_us, tuple(origins), table, b"x" * len(addresses), 0)
    return Batch((entry,), interpretation, Position(bytes(12), 0))


def zone_of(_listener: int, address: str) -> str:
    return "Europe/Berlin" if address == "a" else "UTC"


def table(senders: Senders) -> Sequence[tuple[str, int]]:
    return [(row.address, row.lines) for row in senders.table(0.0)]


def test_lines_are_counted_by_address_and_the_most_recent_stands_first() -> None:
    senders = Senders((), NOON_US)
    senders.came(batch("a", "b", "a"), NOTHING, zone_of, 0.0)
    senders.came(batch("b"), NOTHING, zone_of, 0.0)
    senders.came(batch("a"), NOTHING, zone_of, 0.0)
    assert table(senders) == [("a", 3), ("b", 2)]


def test_what_lines_turned_out_to_be_stands_with_their_sender() -> None:
    senders = Senders((), NOON_US, ["udp://127.0.0.1:514"])
    noticed = replace(NOTHING, unparsed={B: 2}, log_formats={A: "httplog"}, skews_us={A: -7_200 * SECOND_US})
    senders.came(batch("a", "b"), noticed, zone_of, 0.0)
    rows = {row.address: row for row in senders.table(0.0)}
    assert (rows["a"].log_format, rows["a"].unparsed, rows["a"].off_by_s) == ("httplog", 0, -7200)
    assert (rows["b"].log_format, rows["b"].unparsed, rows["b"].off_by_s) == (None, 2, 0)
    assert [(row.timezone, row.listener) for row in rows.values()] == [
        ("UTC", "udp://127.0.0.1:514"),
        ("Europe/Berlin", "udp://127.0.0.1:514"),
    ]
    senders.came(batch("a", interpretation=b"other"), NOTHING, lambda *_: "Asia/Tokyo", 0.0)
    rows = {row.address: row for row in senders.table(0.0)}
    assert (rows["a"].timezone, rows["a"].off_by_s) == ("Asia/Tokyo", 0)


def test_lines_that_do_not_tell_their_day_say_nothing_of_a_zone() -> None:
    senders = Senders((), NOON_US)
    senders.came(batch("a"), replace(NOTHING, skews_us={A: 3_600 * SECOND_US}), zone_of, 0.0)
    for undated, off_by_s in (({A: 2}, 3_600), ({A: 1}, 0)):
        senders.came(batch("a", "a", at_s=ZONE_SUSPECTED_S + 1), replace(NOTHING, undated=undated), zone_of, 0.0)
        assert senders.table(0.0)[0].off_by_s == off_by_s


def test_a_sender_whose_other_lines_have_an_offset_is_suspected_as_long_as_some_have_none() -> None:
    senders = Senders((), NOON_US)
    off = replace(NOTHING, skews_us={A: 3_600 * SECOND_US})
    seen = []
    for noticed, at_s in ((off, 0), (NOTHING, 1), (off, 60), (NOTHING, ZONE_SUSPECTED_S + 1), (NOTHING, 700)):
        senders.came(batch("a", at_s=at_s), noticed, zone_of, 0.0)
        seen.append(senders.table(0.0)[0].off_by_s)
    assert seen == [3_600] * 4 + [0]


def test_a_zone_that_is_set_is_judged_anew() -> None:
    senders = Senders((), NOON_US)
    senders.came(batch("a"), replace(NOTHING, skews_us={A: 3_600 * SECOND_US}), zone_of, 0.0)
    senders.came(batch("a", interpretation=b"same zone"), NOTHING, zone_of, 0.0)
    assert senders.table(0.0)[0].off_by_s == 3_600
    senders.came(batch("a", interpretation=b"another"), NOTHING, lambda *_: "Asia/Tokyo", 0.0)
    assert senders.table(0.0)[0].off_by_s == 0


def test_an_address_at_two_listeners_is_two_senders_each_with_the_zone_of_its_listener() -> None:
    senders = Senders((), NOON_US, ["udp://127.0.0.1:1", "udp://127.0.0.1:2"])
    zones = ["Europe/Berlin", "Asia/Tokyo"]
    noticed = replace(NOTHING, skews_us={Origin(1, "a"): 3_600 * SECOND_US})
    with capture_logs() as logs:
        for listener in (0, 1, 1):
            senders.came(batch("a", listener=listener), noticed, lambda number, _: zones[number], 0.0)
    assert [(row.listener, row.timezone, row.lines, row.off_by_s) for row in senders.table(0.0)] == [
        ("udp://127.0.0.1:2", "Asia/Tokyo", 2, 3_600),
        ("udp://127.0.0.1:1", "Europe/Berlin", 1, 0),
    ]
    (warning,) = logs
    assert warning["event"] == "sender_zone_suspected"
    assert (warning["sender"], warning["listener"]) == ("a", "udp://127.0.0.1:2")
    assert (warning["timezone"], warning["off_by_hours"]) == ("Asia/Tokyo", 1)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("192.0.2.7", "set its timezone under [[senders]], or"),
        ("2001:db8::7", "set its timezone under [[senders]], or"),
        ("/run/shipper/log.sock", "set the timezone of its [[listeners]], or"),
    ],
)
def test_the_hint_of_a_wrong_zone_names_a_setting_that_takes_such_an_address(address: str, said: str) -> None:
    senders = Senders((), NOON_US)
    with capture_logs() as logs:
        senders.came(batch(address), replace(NOTHING, skews_us={Origin(0, address): 3_600 * SECOND_US}), zone_of, 0.0)
    assert logs[0]["hint"].startswith(said)
    (sentence,) = status(senders=senders.table(0.0)).attention
    assert f" in UTC: {said}" in sentence


@pytest.mark.parametrize("address", ["", "file:///var/log/haproxy.log"])
def test_lines_that_may_be_old_when_they_are_read_say_nothing_of_a_zone(address: str) -> None:
    senders = Senders((), NOON_US)
    noticed = replace(NOTHING, skews_us={Origin(0, address): 3_600 * SECOND_US})
    with capture_logs() as logs:
        senders.came(batch(address), noticed, zone_of, 0.0)
    assert logs == []
    assert [row.off_by_s for row in senders.table(0.0)] == [0]
    assert status(senders=senders.table(0.0)).attention == ()


def test_whatever_a_flood_makes_up_the_table_is_bounded_and_who_goes_on_sending_stays_in_it() -> None:
    senders = Senders((), NOON_US)
    for number in range(3 * SENDERS_REMEMBERED_MAX):
        senders.came(batch("real", f"made-up-{number}"), NOTHING, zone_of, 0.0)
    rows = table(senders)
    assert len(rows) == SENDERS_REMEMBERED_MAX
    assert ("real", 3 * SENDERS_REMEMBERED_MAX) in rows
    assert senders.lines_of_others == 2 * SENDERS_REMEMBERED_MAX + 1


def test_a_network_that_goes_silent_is_said_once_and_so_is_its_return() -> None:
    senders = Senders([("192.0.2.0/24", 10.0)], NOON_US)
    with capture_logs() as logs:
        for second in range(40):
            if not 5 < second < 30:
                senders.came(batch("192.0.2.7", at_s=second), NOTHING, zone_of, 0.0)
            senders.read_until(NOON_US + second * SECOND_US)
            (watched,) = senders.watch()
            assert watched.silent == (15 < second < 30)
    assert [log["event"] for log in logs] == ["sender_silent", "sender_back"]
    assert (logs[0]["network"], logs[0]["last_seen"]) == ("192.0.2.0/24", "2026-11-21T12:00:05.000000Z")


def test_one_that_never_came_is_missed_from_the_start_on() -> None:
    senders = Senders([("192.0.2.7", 10.0)], NOON_US)
    senders.came(batch("192.0.2.8", "not-an-address", at_s=5), NOTHING, zone_of, 0.0)
    assert not senders.watch()[0].silent
    senders.read_until(NOON_US + 11 * SECOND_US)
    (watched,) = senders.watch()
    assert (watched.silent, watched.last_seen) == (True, None)


def test_a_backlog_makes_nobody_silent() -> None:
    senders = Senders([("192.0.2.7", 10.0)], NOON_US)
    senders.came(batch("192.0.2.7", at_s=-3_600), NOTHING, zone_of, 0.0)  # an hour old, and an hour of others behind it
    senders.came(batch("192.0.2.8", at_s=5), NOTHING, zone_of, 0.0)
    assert not senders.watch()[0].silent


@pytest.mark.parametrize("received_us", [0, 2**63])
def test_a_clock_that_was_anywhere_is_no_reason_to_fail(received_us: int) -> None:
    senders = Senders((), NOON_US)
    senders.came(batch("a", at_s=(received_us - NOON_US) / SECOND_US), NOTHING, zone_of, 0.0)
    assert senders.table(0.0)[0].last_seen.year in {1970, 9892}
