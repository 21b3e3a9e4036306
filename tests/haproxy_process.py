"""A real HAProxy for tests, and a listener that keeps what it logs.

1. Ports are named in the configuration as `"${NAME}"`; each gets a free one, to be read from ``ports``.
2. It is ready when every port of ``ports`` listens. That is read from the kernel: a connection would be a log line.
3. A configuration that HAProxy refuses, or warns of, raises with HAProxy's own words.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

from tests.free_ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_START_S = 10
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_STOP_S = 10


def check_config(config: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Give what `haproxy -c` says against ``config`` (text, or a file): nothing when it is clean."""
    with tempfile.TemporaryDirectory() as folder:
        file = _file(config, Path(folder))
        done = subprocess.run(
            [_program(), "-c", "-f", str(file)],
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=_START_S,
            check=False,
        )
    return "" if done.returncode == 0 and "[WARNING]" not in done.stderr else done.stdout + done.stderr


def haproxy_version() -> tuple[int, int]:
    """Give the version of the HAProxy that is installed, like (2, 6)."""
    said = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=True).stdout
    major, minor = said.partition("version ")[2].split(".")[:2]
    return int(major), int(minor)


class HAProxyProcess:
    """A running HAProxy with ``config`` (text, or a file). With ``master`` it has a master process, and can reload."""

    def __init__(
        self,
        config: str | Path,
        *,
        ports: Sequence[str] = ("HTTP_PORT",),
        environment: Mapping[str, str] | None = None,
        master: bool = False,
    ) -> None:
        self.ports = dict(zip(ports, free_ports(len(ports)), strict=True))
        self._config = config
        self._options = ["-W"] if master else []
        self._environment = {**os.environ, **{k: str(v) for k, v in self.ports.items()}, **(environment or {})}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="haproxy-")
        file = _file(self._config, Path(self._folder.name))
        complaint = check_config(file, self._environment)
        if complaint:
            self._folder.cleanup()
            raise RuntimeError(complaint)
        self._process = subprocess.Popen(
            [_program(), "-q", "-db", *self._options, "-f", str(file)],
            env=self._environment,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            self._wait()
        except BaseException:
            self.stop(signal.SIGKILL)
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The process id; the log lines carry it."""
        if self._process is None:
            raise RuntimeError("HAProxy is not running")
        return self._process.pid

    def reload(self) -> None:
        """Let the master start a new worker, and wait until the old one is gone."""
        master = psutil.Process(self.pid)
        old = master.children()
        master.send_signal(signal.SIGUSR2)
        _, alive = psutil.wait_procs(old, _STOP_S)
        if alive:
            raise TimeoutError(f"HAProxy's old worker did not end within {_STOP_S} s")
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for it. SIGUSR1 lets it finish what it is doing first."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait(self) -> None:
        wanted = set(self.ports.values())
        end = time.monotonic() + _START_S
        while not wanted <= _listening(psutil.Process(self.pid)):
            if time.monotonic() > end:
                raise TimeoutError(f"HAProxy did not listen on {self.ports} within {_START_S} s")
            time.sleep(0.01)


class UdpRecorder:
    """Keeps every datagram that comes to ``address``, in the order of arrival."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024 * 1024)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._lines: list[bytes] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._record, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """What stands after `log` in a configuration."""
        return f"127.0.0.1:{self.port}"

    def wait_for(self, count: int, *, holding: bytes = b"", timeout_s: float = 5) -> list[bytes]:
        """Give the datagrams with ``holding`` in them as soon as there are ``count``.

        Raises TimeoutError when they do not come.
        """
        end = time.monotonic() + timeout_s
        while len(found := [line for line in self._lines if holding in line]) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(found)} of {count} datagrams came within {timeout_s} s")
            time.sleep(0.01)
        return found

    def _record(self) -> None:
        while not self._stopping.is_set():
            try:
                self._lines.append(self._socket.recv(65_536))
            except TimeoutError:
                continue


def _listening(process: psutil.Process) -> set[int]:
    """Give the ports on which a process and its workers listen."""
    family = (process, *process.children())
    found = [c for each in family for c in each.net_connections("tcp")]
    return {c.laddr.port for c in found if c.status == psutil.CONN_LISTEN}


def _file(config: str | Path, folder: Path) -> Path:
    if isinstance(config, Path):
        return config
    file = folder / "haproxy.cfg"
    file.write_text(config)
    return file


def _program() -> str:
    """Find haproxy, which often lies where an ordinary user's PATH does not look."""
    return shutil.which("haproxy", path=_PATH) or "haproxy"
