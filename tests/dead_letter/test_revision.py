from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shipper.dead_letter import _turn, files, read, read_file, refused_again, revise
from shipper.errors import Retryable
from tests.dead_letter.test_files import NOON_US, opened, position, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITE = """
import sys
from pathlib import Path
from tests.dead_letter.test_files import opened, refused
letters = opened(Path(sys.argv[1]), 1 << 30, file_bytes_max=20_000)
for number in range(150):
    assert letters.write([refused(number)]) is None
"""


def ids(*numbers: int) -> list[str]:
    return [position(number).id() for number in numbers]


def filled(folder: Path, *numbers: int) -> Path:
    opened(folder).write([refused(number) for number in numbers])
    return files(folder)[-1]


def left(folder: Path) -> list[str]:
    return [letter.id for letter in read(folder)]


def test_letters_are_taken_out_and_replaced_and_the_others_stay_byte_by_byte(tmp_path: Path) -> None:
    path = filled(tmp_path, 1, 2, 3, 4)
    before = path.read_bytes().splitlines()
    second = list(read_file(path))[1]
    assert revise(path, dict.fromkeys(ids(1, 9)) | {ids(2)[0]: replace(second, reason="another")}) == 2
    after = path.read_bytes().splitlines()
    assert left(tmp_path) == ids(2, 3, 4)
    assert next(read(tmp_path)).reason == "another"
    assert after[1:] == before[2:]


def test_a_letter_that_is_refused_again_keeps_when_it_was_given_up_first(tmp_path: Path) -> None:
    (old,) = read_file(filled(tmp_path, 1))
    again = refused_again(old, replace(refused(1), reason="now this", tries=3), NOON_US + 60_000_000)
    assert (again.time, again.retried) == (old.time, "2026-11-21T12:01:00.000000Z")
    assert (again.tries, again.reason, again.raw, again.sender) == (5, "now this", old.raw, old.sender)


def test_a_file_without_letters_is_removed_and_what_is_no_letter_is_kept(tmp_path: Path) -> None:
    path = filled(tmp_path, 1, 2)
    with path.open("ab") as file:
        file.write(b"nonsense\n" + path.read_bytes()[:50])
    assert revise(path, dict.fromkeys(ids(1))) == 1
    assert path.read_bytes().endswith(b'nonsense\n{"time":"2026-11-21T12:00:00.000000Z","id":"AAECAw')
    other = filled(tmp_path, 3)
    assert revise(other, dict.fromkeys(ids(3))) == 1
    assert files(tmp_path) == [path]


def test_nothing_is_touched_when_nothing_is_meant(tmp_path: Path) -> None:
    path = filled(tmp_path, 1)
    before = path.stat()
    assert revise(path, dict.fromkeys(ids(2))) == 0
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert revise(tmp_path / "dead-letters-2026-11-21-0009.ndjson", dict.fromkeys(ids(2))) == 0
    assert files(tmp_path) == [path]


def test_the_file_keeps_its_mode(tmp_path: Path) -> None:
    path = filled(tmp_path, 1, 2)
    path.chmod(0o640)
    revise(path, dict.fromkeys(ids(1)))
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_file_keeps_its_owner(tmp_path: Path) -> None:
    path = filled(tmp_path, 1, 2)
    os.chown(path, 65534, 65534)
    revise(path, dict.fromkeys(ids(1)))
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


@pytest.mark.parametrize("fails", ["fsync", "fchown", "replace"])
def test_a_disk_that_takes_no_new_file_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = filled(tmp_path, 1, 2)
    before = path.read_bytes()

    def no_space(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(path) if fails == "replace" else os, fails, no_space)
        with pytest.raises(OSError, match="No space"):
            revise(path, dict.fromkeys(ids(1)))
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == [(path, before)]


def test_letters_written_meanwhile_by_another_process_are_never_lost(tmp_path: Path) -> None:
    taken: list[str] = []
    with subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path)]) as writing:
        while writing.poll() is None:
            for path in files(tmp_path):
                some = [letter.id for letter in read_file(path)][::2]
                taken += some
                assert revise(path, dict.fromkeys(some)) == len(some)
    assert writing.returncode == 0
    assert sorted(taken + left(tmp_path)) == sorted(ids(*range(150)))
    assert all(path.suffix == ".ndjson" for path in tmp_path.iterdir())


def hold(folder: Path, seconds: float) -> Callable[[], None]:
    """Have the turn for a while."""
    fd = os.open(folder, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    end = threading.Timer(seconds, os.close, [fd])
    end.start()
    return end.join


def test_a_turn_that_lasts_too_long_is_a_reason_and_not_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(tmp_path, 1)
    monkeypatch.setattr(_turn, "TURN_S", 0.05)
    ended = hold(tmp_path, 0.5)
    with pytest.raises(Retryable, match="keeps the dead letters"):
        revise(path, dict.fromkeys(ids(1)))
    reason = opened(tmp_path).write([refused(2)])
    assert reason is not None
    assert "keeps the dead letters" in reason
    ended()
    assert opened(tmp_path).write([refused(2)]) is None
    assert left(tmp_path) == ids(1, 2)


def test_somebody_elses_turn_is_waited_for(tmp_path: Path) -> None:
    path = filled(tmp_path, 1)
    ended, begun_s = hold(tmp_path, 0.2), time.monotonic()
    assert revise(path, dict.fromkeys(ids(1))) == 1
    assert time.monotonic() - begun_s > 0.1
    ended()
