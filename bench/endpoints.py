"""The two ends of what is measured: a generator of datagrams and a sink of bulk requests (``native/bench``).

1. They share the machine's cores with what is measured, and so cost little: sendmmsg on one side, a count of newlines
   on the other.
2. The sink counts a document when it answers. One that came twice counts twice: what is lost is then told too small,
   and the bytes sent tell it.
3. When the sink is away it ends connections, and answers nobody.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.lines import lines

if TYPE_CHECKING:
    from typing import Self

ROOT: Final = Path(__file__).parent.parent
_BUILT: Final = ROOT / "native" / "target" / "release"
_DISTINCT_LINES: Final = 50_000


def build(package: str = "shipper-bench", *what: str) -> Path:
    """Build one of ``native/``'s packages, and give the folder of its programs."""
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit("what is measured needs a generator and a sink in Rust, and cargo is not on PATH")
    command = [cargo, "build", "--release", "--locked", "--quiet", "--package", package, *what]
    subprocess.run(command, cwd=ROOT / "native", check=True)
    return _BUILT


def write_capture(path: Path) -> None:
    """Write the lines that are sent round and round: of now, with a place for the time of sending in each URL."""
    timed = (line.replace(b"?page=", b"?t=0000000000000000&page=") for line in _lines())
    path.write_bytes(b"\n".join(timed))


def _lines() -> list[bytes]:
    return lines(_DISTINCT_LINES, "local", start=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a sink has seen so far."""

    documents: int = 0
    bytes: int = 0
    requests: int = 0
    latency_ms: int = 0
    """From the sending of a datagram to the arrival of the request with its document: the median …"""
    latency_ms_max: int = 0
    """… and the most, of the first and the last document of each request."""


class Sink:
    """Takes bulk requests and stores nothing."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(_BUILT / "sink"), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def look(self) -> Figures:
        """Wait a quarter of a second for the next figures."""
        return Figures(*map(int, self._line().split()))

    def be_away(self, *, away: bool) -> None:
        """Be away, or be back."""
        assert self._process.stdin is not None  # noqa: S101 -- it was started with a pipe
        self._process.stdin.write("away\n" if away else "back\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 -- likewise
        return self._process.stdout.readline()


class Generator:
    """Sends the lines of a file at a rate, for some seconds."""

    def __init__(self, capture: Path, port: int, rate: int, seconds: int) -> None:
        self.total = rate * seconds
        self._process = subprocess.Popen(
            [str(_BUILT / "generate"), str(capture), str(port), str(rate), str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def is_over(self) -> bool:
        """Whether it has sent everything."""
        return self._process.poll() is not None

    def report(self) -> tuple[int, float]:
        """Give how many lines it sent, once it is over, and how many milliseconds it was behind at most."""
        assert self._process.stdout is not None  # noqa: S101 -- it was started with a pipe
        sent, _, late_ms = self._process.stdout.read().split()[1:]
        return int(sent), float(late_ms)
