"""What is measured side by side: shipper with both engines, and the peers that are installed.

A peer is set up as a careful person would: its files lie in ``peers/``, with the words PORT, SINK and RULES where the
port that it listens on, the port of the sink, and the folder of its rules are put in. shipper is the command that
``SHIPPER`` names, or that of this Python.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS: Final = Path(__file__).parent / "peers"
NATIVE: Final = "shipper, native"
PYTHON: Final = "shipper, Python"
_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin:/opt/fluent-bit/bin"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that can be run."""

    name: str
    set_up: Callable[[Path, int, int], list[str]]
    """Writes its files into a folder, given the ports it listens on and sends to; gives the command."""


def contestants() -> list[Contestant]:
    """Give those that are installed."""
    found = [
        Contestant(NATIVE, lambda folder, port, sink: shipper(folder, port, f"http://127.0.0.1:{sink}", "native")),
        Contestant(PYTHON, lambda folder, port, sink: shipper(folder, port, f"http://127.0.0.1:{sink}", "python")),
    ]
    for name, (program, file, arguments) in _PEERS.items():
        path = shutil.which(program) or shutil.which(program, path=_PATH)
        if path is not None:
            found.append(Contestant(name, _peer(path, file, arguments)))
    return found


def shipper(folder: Path, port: int, elasticsearch: str, engine: Literal["native", "python"]) -> list[str]:
    """Set shipper up with its defaults, but for the engine and, where nothing is stored, the look for a template."""
    configuration = folder / "shipper.toml"
    configuration.write_text(
        f'engine = "{engine}"\nstate_dir = "{folder / "state"}"\ntimezone = "UTC"\nrequire_template = false\n'
        f'[[listeners]]\nurl = "udp://127.0.0.1:{port}"\n[elasticsearch]\nurls = ["{elasticsearch}"]\n'
    )
    return [command(), "run", "--config", str(configuration)]


def command() -> str:
    """Give the path of shipper's own command."""
    return str(Path(os.environ.get("SHIPPER", Path(sys.executable).with_name("shipper"))).absolute())


def free_port() -> int:
    """Give a UDP port that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_PEERS: Final[dict[str, tuple[str, str, str]]] = {
    "rsyslog": ("rsyslogd", "rsyslog.conf", "-n -C -f FILE -i FOLDER/pid"),
    "syslog-ng": ("syslog-ng", "syslog-ng.conf", "-F -f FILE -R FOLDER/persist -p FOLDER/pid -c FOLDER/control"),
    "Fluent Bit": ("fluent-bit", "fluent-bit.conf", "-c FILE"),
    "Vector": ("vector", "vector.toml", "--config FILE"),
}
"""The program, its file in ``peers/``, and its arguments."""


def _peer(program: str, file: str, arguments: str) -> Callable[[Path, int, int], list[str]]:
    def set_up(folder: Path, port: int, sink: int) -> list[str]:
        text, places = (PEERS / file).read_text(), {"PORT": port, "SINK": sink, "RULES": PEERS, "FOLDER": folder}
        for place, value in places.items():
            text = text.replace(f"@{place}@", str(value))
        configuration = folder / file
        configuration.write_text(text)
        told = arguments.replace("FILE", str(configuration)).replace("FOLDER", str(folder))
        return [program, *told.split()]

    return set_up
