"""How `shipper run` begins and ends: signals, a parent that is gone, what is taken already."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from shipper.processes import ONE_STOP_S
from shipper.shipping import UNANSWERED_S_MAX
from tests.end_to_end.traffic import Sender
from tests.free_ports import free_udp_port
from tests.shipper_process import until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import World

NOBODY = "http://127.0.0.1:9"


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; an orphan that nobody has waited for yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(("number", "group"), [(signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGINT, True)])
def test_a_signal_under_load_leaves_nothing_unread_and_a_restart_goes_on(
    world: World, number: signal.Signals, *, group: bool
) -> None:
    shipper = world.started()
    with Sender(shipper.port) as sender:
        time.sleep(0.3)
        sent = sender.pause()
        assert shipper.stop(number, group=group) == 0
        world.settled(shipper, sent)
        shipper.start()
        sender.resume()
        time.sleep(0.1)
        sent = sender.pause()
    world.settled(shipper, sent)
    assert world.indexed.numbers() == Counter(range(sent))


def test_a_stop_without_elasticsearch_leaves_the_lines_in_the_journal_for_the_next_start(world: World) -> None:
    shipper = world.started(NOBODY, shutdown_timeout_s=0.5)
    sender = Sender(shipper.port)
    sender.number(1000)
    assert shipper.stop() == 0
    assert len(shipper.pending()) == 1000
    shipper.configure(elasticsearch={"urls": [world.url]})
    shipper.start()
    sender.close()
    world.settled(shipper, 1000)
    assert world.indexed.numbers() == Counter(range(1000))


def test_a_second_signal_ends_it_at_once(world: World) -> None:
    shipper = world.started(NOBODY, shutdown_timeout_s=60.0)
    sender = Sender(shipper.port)
    sender.number(100)
    sender.close()
    os.kill(shipper.pid, signal.SIGTERM)
    until(lambda: "receive" in {event["name"] for event in shipper.events("child_stopped")}, "receiving stopped")
    time.sleep(ONE_STOP_S)
    begun = time.monotonic()
    shipper.stop(signal.SIGTERM)
    assert time.monotonic() - begun < 2
    assert len(shipper.pending()) == 100


def test_a_stop_gives_an_elasticsearch_up_that_does_not_answer_and_keeps_the_lines(world: World) -> None:
    shipper = world.started(NOBODY, shutdown_timeout_s=60.0)
    sender = Sender(shipper.port)
    sender.number(100)
    sender.close()
    until(lambda: shipper.events("elasticsearch_failing"), "it is known to be away")
    begun = time.monotonic()
    assert shipper.stop() == 0
    assert time.monotonic() - begun < UNANSWERED_S_MAX + 5
    assert len(shipper.pending()) == 100


def test_an_elasticsearch_that_is_away_is_said_at_the_start_before_any_line(world: World) -> None:
    shipper = world.started(NOBODY)
    until(lambda: shipper.events("elasticsearch_not_ready"), "that it is away is said")
    (warning,) = shipper.events("elasticsearch_not_ready")
    assert "Connection refused" in warning["reason"]
    assert shipper.stop() == 0
    assert [event["reachable"] for event in shipper.events("shipping_stopped")] == [None]


def test_a_template_that_is_missing_is_said_at_the_start_before_any_line(world: World) -> None:
    shipper = world.started(index={"prefix": "no-such-template"})
    until(lambda: shipper.events("elasticsearch_not_ready"), "that it is missing is said")
    assert "run `shipper setup`" in shipper.events("elasticsearch_not_ready")[0]["reason"]


@pytest.mark.chaos
def test_children_of_a_killed_parent_are_gone_within_a_second_and_its_port_is_free(world: World) -> None:
    shipper = world.started()
    children = psutil.Process(shipper.pid).children()
    assert len(children) == 2
    shipper.kill()
    until(lambda: not any(map(is_alive, children)), "the children are gone", 1.0)
    until(lambda: _can_bind(shipper.port), "the port is free", 1.0)


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_a_state_folder_that_is_taken_is_refused(world: World) -> None:
    first = world.started()
    second = world.shipper(state_dir=str(first.state.root))
    second.launch()
    until(lambda: second.exit is not None, "the second ended")
    assert second.exit == 1
    assert f"in use by process {first.pid}" in second.said()
    assert "Traceback" not in second.said()
    assert first.exit is None


def test_a_port_that_is_taken_is_refused(world: World) -> None:
    port = free_udp_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        shipper = world.shipper(listeners=[{"url": f"udp://127.0.0.1:{port}"}])
        shipper.launch()
        until(lambda: shipper.exit is not None, "it ended")
    assert shipper.exit == 2
    assert f"listener udp://127.0.0.1:{port}: Address already in use" in shipper.said()
    assert "Traceback" not in shipper.said()
