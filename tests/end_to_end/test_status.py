"""What a running shipper says of itself, while all goes well and while it does not."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from shipper.service import NoStatusError, Status, fetch
from tests.end_to_end.traffic import Sender
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.conftest import World

NOBODY = "http://127.0.0.1:9"


def status_of(shipper: ShipperProcess) -> Status:
    """Give the status; the identity is to hold in each that is ever given."""
    status = fetch(shipper.state.root)
    if status.counted:
        assert status.unexplained == 0, status
    return status


def shown(shipper: ShipperProcess, condition: Callable[[Status], bool], what: str) -> Status:
    """Wait until the status is as expected, and give it."""
    seen: list[Status] = []

    def is_shown() -> bool:
        try:
            seen.append(status_of(shipper))
        except NoStatusError:  # the shipping process is just being started
            return False
        return condition(seen[-1])

    until(is_shown, what)
    return seen[-1]


def test_under_load_every_status_accounts_for_every_line(world: World) -> None:
    shipper = world.started()
    with Sender(shipper.port) as sender:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            shown(shipper, lambda status: status.received > 0, "something received")
            time.sleep(0.1)
        sent = sender.pause()
    status = shown(shipper, lambda status: status.indexed == sent, "all is indexed")
    assert (status.received, status.journaled, status.pending) == (sent, sent, 0)
    assert status.oldest_pending_age_s is None
    assert status.lag_s is not None
    assert 0 < status.lag_s < 5
    assert status.received_per_s > 100
    assert status.attention == ()
    (sender_of_all,) = status.senders
    assert (sender_of_all.address, sender_of_all.lines) == ("127.0.0.1", sent)
    assert (sender_of_all.log_format, sender_of_all.timezone, sender_of_all.unparsed) == ("httplog", "UTC", 0)


def test_while_elasticsearch_is_away_what_waits_is_counted_in_lines_and_aged(world: World) -> None:
    shipper = world.started(NOBODY, delivery={"unsettled_bytes_max": 1_000_000, "batch_lines_max": 100})
    with Sender(shipper.port) as sender:
        time.sleep(2.0)
        sent = sender.pause()
    status = shown(shipper, lambda status: status.pending == sent, "all lines are pending")
    assert len(shipper.pending()) == sent
    assert status.unsettled_bytes <= 1_000_000  # so most of them were never read
    assert not status.reachable
    (sentence,) = status.attention
    assert sentence.endswith(f"no answer from Elasticsearch ({NOBODY}): Connection refused")
    assert status.oldest_pending_age_s is not None
    assert status.oldest_pending_age_s >= 2.0
    shipper.stop()
    shipper.configure(elasticsearch={"urls": [world.url]})
    shipper.start()
    status = shown(shipper, lambda status: status.indexed == sent, "all is indexed")
    assert (status.received, status.pending, status.attention) == (sent, 0, ())


def test_the_counters_go_on_when_the_shipping_process_is_killed(world: World) -> None:
    shipper = world.started()
    with Sender(shipper.port) as sender:
        time.sleep(1.0)
        before = status_of(shipper)
        os.kill(shipper.child("ship"), signal.SIGKILL)
        time.sleep(1.0)
        after = shown(shipper, lambda status: status.pid != before.pid, "the next shipping process answers")
        assert after.received >= before.received
        assert after.started_at > before.started_at
        sent = sender.pause()
    status = shown(shipper, lambda status: status.received == sent and not status.pending, "all is settled")
    assert status.indexed + status.already_there == sent


def test_two_senders_stand_beside_each_other_and_a_silent_one_is_missed_and_welcomed_back(world: World) -> None:
    shipper = world.started(
        listeners=[{"url": "udp://127.0.0.1:0"}, {"url": "udp://[::1]:0"}],
        senders=[
            {"network": "127.0.0.0/8", "silent_after_s": 60.0},
            {"network": "::1", "silent_after_s": 3.0, "timezone": "Asia/Tokyo"},
        ],
    )
    ports = {event["url"]: event["port"] for event in shipper.events("listener_opened")}
    with (
        closing(Sender(ports["udp://127.0.0.1:0"])) as one,
        closing(Sender(ports["udp://[::1]:0"], address="::1")) as other,
    ):
        one.number(100)
        other.send([b"this is no line of HAProxy"])
        other.number(50)
        status = shown(shipper, lambda status: status.indexed == 151, "all is indexed")
        by_address = {sender.address: sender for sender in status.senders}
        assert (by_address["127.0.0.1"].lines, by_address["127.0.0.1"].unparsed) == (100, 0)
        assert (by_address["::1"].lines, by_address["::1"].unparsed) == (51, 1)
        assert by_address["::1"].timezone == "Asia/Tokyo"
        assert abs(by_address["::1"].off_by_s) == 9 * 3600
        (zone,) = status.attention
        assert zone.startswith("::1 sends dates to udp://[::1]:0 that are off by ")
        silent = "nothing came from ::1/128 for more than 3 s"
        shown(shipper, lambda status: silent in status.attention, "the silent one is missed")
        other.number(10)
        shown(shipper, lambda status: status.attention == (zone,), "it is back")
    shipper.stop()
    (warning,) = shipper.events("sender_zone_suspected")
    assert (warning["listener"], warning["timezone"]) == ("udp://[::1]:0", "Asia/Tokyo")
    assert [event["network"] for event in shipper.events("sender_back")] == ["::1/128"]
    assert {event["network"] for event in shipper.events("sender_silent")} == {"::1/128"}


def test_the_log_tells_the_same_at_the_end(world: World) -> None:
    shipper = world.started()
    sender = Sender(shipper.port)
    sender.number(100)
    sender.close()
    shown(shipper, lambda status: status.indexed == 100, "all is indexed")
    shipper.stop()
    (event,) = shipper.events("shipping_stopped")
    assert (event["received"], event["indexed"], event["pending"], event["unexplained"]) == (100, 100, 0, 0)
    assert not (shipper.state.root / "status.sock").exists()


def test_after_a_kill_nobody_answers_and_the_next_life_does(world: World) -> None:
    shipper = world.started()
    shown(shipper, lambda status: status.counted, "a status")
    shipper.kill()
    assert (shipper.state.root / "status.sock").exists()
    until(lambda: shipper.state.holder() is None, "the children have ended")
    with pytest.raises(NoStatusError, match="no shipper runs"):
        fetch(shipper.state.root)
    shipper.start()
    shown(shipper, lambda status: status.counted, "a status of the next life")
