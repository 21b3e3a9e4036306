"""The units, by systemd's own tools, and held against the code and the configuration that go with them."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from shipper import config
from shipper.limits import PULSE_AGE_S_MAX
from shipper.pipeline import STOP_GRACE_S
from shipper.processes import EXIT_FATAL
from tests.shipper_process import ShipperProcess, until

ROOT: Final = Path(__file__).parents[2]
UNITS: Final = ROOT / "deploy" / "systemd"
EXPOSURE_MAX: Final = 1.5
"""Of 10, by `systemd-analyze security`: sockets and a network are what the service is for."""
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")


def values(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Give the folder of the units, whose command is there."""
    (tmp_path / "shipper").symlink_to("/bin/true")
    for unit in UNITS.glob("shipper.s[eo]*"):
        text = unit.read_text().replace("/opt/shipper/bin/shipper", str(tmp_path / "shipper"))
        (tmp_path / unit.name).write_text(text)
    return tmp_path


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    command = ["systemd-analyze", "verify", *map(str, sorted(units.glob("shipper.s[eo]*")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_service_can_do_little_beside_its_work(units: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}"]
    done = subprocess.run([*command, str(units / "shipper.service")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_sockets_are_the_listeners_of_the_configuration() -> None:
    settings = config.load(ROOT / "deploy" / "shipper.toml")
    opened = [f"udp://{address}" for address in values("shipper.socket", "ListenDatagram")]
    assert opened == [listener.url for listener in settings.listeners]
    assert values("shipper.socket", "ReceiveBuffer") == [f"{settings.listeners[0].receive_buffer_bytes // 1024**2}M"]


def advised() -> str:
    """Give the commands that deploy/install.sh says at its end."""
    install = (ROOT / "deploy" / "install.sh").read_text()
    return install.partition("\nNext: ")[2].partition("\n")[2].removesuffix("EOF\n")


def test_what_install_advises_is_on_the_page_and_runs_with_what_the_service_has() -> None:
    assert advised() in (ROOT / "docs" / "operations.md").read_text()
    given = dict(re.findall(r"(?:-p |--)(\w+)=(\S+)", advised()))
    for key, name in (("User", "uid"), ("StateDirectory", "StateDirectory"), ("EnvironmentFile", "EnvironmentFile")):
        assert values("shipper.service", key) == [given[name]]


def test_what_install_advises_are_commands_that_a_shell_and_shipper_take(tmp_path: Path) -> None:
    for name in ("systemd-run", "systemctl"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$@"\n')
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(["/bin/sh", "-euc", advised()], env={"PATH": str(tmp_path)}, capture_output=True, check=True)
    *shippers, enabled = done.stdout.decode().splitlines()
    assert [line.partition("/usr/bin/shipper ")[2] for line in shippers] == [
        "check -c /etc/shipper/shipper.toml",
        "setup -c /etc/shipper/shipper.toml",
    ]
    assert enabled == "enable --now shipper.socket shipper.service"


def test_a_stop_is_short_since_nobody_reads_the_socket_meanwhile() -> None:
    assert config.load(ROOT / "deploy" / "shipper.toml").shutdown_timeout_s <= 1.0


def test_the_times_of_the_unit_are_longer_than_those_of_shipper() -> None:
    (watchdog,), (stop,) = values("shipper.service", "WatchdogSec"), values("shipper.service", "TimeoutStopSec")
    assert int(watchdog) > PULSE_AGE_S_MAX
    assert int(stop) > config.Config().shutdown_timeout_s + 2 * STOP_GRACE_S
    assert values("shipper.service", "RestartPreventExitStatus") == [f"2 {EXIT_FATAL}"]


@pytest.mark.skipif(
    ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0, reason="this kernel cannot refuse memory that is written and executed"
)
def test_shipper_runs_without_memory_that_is_written_and_executed(tmp_path: Path) -> None:
    forbid = "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) or os.execv(sys.argv[1], sys.argv[1:])"
    shipper = ShipperProcess(tmp_path, "http://127.0.0.1:9", "test")
    shipper.command = (sys.executable, "-c", forbid, *shipper.command)
    with shipper:
        until((shipper.state.root / "status.sock").exists, "it runs")
        assert shipper.stop() == 0
