"""`shipper run` as its user runs it: a command, a configuration file, signals, and what it says on standard error.

1. One object is one state folder; ``start`` begins a new life there, after whatever ended the one before.
2. Every setting is in the file. What a test does not name is quick: short delays, small segments.
3. Only processes that were started here are ended here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from shipper.journal import Commit, Line, Reader, StateFolder, load
from shipper.limits import BATCH_BYTES_MAX, MIB
from tests.free_ports import free_udp_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

PATIENCE_S: Final = 30.0
COMMAND: Final = str(Path(sys.executable).with_name("shipper"))
QUICK: Final[dict[str, Any]] = {
    "timezone": "UTC",
    "shutdown_timeout_s": 15.0,
    "journal": {"segment_bytes": MIB, "sync": "200ms"},
    "delivery": {
        "batch_lines_max": 500,
        "linger_s": 0.05,
        "retry_delay_s_min": 0.02,
        "retry_delay_s_max": 0.5,
        "pause_delay_s": 0.3,
    },
}


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for ``condition``; fail with ``what`` when it does not come."""
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_s:g} s: {what}")
        time.sleep(0.02)


class ShipperProcess:
    """`shipper run` in ``folder``; its lives are ended when the context is left."""

    def __init__(self, folder: Path, elasticsearch: str, prefix: str, **settings: Any) -> None:  # noqa: ANN401 -- TOML
        self.port = free_udp_port()
        self.state = StateFolder(folder / "state")
        self._folder = folder
        self._settings: dict[str, Any] = {
            "state_dir": str(self.state.root),
            "listeners": [{"url": f"udp://127.0.0.1:{self.port}"}],
            "elasticsearch": {"urls": [elasticsearch], "request_timeout_s": 10.0},
            "index": {"prefix": prefix},
        }
        self.configure(**QUICK)
        self.configure(**settings)
        self.command: tuple[str, ...] = (COMMAND,)
        self.pass_fds: tuple[int, ...] = ()
        self._lives = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._lives:
            sys.stderr.write(self.said())  # shown with a test that failed

    def configure(self, **settings: Any) -> None:  # noqa: ANN401 -- TOML
        """Change settings, for the next life; those of a table are changed one by one."""
        for name, value in settings.items():
            tables = isinstance(value, dict)
            self._settings[name] = {**self._settings.get(name, {}), **value} if tables else value
        self.file.write_text(_toml(self._settings))

    @property
    def file(self) -> Path:
        """The configuration file."""
        return self._folder / "shipper.toml"

    # -- its life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life; return when its sockets are bound and its children run."""
        self.launch()
        listeners = len(self._settings["listeners"])
        until(
            lambda: (
                self.exit is not None
                or (len(self.events("listener_opened")) == listeners and len(self.events("child_started")) == 2)
            ),
            "shipper started",
        )
        assert self.exit is None, self.said()

    def launch(self) -> None:
        """Begin a life, and do not wait for it."""
        self._lives += 1
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self.command, "run", "--config", str(self.file)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                pass_fds=self.pass_fds,
            )

    @property
    def pid(self) -> int:
        """The parent's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit(self) -> int | None:
        """The exit status; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def child(self, name: str) -> int:
        """Give the process id of a child: `receive` or `ship`."""
        return int([event["pid"] for event in self.events("child_started") if event["name"] == name][-1])

    def kill(self) -> None:
        """End the parent with SIGKILL, and wait for it and for its port."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Send a signal to the parent, or as a terminal does to the group; give the exit status."""
        assert self._process is not None
        (os.killpg if group else os.kill)(self.pid, number)
        return self._process.wait(PATIENCE_S)

    # -- what it says and has ----------------------------------------------------------------------------------------

    @property
    def _log(self) -> Path:
        return self._folder / f"stderr-{self._lives}"

    def said(self) -> str:
        """Give standard error of this life."""
        return self._log.read_text()

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """Give the events of this life that have this name."""
        lines = [json.loads(line) for line in self.said().splitlines(keepends=True) if line.endswith("}\n")]
        return [line for line in lines if line["event"] == name]

    def commit(self) -> Commit:
        """Read the commit record."""
        return load(self.state.commit)

    def pending(self) -> list[Line]:
        """Give the lines that stand in the journal after the commit."""
        return self._look()[1]

    def journaled(self) -> int:
        """Count the lines that are in the journal or have passed it; too few when the commit moves meanwhile."""
        commit, lines = self._look()
        return commit.journaled + len(lines)

    def _look(self) -> tuple[Commit, list[Line]]:
        while True:
            commit = self.commit()
            reader = Reader(self.state.journal, commit.position, quarantine=self._folder / "looked-at")
            lines: list[Line] = []
            try:
                while (batch := reader.read(5_000, BATCH_BYTES_MAX)) is not None:
                    lines += batch.lines()
            except FileNotFoundError:  # the commit moved on, and the segment is gone
                continue
            finally:
                reader.close()
            return commit, lines


def _toml(settings: Mapping[str, Any], within: str = "") -> str:
    """Write settings as TOML: values, then tables; JSON's values are TOML's."""
    plain = [
        f"{json.dumps(name)} = {json.dumps(value)}"
        for name, value in settings.items()
        if value is not None and not _is_table(value)
    ]
    for name, value in settings.items():
        if isinstance(value, dict):
            plain += [f"[{within}{name}]", _toml(value, f"{within}{name}.")]
        elif _is_table(value):
            plain += [f"[[{name}]]\n{_toml(each)}" for each in value]
    return "\n".join(plain) + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
