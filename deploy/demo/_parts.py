"""What the demo starts: the recorder, shipper, HAProxy; and what they need: free ports, a certificate."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.demo import _recorder
from deploy.demo._children import Child, DemoFailed
from deploy.demo._traffic import Shop
from shipper.jobs.doctor import show_info

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIG: Final = Path(__file__).parents[1] / "haproxy.cfg"
_SHIPPER: Final = Path(sys.executable).with_name("shipper")


class Recorder:
    """The witness, and what it has seen."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "recorded"
        self.child = Child("recorder", [sys.executable, "-m", "deploy.demo._recorder", str(self.file)], folder)

    @property
    def address(self) -> str:
        """Where HAProxy sends its lines to."""
        return f"127.0.0.1:{self.child.said.strip()}"

    def lines(self) -> list[bytes]:
        """Give what was recorded so far."""
        return _recorder.read(self.file) if self.file.exists() else []


@contextmanager
def recorder(folder: Path) -> Iterator[Recorder]:
    """Run a recorder."""
    witness = Recorder(folder)
    with witness.child as child:
        child.wait_until(lambda: child.said.endswith("\n"))
        yield witness


def set_up(arguments: list[str]) -> str:
    """Run `shipper setup`; give what it said."""
    done = subprocess.run([_SHIPPER, "setup", *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise DemoFailed(f"`shipper setup` failed with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


@contextmanager
def shipper(folder: Path, port: int, arguments: list[str]) -> Iterator[Child]:
    """Run `shipper run`, listening on the UDP ``port``."""
    state = ["--state-dir", str(folder / "state")]
    knows = ["--haproxy-cfg", str(_CONFIG)]
    command = [str(_SHIPPER), "run", "--listen", f"udp://127.0.0.1:{port}", *knows, *state, *arguments]
    with Child("shipper", command, folder) as child:
        child.wait_until(lambda: _listens_udp(port))
        yield child


@contextmanager
def dashboard(folder: Path, port: int, arguments: list[str]) -> Iterator[Child]:
    """Run `shipper dashboard` at the TCP ``port``."""
    state = ["--state-dir", str(folder / "state")]
    knows = ["--haproxy-cfg", str(_CONFIG)]
    command = [str(_SHIPPER), "dashboard", "--listen", f"http://127.0.0.1:{port}", *knows, *state, *arguments]
    with Child("dashboard", command, folder) as child:
        child.wait_until(lambda: _accepts(port))
        yield child


class HAProxy:
    """A HAProxy with deploy/haproxy.cfg."""

    def __init__(self, program: str, folder: Path, shipper_port: int, witness: Recorder) -> None:
        certificate = _certificate(folder)
        self.shop = Shop(
            http_port=free_port(8080),
            https_port=free_port(8443),
            api_port=free_port(8090),
            stats_port=free_port(8404),
            certificate=certificate,
        )
        self._socket = folder / "haproxy.sock"
        environment = {
            "LOG_ADDRESS": f"127.0.0.1:{shipper_port}",
            "RECORDER_ADDRESS": witness.address,
            "STATS_SOCKET": str(self._socket),
            "HTTP_PORT": str(self.shop.http_port),
            "HTTPS_PORT": str(self.shop.https_port),
            "API_PORT": str(self.shop.api_port),
            "STATS_PORT": str(self.shop.stats_port),
            "SERVERS_PORT": str(free_port(8081)),
        }
        if certificate:
            environment["TLS_CERTIFICATE"] = str(certificate)
        self.child = Child("haproxy", [program, "-db", "-f", str(_CONFIG)], folder, environment)

    def dropped(self) -> int | None:
        """Count the lines that HAProxy could not send; None when it does not answer."""
        with suppress(OSError):
            return int(show_info(self._socket)["DroppedLogs"])
        return None

    def finish(self) -> None:
        """Let it answer what it has accepted, log that, and end."""
        self.child.stop(signal.SIGUSR1, timeout_s=20)


@contextmanager
def haproxy(folder: Path, shipper_port: int, witness: Recorder) -> Iterator[HAProxy]:
    """Run a HAProxy that logs to shipper and to the recorder."""
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise DemoFailed("there is no haproxy on this machine; Debian: apt-get install haproxy")
    proxy = HAProxy(program, folder, shipper_port, witness)
    with proxy.child as child:
        child.wait_until(lambda: proxy.dropped() is not None)
        yield proxy


def free_port(wanted: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Give ``wanted`` when nobody uses it, or else a port that is free."""
    for port in (wanted, 0):
        with suppress(OSError), socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:  # closed connections of an earlier run do not hold a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
            return int(probe.getsockname()[1])
    raise DemoFailed("there is no free port")


def _listens_udp(port: int) -> bool:
    """Ask the kernel, because a datagram to find out would be a line."""
    rows = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") for row in rows)


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _certificate(folder: Path) -> Path | None:
    """Make a certificate for 127.0.0.1, with its key in the same file; None without openssl: no TLS then."""
    if shutil.which("openssl") is None:
        return None
    key, both = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=shop.example"
    names = ["-addext", "subjectAltName=DNS:shop.example,IP:127.0.0.1"]
    subprocess.run([*command.split(), *names, "-keyout", str(key), "-out", str(both)], check=True, capture_output=True)
    with both.open("ab") as file:
        file.write(key.read_bytes())
    return both
