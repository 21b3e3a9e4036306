"""`shipper doctor` beside real parts: what loses lines is found, and what does not is said to be well."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shipper.config import Config, Listener
from shipper.encode import choose_engine
from shipper.jobs.doctor import examine
from shipper.service import NoStatusError, fetch
from tests.cli.commands import shipper as command
from tests.free_ports import free_udp_port
from tests.haproxy_process import HAProxyProcess
from tests.shipper_process import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import World
    from tests.shipper_process import ShipperProcess

HAPROXY = """
global
    log 127.0.0.1:{port} local0
    stats socket {socket} mode 600 level operator
defaults
    log global
    mode http
    option httplog
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend www
    bind "127.0.0.1:${{HTTP_PORT}}"
"""


def examined(*arguments: str | Path) -> tuple[int, str]:
    done = command("doctor", *arguments)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.decode()


def answers(shipper: ShipperProcess) -> bool:
    """Tell whether the shipping process, which is started last, serves its status by now."""
    with suppress(NoStatusError):
        return bool(fetch(shipper.state.root))
    return False


def flood(shipper: ShipperProcess, datagrams: int = 3_000) -> None:
    """Send more than a small buffer holds, while nobody reads."""
    os.kill(shipper.child("receive"), signal.SIGSTOP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(datagrams):
            sender.sendto(b"x" * 500, ("127.0.0.1", shipper.port))
    os.kill(shipper.child("receive"), signal.SIGCONT)


def test_a_running_shipper_that_loses_nothing_is_well_and_no_line_comes_of_the_look(world: World) -> None:
    shipper = world.started()
    until(lambda: answers(shipper), "the status is served")
    code, said = examined("-c", shipper.file)
    assert code == 0, said
    assert "is taken; by the running shipper, it seems" in said
    assert f"a datagram to udp://127.0.0.1:{shipper.port} came through to the counters" in said
    assert "none of them lost" in said
    assert f"lines of 400 bytes a second here, with the {choose_engine('auto')} engine" in said
    status = fetch(shipper.state.root)
    assert (status.journaled, status.empty) == (0, 1)


def test_what_the_kernel_dropped_is_found_with_the_setting_that_mends_it(world: World) -> None:
    shipper = world.shipper()
    shipper.configure(listeners=[{"url": f"udp://127.0.0.1:{shipper.port}", "receive_buffer_bytes": 65_536}])
    shipper.start()
    flood(shipper)
    until(lambda: answers(shipper) and fetch(shipper.state.root).kernel_drops > 0, "drops are counted")
    code, said = examined("-c", shipper.file)
    assert code == 1
    assert "datagrams at its socket since it was opened; raise receive_buffer_bytes (now 65536)" in said
    assert "(`kernel_drops`, since the state folder was made)" in said


def test_a_listener_that_allows_others_only_is_not_judged_by_this_machine(world: World) -> None:
    shipper = world.shipper()
    shipper.configure(listeners=[{"url": f"udp://127.0.0.1:{shipper.port}", "allow": ["192.0.2.0/24"]}])
    shipper.start()
    until(lambda: answers(shipper), "the status is served")
    code, said = examined("-c", shipper.file)
    assert (code, "not tried" in said) == (0, True), said


@pytest.mark.haproxy
def test_haproxy_is_asked_what_it_dropped_and_its_log_lines_are_read(tmp_path: Path) -> None:
    path, port = tmp_path / "stats.sock", free_udp_port()
    text = HAPROXY.format(port=port, socket=path)
    (tmp_path / "haproxy.cfg").write_text(text)
    with HAProxyProcess(text):
        end = time.monotonic() + 5
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.02)
        code, said = examined(
            "--state-dir", tmp_path / "state", "--listen", f"udp://127.0.0.1:{port}",
            "--haproxy-socket", path, "--haproxy-cfg", tmp_path / "haproxy.cfg",
        )  # fmt: skip
    assert code == 0, said
    assert "s, dropped no line" in said
    assert f"www (http) logs httplog to 127.0.0.1:{port}" in said


def test_that_no_shipper_runs_is_said_with_the_folder_and_the_flag(tmp_path: Path) -> None:
    code, said = examined("--state-dir", tmp_path / "none", "--listen", "stdin:")
    assert code == 0, said
    assert f"warn  shipper  no shipper runs in the state folder {tmp_path / 'none'}; another one is" in said
    assert "--state-dir" in said


def test_that_a_shipper_may_not_be_asked_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", forbidden)
    (warning,) = (found for found in examine(Config(state_dir=tmp_path, listeners=())) if found.subject == "shipper")
    assert warning.doubtful
    assert f"state folder {tmp_path}: Permission denied; ask as the user of shipper" in warning.text


def test_a_socket_that_is_not_haproxys_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    code, said = examined("--state-dir", tmp_path, "--listen", "stdin:", "--haproxy-socket", tmp_path / "none")
    assert code == 1
    assert f"{tmp_path / 'none'}: No such file or directory; give the path of a `stats socket`" in said


def test_a_bound_of_the_kernel_below_what_is_asked_for_is_said_with_the_sysctl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = tmp_path / "rmem_max"
    bound.write_text("212992\n")
    monkeypatch.setattr("shipper.jobs.doctor._RMEM_MAX", bound)
    settings = Config(listeners=(Listener(url="udp://127.0.0.1:0", receive_buffer_bytes=400_000),), state_dir=tmp_path)
    (found,) = (finding for finding in examine(settings) if "rmem_max" in finding.text and finding.subject == "kernel")
    assert found.doubtful
    assert found.text == (
        "a receive buffer of 400000 bytes is asked for (receive_buffer_bytes), and the kernel gives at most 212992 "
        "(net.core.rmem_max) to who does not start as root; "
        "run: sysctl -w net.core.rmem_max=400000, and put it into /etc/sysctl.d/"
    )
