"""Real processes: each test runs a small supervisor and treats it badly."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from shipper import processes
from tests.supervised import supervised, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, pids))


def test_memory_that_was_freed_goes_back_to_the_kernel(tmp_path: Path) -> None:
    with supervised(tmp_path, "breathes") as supervisor:
        assert supervisor.process.wait(8) == 0
        note, _ = supervisor.notes
    kept = int(note.removeprefix("breathes kept "))
    assert kept < 2 * 2**23


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_children_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with supervised(tmp_path, "receive", "ship") as run:
        run.wait_for("receive", "ship")
        run.process.send_signal(number)
        assert run.process.wait(5) == 0
        assert run.notes[2:] == ["receive stops", "receive gone", "ship stops", "ship gone"]


def test_a_signal_to_the_whole_group_keeps_the_order(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "ship") as run:
        run.wait_for("receive", "ship")
        os.killpg(run.process.pid, signal.SIGINT)
        assert run.process.wait(5) == 0
        assert run.notes[2:] == ["receive stops", "receive gone", "ship stops", "ship gone"]


@pytest.mark.chaos
def test_a_killed_child_is_started_again_and_the_other_goes_on(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "ship") as run:
        receive, ship = run.wait_for("receive", "ship")
        os.kill(receive, signal.SIGKILL)
        again = run.wait_for("receive", times=2)[0]
        assert again != receive
        assert run.wait_for("ship") == [ship]
        assert is_alive(ship)


@pytest.mark.chaos
def test_children_go_with_a_killed_parent(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "hangs") as run:
        children = run.wait_for("receive", "hangs")
        run.process.kill()
        run.process.wait()
        wait_until_gone(*children)


def test_a_crashing_child_is_started_ever_more_slowly(tmp_path: Path) -> None:
    with supervised(tmp_path, "crashes") as run:
        begin = time.monotonic()
        run.wait_for("crashes", times=4)
        assert time.monotonic() - begin >= 0.1 + 0.2 + 0.4
        run.process.terminate()
        assert run.process.wait(5) == 0


def test_a_crashing_child_leaves_the_other_alone(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "crashes") as run:
        run.wait_for("crashes", times=3)
        (receive,) = run.wait_for("receive")
        assert is_alive(receive)
        assert [note.split()[0] for note in run.notes].count("receive") == 1


def test_a_child_that_cannot_go_on_stops_everything(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "gives_up") as run:
        assert run.process.wait(8) == processes.EXIT_FATAL
        assert run.notes[-3:] == ["receive stops", "receive gone", "gives_up gone"]


def test_when_a_child_is_done_the_other_may_finish_in_its_own_time(tmp_path: Path) -> None:
    with supervised(tmp_path, "is_done", "finishes", timeout_s=0.1) as run:
        (finishes,) = run.wait_for("is_done", "finishes")[1:]
        time.sleep(0.5)
        assert is_alive(finishes)
        (tmp_path / "finished").touch()
        assert run.process.wait(5) == 0
        assert run.notes[2:] == ["finishes in peace: True", "is_done gone", "finishes gone"]


@pytest.mark.chaos
def test_a_child_that_is_killed_while_it_finishes_is_started_again_to_finish(tmp_path: Path) -> None:
    with supervised(tmp_path, "is_done", "finishes") as run:
        os.kill(run.wait_for("is_done", "finishes")[1], signal.SIGKILL)
        run.wait_for("finishes", times=2)
        (tmp_path / "finished").touch()
        assert run.process.wait(5) == 0
        assert sum(note.startswith("is_done ") and note[-1].isdigit() for note in run.notes) == 1


def test_a_child_that_leaves_for_a_reload_has_not_finished(tmp_path: Path) -> None:
    with supervised(tmp_path, "is_done", "finishes") as run:
        run.wait_for("is_done", "finishes")
        told(run, "finishes in peace: True")
        run.process.send_signal(signal.SIGHUP)
        run.wait_for("finishes", times=2)
        (tmp_path / "finished").touch()
        assert run.process.wait(5) == 0


def test_a_child_that_is_done_needs_no_pulse(tmp_path: Path) -> None:
    with supervised(tmp_path, "is_done", "sees") as run:
        assert run.process.wait(5) == 0
        assert "sees a receiver of 0.0 s" in run.notes


def test_a_signal_ends_the_finishing(tmp_path: Path) -> None:
    with supervised(tmp_path, "is_done", "finishes") as run:
        run.wait_for("is_done", "finishes")
        time.sleep(0.2)
        run.process.terminate()
        assert run.process.wait(5) == 0


def test_a_child_that_does_not_stop_in_its_time_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, "hangs", "ship", timeout_s=0.2) as run:
        run.wait_for("hangs", "ship")
        run.process.terminate()
        assert run.process.wait(5) == 0
        assert run.notes[2:] == ["hangs gone", "ship stops", "ship gone"]


def test_a_second_signal_leaves_no_more_time(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "hangs", timeout_s=60) as run:
        (hangs,) = run.wait_for("receive", "hangs")[1:]
        run.process.terminate()
        deadline = time.monotonic() + 5
        while "receive gone" not in run.notes and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(processes.ONE_STOP_S)
        run.process.terminate()
        assert run.process.wait(5) == 0
        assert not is_alive(hangs)


def test_signals_that_come_together_are_one(tmp_path: Path) -> None:
    with supervised(tmp_path, "receive", "ship", timeout_s=60) as run:
        run.wait_for("receive", "ship")
        for _ in range(3):
            run.process.terminate()
        assert run.process.wait(5) == 0
        assert {"receive stops", "ship stops"} <= set(run.notes)


def test_the_end_of_the_pipe_means_that_the_parent_is_gone() -> None:
    read, write = os.pipe()
    stop = processes.Stop(read)
    assert not stop.is_set()
    os.close(write)
    with pytest.raises(processes.ParentGoneError):
        stop.wait(1)
    os.close(read)


def test_a_reload_is_told_to_the_child_that_can_take_it_and_the_other_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path, "learns", "ship") as run:
        learns, ship = run.wait_for("learns", "ship")
        run.process.send_signal(signal.SIGHUP)
        assert run.wait_for("ship", times=2) != [ship]
        told(run, "told 150000 of new", "ship stops")
        assert is_alive(learns)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(5) == 0


def test_a_reload_that_is_refused_touches_no_child(tmp_path: Path) -> None:
    with supervised(tmp_path, "learns", "ship") as run:
        pids = run.wait_for("learns", "ship")
        (tmp_path / "wrong").touch()
        run.process.send_signal(signal.SIGHUP)
        told(run, "reloads")
        time.sleep(0.3)
        assert run.wait_for("learns", "ship") == pids


def test_a_child_that_does_not_take_a_reload_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path, "hangs") as run:
        (hangs,) = run.wait_for("hangs")
        run.process.send_signal(signal.SIGHUP)
        assert run.wait_for("hangs", times=2) != [hangs]


def test_a_child_that_does_not_leave_in_time_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, "stays", timeout_s=0.2) as run:
        (stays,) = run.wait_for("stays")
        run.process.send_signal(signal.SIGHUP)
        assert run.wait_for("stays", times=2) != [stays]


def test_a_child_that_the_kernel_cannot_end_yet_is_killed_once(tmp_path: Path) -> None:
    with supervised(tmp_path, "stays", timeout_s=0.2, UNKILLABLE="1") as run:
        run.wait_for("stays")
        run.process.send_signal(signal.SIGHUP)
        told(run, "kill")
        time.sleep(0.3)
        assert run.notes.count("kill") == 1


@contextmanager
def service_manager(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(8)
        yield manager


def test_a_service_manager_hears_of_start_life_reload_and_stop(tmp_path: Path) -> None:
    with (
        service_manager(tmp_path) as manager,
        supervised(tmp_path, "ship", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="600000") as run,
    ):
        assert manager.recv(100) == b"READY=1"
        assert [manager.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        run.process.send_signal(signal.SIGHUP)
        heard = [manager.recv(100) for _ in range(6)]
        reloading = next(each for each in heard if each.startswith(b"RELOADING=1\nMONOTONIC_USEC="))
        assert b"READY=1" in heard[heard.index(reloading) :]
        run.process.send_signal(signal.SIGTERM)
        while manager.recv(100) != b"STOPPING=1":
            pass


def test_a_child_without_a_pulse_is_not_said_to_be_well(tmp_path: Path) -> None:
    with (
        service_manager(tmp_path) as manager,
        supervised(tmp_path, "hangs", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="100000") as run,
    ):
        run.wait_for("hangs")
        manager.settimeout(1)
        with pytest.raises(TimeoutError):
            manager.recv(100)


def test_a_watchdog_that_is_meant_for_another_process_is_none() -> None:
    assert processes.notifier({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_s is None
    assert processes.notifier({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}).watchdog_s == 1.5
    assert not processes.notifier({}).wanted
