"""One child process: its pipe, its pulse, how it is forked and told what to do."""

from __future__ import annotations

import ctypes
import gc
import math
import mmap
import os
import select
import signal
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from shipper import memory
from shipper.errors import Fatal
from shipper.processes._exits import EXIT_FATAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = structlog.get_logger()

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""What a supervisor listens to."""
_TELL_S_MAX: Final = 5.0
"""How long a child may take to take what it is told."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_SECONDS: Final = struct.Struct("=d")
_LENGTH: Final = struct.Struct("=I")
_STOP: Final = b"s"
_FINISH: Final = b"f"
_LEAVE: Final = b"l"
_NEWS: Final = b"n"


class ParentGoneError(Fatal):
    """The parent ended without asking for a stop: leave at once."""


class Pulse:
    """When a child last looked whether it is to stop; every process that is forked after its making can tell."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SECONDS.size)

    def beat(self) -> None:
        """Say that the child is alive."""
        _SECONDS.pack_into(self._memory, 0, time.monotonic())

    def rest(self) -> None:
        """Say that the child is done: none beats any more, and that is well."""
        _SECONDS.pack_into(self._memory, 0, math.inf)

    @property
    def age_s(self) -> float:
        """Seconds since the last beat; without any, since the machine was started. None at rest: 0."""
        (beat_s,) = _SECONDS.unpack_from(self._memory)
        return max(0.0, time.monotonic() - float(beat_s))


class Stop:
    """The child's end of the pipe."""

    def __init__(self, fd: int, pulse: Pulse | None = None) -> None:
        self._fd = fd
        self._pulse = pulse or Pulse()
        self._asked = b""
        self._take_news: Callable[[bytes], None] = lambda _: None

    def fileno(self) -> int:
        """Give a file descriptor that is readable once ``is_set`` has something new to say."""
        return self._fd

    def is_set(self) -> bool:
        """Say whether a stop was asked for. Raises ParentGoneError when there is no parent any more."""
        return self.wait(0.0)

    def when_news(self, take: Callable[[bytes], None]) -> None:
        """Have ``take`` called, within ``is_set`` and ``wait``, with what the parent tells of a reload."""
        self._take_news = take

    @property
    def is_patient(self) -> bool:
        """Say whether the stop that was asked for may take as long as all that is left to do."""
        return self._asked == _FINISH

    @property
    def is_hasty(self) -> bool:
        """Say whether another child is to go on with the work as soon as can be."""
        return self._asked == _LEAVE

    def wait(self, timeout_s: float) -> bool:
        """Wait for a word of the parent for at most ``timeout_s``; say whether a stop was asked for."""
        self._pulse.beat()
        if self._asked != _STOP and select.select([self._fd], [], [], timeout_s)[0]:
            self._listen()
        return bool(self._asked)

    def _listen(self) -> None:
        word = os.read(self._fd, 1)
        if word == _NEWS:
            (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
            self._take_news(self._read(length))
            return
        self._asked = word
        if not word:
            raise ParentGoneError("the parent process is gone")

    def _read(self, size: int) -> bytes:
        """Read ``size`` bytes that are being written."""
        pieces = b""
        while len(pieces) < size:
            select.select([self._fd], [], [])
            piece = os.read(self._fd, size - len(pieces))
            if not piece:
                raise ParentGoneError("the parent process is gone")
            pieces += piece
        return pieces


class Target(Protocol):
    """What a child does: it runs until ``stop`` is set, and gives its exit status."""

    def __call__(self, stop: Stop) -> int:
        """Run."""


@dataclass(frozen=True, slots=True)
class Role:
    """A child to keep running."""

    name: str
    target: Target
    stop_timeout_s: Callable[[], float]
    """How long its stop may take before it is killed: a reload may change it."""
    stopped: Callable[[], None] = lambda: None
    """Called in the parent once it is stopped for good."""
    news: Callable[[], bytes] | None = None
    """Gives what a running child is told of a reload; None: it leaves, and is started again."""
    pulse: Pulse = field(default_factory=Pulse)


class Child:
    """One forked process; ``siblings`` are those whose pipes it must not keep open."""

    def __init__(self, role: Role, siblings: Sequence[Child] = ()) -> None:
        self.role = role
        self.started_s = time.monotonic()
        self._status: int | None = None
        self.leaves = False
        """Whether it was asked to leave."""
        self.kill_at_s: float | None = None
        """When it is killed if it has not left until then."""
        read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        parent = os.getpid()
        gc.freeze()  # the collector must not copy the parent's pages
        sys.stdout.flush()
        sys.stderr.flush()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _run(role, Stop(read, role.pulse), parent, [self, *siblings])
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(read)
        _log.info("child_started", name=role.name, pid=self.pid)

    def status(self) -> int | None:
        """Give the exit status once the child has ended (negative: the signal that ended it); None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def stop(self) -> None:
        """Ask it to stop."""
        self._tell(_STOP)

    def finish(self) -> None:
        """Ask it to stop once all that is left is done."""
        self._tell(_FINISH)

    def leave(self) -> None:
        """Ask it to settle what is under way, and to make room for the next."""
        self.leaves = True
        self.kill_at_s = time.monotonic() + self.role.stop_timeout_s()
        self._tell(_LEAVE)

    def tell(self, news: bytes) -> None:
        """Tell it of a reload; one that does not listen is ended, since the next child knows."""
        if not self._tell(_NEWS + _LENGTH.pack(len(news)) + news):
            _log.warning("child_killed", name=self.role.name, pid=self.pid, reason="it did not take a reload")
            self.kill()

    def kill(self) -> None:
        """End it at once: one kill is enough, however long the kernel takes."""
        self.kill_at_s = None
        if self.status() is None:
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close this process's end of the pipe."""
        os.close(self._write)

    def _tell(self, words: bytes) -> bool:
        """Write into the pipe; say whether all of it went in, in time. One that has ended is told nothing."""
        deadline_s = time.monotonic() + _TELL_S_MAX
        try:
            while words and time.monotonic() < deadline_s:
                if select.select([], [self._write], [], 0.1)[1]:
                    words = words[os.write(self._write, words) :]
        except BrokenPipeError:
            return True
        return not words


def _run(role: Role, stop: Stop, parent: int, pipes: Sequence[Child]) -> NoReturn:
    """Be the child. Nothing that is raised here may reach the parent's code."""
    status = 1
    try:
        _settle_in(role.name, parent, pipes)
        status = role.target(stop)
    except ParentGoneError:
        _log.warning("child_left_alone", name=role.name)
    except Fatal as error:
        _log.critical("child_failed", name=role.name, error=str(error))
        status = EXIT_FATAL
    except BaseException:  # noqa: BLE001 -- this is where the process ends; the log is where it is said
        _log.exception("child_crashed", name=role.name)
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def name_of(role: str) -> str:
    """Give the name of a role's process, as `ps` and `top` show it: the kernel keeps 15 bytes."""
    return f"shipper-{role}"[:15]


def _settle_in(role: str, parent: int, pipes: Sequence[Child]) -> None:
    for pipe in pipes:
        pipe.close()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NAME, name_of(role).encode(), 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    memory.settle()
    if os.getppid() != parent:  # it ended before it could be asked for
        raise ParentGoneError("the parent process is gone")
