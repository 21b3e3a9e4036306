from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shipper.errors import StateError
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


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="choose another"):
        StateFolder(tmp_path / "file" / "state").lock()
