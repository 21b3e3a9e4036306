"""`shipper reload` on a running shipper, under load; and what it serves meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from shipper.pipeline import STOP_GRACE_S
from tests.end_to_end.traffic import Sender, line
from tests.free_ports import free_udp_port
from tests.shipper_process import COMMAND, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import World
    from tests.shipper_process import ShipperProcess

LINES_PER_S = 20_000
ZONES = ("Asia/Tokyo", "America/New_York", "UTC")


def reload(shipper: ShipperProcess) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, "reload", "--state-dir", str(shipper.state.root)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def reloaded(shipper: ShipperProcess, times: int) -> bool:
    return len(shipper.events("configuration_reloaded")) == times


def has_sent(sender: Sender, lines: int) -> bool:
    return sender.sent >= lines


def test_reloads_under_20_000_lines_a_second_lose_none(world: World) -> None:
    shipper = world.started(delivery={"batch_lines_max": 5000})
    receiver = shipper.child("receive")
    with Sender(shipper.port, LINES_PER_S) as sender:
        for number, zone in enumerate(ZONES, 1):
            more = sender.sent + LINES_PER_S * 2 // 5
            until(partial(has_sent, sender, more), "lines are sent")
            shipper.configure(timezone=zone, labels={"zone": zone.lower().replace("/", "_")})
            os.kill(shipper.pid, signal.SIGHUP)
            until(partial(reloaded, shipper, number), "reloaded")
        time.sleep(0.4)
        sent = sender.pause()
    world.settled(shipper, sent)
    assert shipper.child("receive") == receiver
    documents = world.indexed.documents()
    assert Counter(document.number for document in documents) == Counter(range(sent))
    labels = Counter(document.source.get("labels", {}).get("zone") for document in documents)
    assert set(labels) == {None, *(zone.lower().replace("/", "_") for zone in ZONES)}


def test_a_connection_outlives_a_reload_and_a_line_that_was_begun_is_whole(world: World) -> None:
    port = free_udp_port()
    shipper = world.started(listeners=[{"url": f"tcp://127.0.0.1:{port}"}])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        first, second = line(0) + b"\n", line(1) + b"\n"
        connection.sendall(first + second[:50])
        until(lambda: shipper.journaled() == 1, "the first line is there")
        shipper.configure(labels={"after": "reload"})
        assert reload(shipper).returncode == 0
        connection.sendall(second[50:])
        world.settled(shipper, 2)
    found = {document.number: document.source.get("labels") for document in world.indexed.documents()}
    assert found == {0: None, 1: {"after": "reload"}}


def test_a_reload_changes_the_key_and_the_time_of_a_stop_and_a_crash_neither(world: World, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("the key of today")
    shipper = world.started(privacy={"at": "receive", "key_file": str(key), "parameters": {"n": "hash"}})
    shipper.configure(shutdown_timeout_s=1.5)
    assert reload(shipper).returncode == 0
    key.unlink()
    receiver = shipper.child("receive")
    os.kill(receiver, signal.SIGKILL)
    until(lambda: shipper.child("receive") not in {0, receiver}, "the receiver is started again")
    sender = Sender(shipper.port)
    sender.number(1)
    sender.close()
    world.settled(shipper, 1)
    shipper.stop()
    stops = {event["name"]: event["stop_timeout_s"] for event in shipper.events("child_stopping")}
    assert stops["ship"] == 1.5 + STOP_GRACE_S
    assert not shipper.events("child_failed")


def test_what_is_wrong_is_refused_as_a_whole(world: World) -> None:
    shipper = world.started()
    shipper.configure(labels={"new": "1"}, timezone="Europe/Berlim")
    refused = reload(shipper)
    assert refused.returncode == 1
    assert "did you mean 'Europe/Berlin'" in refused.stderr
    shipper.configure(labels={"new": "1"}, timezone="UTC", listeners=[{"url": "udp://127.0.0.1:9"}])
    assert "listeners.0.url: what was changed there needs a restart" in reload(shipper).stderr
    sender = Sender(shipper.port)
    sender.number(10)
    sender.close()
    world.settled(shipper, 10)
    assert all("labels" not in document.source for document in world.indexed.documents())


def test_who_may_send_is_changed_by_a_reload(world: World) -> None:
    shipper = world.shipper()
    listener = {"url": f"udp://127.0.0.1:{shipper.port}"}
    shipper.configure(listeners=[{**listener, "allow": ["192.0.2.0/24"]}])
    shipper.start()
    sender = Sender(shipper.port)
    sender.number(5)
    until(lambda: shipper.events("sender_refused"), "the sender was refused")
    shipper.configure(listeners=[{**listener, "allow": ["127.0.0.1"]}])
    os.kill(shipper.pid, signal.SIGHUP)

    def let_in() -> bool:
        sender.number(1)
        return shipper.commit().indexed > 0

    until(let_in, "a line is let in")
    sender.close()


def test_nobody_to_reload_is_said(world: World) -> None:
    shipper = world.shipper()
    missing = reload(shipper)
    assert missing.returncode == 1
    assert "no shipper runs in the state folder" in missing.stderr


def test_counters_and_health_are_served_through_a_restart_of_the_shipping_process(world: World) -> None:
    port = free_udp_port()
    shipper = world.started(metrics={"listen": f"http://127.0.0.1:{port}"})
    sender = Sender(shipper.port)
    sender.number(100)
    sender.close()
    world.settled(shipper, 100)

    def ask(path: str) -> str:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def indexed() -> float:
        families = text_string_to_metric_families(ask("/metrics"))
        settled = next((family.samples for family in families if family.name == "shipper_settled_lines"), [])
        return next((sample.value for sample in settled if sample.labels["verdict"] == "indexed"), 0.0)

    until(lambda: indexed() == 100, "what was indexed is counted")
    os.kill(shipper.child("ship"), signal.SIGKILL)
    until(lambda: indexed() == 100, "it is counted by the next process")
    assert json.loads(ask("/health/live"))["alive"] is True
    until(lambda: json.loads(ask("/health/ready"))["ready"], "it is ready")
