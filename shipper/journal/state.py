"""The state folder: where things lie in it, and the lock that keeps a second shipper out.

The lock belongs to the open file, so it passes to forked children and is gone when the last of them is, however they
ended. The file holds the number of the process that took it.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from shipper.errors import AS_SHIPPER, StateError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

TAKE_S: Final = 1.0
"""How long a folder that another process has may stay so, before that is an error."""
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The paths under ``root`` that belong to the journal."""

    root: Path

    @property
    def journal(self) -> Path:
        """The folder of the segments."""
        return self.root / "journal"

    @property
    def commit(self) -> Path:
        """The commit record."""
        return self.root / "commit.json"

    @property
    def quarantine(self) -> Path:
        """The folder of damaged bytes."""
        return self.root / "quarantine"

    @property
    def _lock(self) -> Path:
        return self.root / "lock"

    def existing(self) -> Self:
        """Give itself. Raises StateError when there is no such folder, or it may not be looked into."""
        try:
            os.scandir(self.root).close()
        except OSError as error:
            denied = isinstance(error, PermissionError)
            todo = f"look {AS_SHIPPER}" if denied else "give the state_dir of a shipper"
            raise StateError(f"state folder {self.root}: {error.strerror}; {todo}") from error
        return self

    def holder(self) -> str | None:
        """Give the number of the process that has the folder, None when none has. Makes and writes nothing.

        Raises StateError when that cannot be seen.
        """
        try:
            fd = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"state folder {self.root}: lock: {error.strerror}; look {AS_SHIPPER}") from error
        try:
            return None if _taken(fd, fcntl.LOCK_SH) else _written_holder(fd)
        finally:
            os.close(fd)

    def lock(self) -> Lock:
        """Make the folders if they are missing, and take them for this process and its children.

        Raises StateError when they cannot be made or written, or when another process has them.
        """
        try:
            self.root.mkdir(mode=0o750, parents=True, exist_ok=True)
            self.journal.mkdir(mode=0o750, exist_ok=True)
        except OSError as error:
            raise StateError(f"state folder {self.root}: {error.strerror}; choose another with state_dir") from error
        return take(self._lock, f"state folder {self.root}", "stop that one, or choose another state_dir")


def take(path: Path, what: str, instead: str) -> Lock:
    """Lock the file ``path`` for this process and its children; it stands for ``what``.

    Raises StateError when it cannot be written, or when another process has it; ``instead`` says what to do then.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StateError(f"{what}: {error.strerror}; choose another with state_dir") from error
    if not _taken_in_time(fd):
        holder = _written_holder(fd)
        os.close(fd)
        raise StateError(f"{what} is in use by process {holder}; {instead}")
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return Lock(fd)


def _taken(fd: int, kind: int) -> bool:
    """Lock the open file, unless another has it."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken_in_time(fd: int) -> bool:
    """Try for TAKE_S: the children of a shipper that was killed hold the file until the kernel has ended them."""
    deadline_s = time.monotonic() + TAKE_S
    while not _taken(fd, fcntl.LOCK_EX):
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(_LOOK_S)
    return True


def _written_holder(fd: int) -> str:
    return os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"


class Lock:
    """A state folder that is taken; closing it, or leaving it as a context, gives it back."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the folder back, once no forked child holds it."""
        os.close(self._fd)
