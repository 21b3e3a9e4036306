"""Keeps a child running for each role, until a signal says otherwise."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from shipper.limits import PULSE_AGE_S_MAX, RESTART_DELAY_S_MAX, RESTART_DELAY_S_MIN, STEADY_S
from shipper.processes._child import SIGNALS, Child
from shipper.processes._exits import EXIT_DONE, EXIT_FATAL
from shipper.processes._notifying import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.processes._child import Role

_log = structlog.get_logger()

ONE_STOP_S: Final = 0.5
"""Signals that come within this are one: who stops a group may signal its first process as well."""
_FIRST_BEAT_S: Final = 0.02
"""Between two looks whether the children have begun."""


def supervise(
    roles: Sequence[Role], reload: Callable[[], bool] = lambda: False, notifier: Notifier | None = None
) -> int:
    """Keep a child running for each role until SIGTERM or SIGINT; then stop them in this order. Give an exit status.

    SIGHUP calls ``reload``, which says whether the children are to know. To be called in the main thread of a process
    without others.
    """
    with _signals_as_bytes() as wakeup:
        return _Supervisor(roles, wakeup, reload, notifier or Notifier()).run()


@contextmanager
def _signals_as_bytes() -> Iterator[int]:
    """Turn the signals of a supervisor into bytes of a pipe, and give its reading end."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    fd_before = signal.set_wakeup_fd(write)
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
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
    def __init__(self, roles: Sequence[Role], wakeup: int, reload: Callable[[], bool], notifier: Notifier) -> None:
        self._posts = [_Post(role) for role in roles]
        self._wakeup = wakeup
        self._reload = reload
        self._notifier = notifier
        self._started_s = time.monotonic()
        self._ready = not notifier.wanted
        self._in_terminal = sys.stderr.isatty()
        self._reload_asked = False
        self._stops_asked = 0
        self._stop_asked_s = 0.0
        self._exit = 0
        self._finishing = False

    def run(self) -> int:
        try:
            while not self._is_over():
                for post in self._posts:
                    self._fill(post)
                self._notify()
                self._wait(0.0 if self._is_over() else self._patience_s())
                if self._reload_asked:
                    self._reload_now()
        finally:
            self._notifier.stopping()
            for post in self._posts:
                self._vacate(post)
        return self._exit

    def _patience_s(self) -> float | None:
        """Give how long there is nothing to do unless a signal comes; None: for ever."""
        now_s = time.monotonic()
        waits = [post.due_s - now_s for post in self._posts if post.child is None and not post.done]
        waits += [post.child.kill_at_s - now_s for post in self._posts if post.child and post.child.kill_at_s]
        if self._notifier.watchdog_s is not None:
            waits.append(self._notifier.watchdog_s / 3)
        if not self._ready:
            waits.append(_FIRST_BEAT_S)
        return min(waits, default=None)

    def _notify(self) -> None:
        """Tell the service manager of the start, and that all move."""
        ages_s = [post.role.pulse.age_s for post in self._posts if not post.done]
        if not self._ready and max(ages_s, default=0.0) < time.monotonic() - self._started_s:
            self._ready = True
            self._notifier.ready()
        if self._notifier.watchdog_s is not None and max(ages_s, default=0.0) < PULSE_AGE_S_MAX:
            self._notifier.alive()

    def _reload_now(self) -> None:
        """Reload, and let the children know if that changed anything."""
        self._reload_asked = False
        self._notifier.reloading()
        if self._reload():
            for post in self._posts:
                if post.child is None or post.child.leaves:
                    continue
                if post.role.news is None:
                    post.child.leave()
                else:
                    post.child.tell(post.role.news())
        self._notifier.ready()

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
        elif post.child.kill_at_s is not None and time.monotonic() >= post.child.kill_at_s:
            _log.warning("child_killed", name=post.role.name, pid=post.child.pid, reason="it did not leave in time")
            post.child.kill()

    def _ended(self, post: _Post, child: Child, status: int) -> None:
        """Plan the next start, the later the more often it failed; or none, if that would not help or is not needed."""
        child.close()
        post.child = None
        if status == EXIT_DONE or (self._finishing and status == 0 and not child.leaves):
            _log.info("child_done", name=post.role.name, pid=child.pid)
            post.done = True
            post.role.pulse.rest()
            self._let_finish()
            return
        if status == 0 and child.leaves:
            _log.info("child_left", name=post.role.name, pid=child.pid)
            self._fill(post)
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
            stop_timeout_s = post.role.stop_timeout_s()
            _log.info("child_stopping", name=post.role.name, pid=child.pid, stop_timeout_s=stop_timeout_s)
            deadline_s = time.monotonic() + stop_timeout_s
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
            if signal.SIGHUP in numbers:
                self._hang_up(now_s)

    def _hang_up(self, now_s: float) -> None:
        """Take SIGHUP as a reload; when the terminal that we were started in is gone, as a stop."""
        if self._in_terminal and not sys.stderr.isatty():
            self._stops_asked += 1
            self._stop_asked_s = now_s
        else:
            self._reload_asked = True
