"""A small supervisor in a process of its own, with children that note what they are told and do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUPERVISOR = """
import os, sys, time
from pathlib import Path
from shipper import memory
from shipper.errors import Fatal
from shipper.processes import EXIT_DONE, Role, notifier, supervise

folder = Path(sys.argv[1])

def note(what):
    with (folder / "notes").open("a") as notes:
        notes.write(f"{what}\\n")

def works(name):
    def target(stop):
        note(f"{name} {os.getpid()}")
        while not stop.wait(60):
            pass
        note(f"{name} stops")
        return 0
    return target

def hangs(stop):
    note(f"hangs {os.getpid()}")
    time.sleep(60)

def is_done(stop):
    note(f"is_done {os.getpid()}")
    return EXIT_DONE

if "UNKILLABLE" in os.environ:
    os.kill = lambda pid, number: note("kill")

def finishes(stop):
    note(f"finishes {os.getpid()}")
    while not stop.wait(60):
        pass
    note(f"finishes in peace: {stop.is_patient}")
    while stop.is_patient and not (folder / "finished").exists():
        stop.wait(0.01)
        stop.is_set()
    return 0

def sees(stop):
    while not stop.is_patient:
        stop.wait(60)
    note(f"sees a receiver of {roles[0].pulse.age_s} s")
    return 0

def breathes(stop):
    bytearray(2**23)  # what glibc has seen freed, it keeps from then on, if it is let
    before = resident()
    blocks = [bytearray(b"x") * 2**23 for _ in range(8)]
    del blocks[:-1]
    memory.give_back()
    note(f"breathes kept {resident() - before}")
    return EXIT_DONE

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def crashes(stop):
    note(f"crashes {os.getpid()}")
    raise RuntimeError("on purpose")

def gives_up(stop):
    note(f"gives_up {os.getpid()}")
    raise Fatal("cannot go on")

def stays(stop):
    note(f"stays {os.getpid()}")
    time.sleep(60)

def learns(stop):
    note(f"learns {os.getpid()}")
    stop.when_news(lambda news: note(f"told {len(news)} of {news[:3].decode()}"))
    while not stop.wait(60):
        pass
    return 0

def reloads():
    note("reloads")
    return not (folder / "wrong").exists()

targets = {f.__name__: f for f in (hangs, crashes, gives_up, is_done, finishes, breathes, learns, sees, stays)}
targets |= {"receive": works("receive"), "ship": works("ship")}
roles = [
    Role(
        n,
        targets[n],
        lambda: float(sys.argv[2]),
        lambda n=n: note(f"{n} gone"),
        news=(lambda: b"new" * 50_000) if n in {"learns", "hangs"} else None,
    )
    for n in sys.argv[3:]
]
sys.exit(supervise(roles, reloads, notifier(os.environ)))
"""


class Supervised:
    """A supervisor that runs, and the file of its children's notes."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._file = folder / "notes"

    @property
    def notes(self) -> list[str]:
        """Give what was noted so far."""
        return self._file.read_text().splitlines() if self._file.exists() else []

    def wait_for(self, *names: str, times: int = 1) -> list[int]:
        """Give the last pids of the children once each was started so often."""
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            pids = {
                name: [int(n.split()[1]) for n in self.notes if n.split()[0] == name and n[-1].isdigit()]
                for name in names
            }
            if all(len(found) >= times for found in pids.values()):
                return [pids[name][-1] for name in names]
            time.sleep(0.01)
        raise AssertionError(self.notes)


@contextmanager
def supervised(folder: Path, *names: str, timeout_s: float = 8.0, **environ: str) -> Iterator[Supervised]:
    """Yield a supervisor of the roles ``names``; it is killed with all of its children at the end."""
    arguments = [sys.executable, "-c", SUPERVISOR, str(folder), str(timeout_s), *names]
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, env=os.environ | environ
    )
    try:
        yield Supervised(folder, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def told(run: Supervised, *notes: str) -> None:
    """Wait until all of this was noted."""
    deadline = time.monotonic() + 8
    while not set(notes) <= set(run.notes):
        assert time.monotonic() < deadline, run.notes
        time.sleep(0.01)
