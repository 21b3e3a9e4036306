from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from shipper.errors import AS_SHIPPER, StateError
from shipper.journal import StateFolder

if TYPE_CHECKING:
    from pathlib import Path

TAKE = "import sys, pathlib; from shipper.journal import StateFolder; StateFolder(pathlib.Path(sys.argv[1])).lock()"


def take_elsewhere(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", TAKE, str(folder)], capture_output=True, text=True, check=False)


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with StateFolder(tmp_path).lock():
        second = take_elsewhere(tmp_path)
    assert second.returncode != 0
    assert f"is in use by process {os.getpid()}" in second.stderr


def test_the_folder_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "new").lock():
        pass
    assert take_elsewhere(tmp_path / "new").returncode == 0
    with StateFolder(tmp_path / "new").lock():
        pass


def test_a_look_tells_who_holds_the_folder_and_leaves_everything_as_it_is(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    assert state.holder() is None
    assert list(tmp_path.iterdir()) == []
    with state.lock():
        assert state.holder() == str(os.getpid())
        assert take_elsewhere(tmp_path).returncode != 0
    before = (tmp_path / "lock").stat()
    (tmp_path / "lock").chmod(0o440)
    assert state.holder() is None
    assert (tmp_path / "lock").stat().st_mtime_ns == before.st_mtime_ns


def test_a_look_in_the_same_moment_keeps_nobody_from_taking_the_folder(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.lock().close()
    fd = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    end = threading.Timer(0.01, os.close, [fd])
    end.start()
    with state.lock():
        end.join()


def test_a_lock_that_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("lock")
    with pytest.raises(StateError, match="look as the user of shipper"):
        StateFolder(tmp_path).holder()


def test_a_folder_that_may_not_be_looked_into_is_said_as_everything_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(StateError, match=f"state folder {tmp_path}: Permission denied; look {AS_SHIPPER}"):
        StateFolder(tmp_path).existing()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="choose another"):
        StateFolder(tmp_path / "file" / "state").lock()
