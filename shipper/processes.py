"""Child processes that never outlive their parent: start, watch, start again, stop in order.

1. A child is forked. It has a pipe whose other end only the parent holds: a byte asks it to stop, the pipe's end means
   that the parent is gone. The kernel kills it then as well (PR_SET_PDEATHSIG), before it could notice.
2. Children ignore SIGINT and SIGTERM, so that a Ctrl-C, or a service manager that signals the whole group, cannot break
   the order of the stop. Only the parent listens to them.
3. A child that ends unasked is started again after a back-off; one that ends with EXIT_FATAL, for a
   configuration or a state folder that cannot be used, stops everything. One that ends with EXIT_DONE has nothing more
   to do: the others are asked to finish, which may take them for ever; a signal then is a stop as any other.
4. The parent has no threads and only waits. Children are stopped in the order in which they were given, each within its
   time; a second signal leaves no more time to any.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from shipper import memory
from shipper.errors import Fatal
from shipper.limits import RESTART_DELAY_S_MAX, RESTART_DELAY_S_MIN, STEADY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_log = structlog.get_logger()

EXIT_FATAL: Final = 70
"""Of a child that met a ``Fatal``, and then of the supervisor: a person has to mend the configuration or the state
folder first. Any other error is the child's own affair: it is started again. (EX_SOFTWARE of sysexits.h.)"""

EXIT_DONE: Final = 3
"""Of a child that will never have anything more to do."""

ONE_STOP_S: Final = 0.5
"""Signals that come within this are one: who stops a group may signal its first process as well."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_STOP: Final = b"s"
_FINISH: Final = b"f"
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class ParentGoneError(Fatal):
    """The parent ended without asking for a stop: leave at once."""


class Stop:
    """The child's end of the pipe."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._asked = b""

    def fileno(self) -> int:
        """Give a file descriptor that is readable once ``is_set`` has something new to say."""
        return self._fd

    def is_set(self) -> bool:
        """Say whether a stop was asked for. Raises ParentGoneError when there is no parent any more."""
        if self._asked != _STOP:
            with suppress(BlockingIOError):
                self._asked = os.read(self._fd, 1)
                if not self._asked:
                    raise ParentGoneError("the parent process is gone")
        return bool(self._asked)

    @property
    def is_patient(self) -> bool:
        """Say whether the stop that was asked for may take as long as all that is left to do."""
        return self._asked == _FINISH

    def wait(self, timeout_s: float) -> bool:
        """Wait for a stop for at most ``timeout_s``; say whether one was asked for."""
        if self._asked != _STOP:
            select.select([self._fd], [], [], timeout_s)
        return self.is_set()


class Target(Protocol):
    """What a child does: it runs until ``stop`` is set, and gives its exit status."""

    def __call__(self, stop: Stop) -> int:
        """Run."""


@dataclass(frozen=True, slots=True)
class Role:
    """A child to keep running."""

    name: str
    target: Target
    stop_timeout_s: float
    """How long its stop may take before it is killed."""
    stopped: Callable[[], None] = lambda: None
    """Called in the parent once it is stopped for good."""


class Child:
    """One forked process; ``siblings`` are those whose pipes it must not keep open."""

    def __init__(self, role: Role, siblings: Sequence[Child] = ()) -> None:
        self.role = role
        self.started_s = time.monotonic()
        self._status: int | None = None
        read, self._write = os.pipe()
        parent = os.getpid()
        gc.freeze()  # the collector must not copy the parent's pages
        sys.stdout.flush()
        sys.stderr.flush()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _run(role, Stop(read), parent, [self, *siblings])
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
        with suppress(BrokenPipeError):
            os.write(self._write, _STOP)

    def finish(self) -> None:
        """Ask it to stop once all that is left is done."""
        with suppress(BrokenPipeError):
            os.write(self._write, _FINISH)

    def kill(self) -> None:
        """End it at once."""
        if self.status() is None:
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close this process's end of the pipe."""
        os.close(self._write)


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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NAME, name_of(role).encode(), 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    memory.settle()
    if os.getppid() != parent:  # it ended before it could be asked for
        raise ParentGoneError("the parent process is gone")


def supervise(roles: Sequence[Role]) -> int:
    """Keep a child running for each role until SIGTERM or SIGINT; then stop them in this order. Give an exit status.

    To be called in the main thread of a process without others.
    """
    with _signals_as_bytes() as wakeup:
        return _Supervisor(roles, wakeup).run()


@contextmanager
def _signals_as_bytes() -> Iterator[int]:
    """Turn the signals of a supervisor into bytes of a pipe, and give its reading end."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    fd_before = signal.set_wakeup_fd(write)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    try:
        yield read
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        os.close(read)
        os.close(write)


class _Post:
    """A role, the child that has it, and when the next may."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.child: Child | None = None
        self.done = False
        self.due_s = 0.0
        self.delay_s = RESTART_DELAY_S_MIN


class _Supervisor:
    def __init__(self, roles: Sequence[Role], wakeup: int) -> None:
        self._posts = [_Post(role) for role in roles]
        self._wakeup = wakeup
        self._stops_asked = 0
        self._stop_asked_s = 0.0
        self._exit = 0
        self._finishing = False

    def run(self) -> int:
        try:
            while not self._is_over():
                for post in self._posts:
                    self._fill(post)
                due = [post.due_s for post in self._posts if post.child is None and not post.done]
                self._wait(0.0 if self._is_over() else min(due) - time.monotonic() if due else None)
        finally:
            for post in self._posts:
                self._vacate(post)
        return self._exit

    def _is_over(self) -> bool:
        return bool(self._stops_asked or self._exit) or all(post.done for post in self._posts)

    def _fill(self, post: _Post) -> None:
        """Start the child if it is due; take note if it has ended."""
        if post.child is None:
            if not post.done and time.monotonic() >= post.due_s:
                post.child = Child(post.role, [other.child for other in self._posts if other.child])
                if self._finishing:
                    post.child.finish()
        elif (status := post.child.status()) is not None:
            self._ended(post, post.child, status)

    def _ended(self, post: _Post, child: Child, status: int) -> None:
        """Plan the next start, the later the more often it failed; or none, if that would not help or is not needed."""
        child.close()
        post.child = None
        if status == EXIT_DONE or (self._finishing and status == 0):
            _log.info("child_done", name=post.role.name, pid=child.pid)
            post.done = True
            self._let_finish()
            return
        now_s = time.monotonic()
        if now_s - child.started_s >= STEADY_S:
            post.delay_s = RESTART_DELAY_S_MIN
        post.due_s = now_s + post.delay_s
        post.delay_s = min(2 * post.delay_s, RESTART_DELAY_S_MAX)
        if status == EXIT_FATAL:
            self._exit = EXIT_FATAL
        _log.error("child_ended", name=post.role.name, pid=child.pid, status=status, starts_again=not self._exit)

    def _let_finish(self) -> None:
        """Ask every child to finish, and those that start from now on."""
        if not self._finishing:
            self._finishing = True
            for post in self._posts:
                if post.child is not None:
                    post.child.finish()

    def _vacate(self, post: _Post) -> None:
        """Stop the child within its time, which a second signal ends."""
        child = post.child
        if child is not None:
            child.stop()
            _log.info("child_stopping", name=post.role.name, pid=child.pid, stop_timeout_s=post.role.stop_timeout_s)
            deadline_s = time.monotonic() + post.role.stop_timeout_s
            while child.status() is None:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0 or self._stops_asked > 1:
                    _log.warning("child_killed", name=post.role.name, pid=child.pid)
                    child.kill()
                    left_s = 1.0
                self._wait(left_s)
            _log.info("child_stopped", name=post.role.name, pid=child.pid, status=child.status())
            child.close()
            post.child = None
        post.role.stopped()

    def _wait(self, timeout_s: float | None) -> None:
        """Wait for a signal: a child's end, or somebody who wants us to stop."""
        if select.select([self._wakeup], [], [], None if timeout_s is None else max(0.0, timeout_s))[0]:
            numbers = os.read(self._wakeup, 4096)
            now_s = time.monotonic()
            if any(number in {signal.SIGTERM, signal.SIGINT} for number in numbers):
                if not self._stops_asked or now_s - self._stop_asked_s >= ONE_STOP_S:
                    self._stops_asked += 1
                self._stop_asked_s = now_s
