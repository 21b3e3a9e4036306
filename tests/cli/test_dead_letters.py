from __future__ import annotations

import json
import os
import pty
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shipper.config import Config
from shipper.dead_letter import DeadLetters, read
from shipper.dead_letter._letter import decode
from shipper.errors import AS_SHIPPER, StateError
from shipper.jobs.dead_letters import folder_of
from tests.cli.commands import SHIPPER, clean_environment, shipper
from tests.dead_letter.test_files import NOON_US, position, refused

if TYPE_CHECKING:
    from pathlib import Path


def ids(*numbers: int) -> list[str]:
    return [position(number).id() for number in numbers]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a state folder with five letters: three about one field, two about another, a day later."""
    letters = tmp_path / "dead-letters"
    first = [refused(number) for number in (1, 2, 3)]
    second = [replace(refused(number), field="b\x1b[31m", reason="another reason") for number in (4, 5)]
    for refusals, later_us in ((first, 0), (second, 86_400_000_000)):
        kept = DeadLetters(letters, 1 << 20, unsettled=lambda _: False, clock_us=lambda us=later_us: NOON_US + us)  # type: ignore[misc]
        assert kept.write(refusals) is None
    return tmp_path


def left(folder: Path) -> list[str]:
    return [letter.id for letter in read(folder / "dead-letters")]


def test_letters_are_listed_by_what_was_said_of_them(folder: Path) -> None:
    done = shipper("dead-letters", "list", "--state-dir", folder)
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "3  document_parsing_exception: a" in shown
    assert "2  document_parsing_exception: b\\x1b[31m" in shown
    assert "failed to parse field [a]" in shown
    assert ids(1)[0] in shown
    assert "5 letters, for 1 indices" in shown
    assert "\x1b" not in shown


def test_letters_are_listed_one_by_one_and_for_programs(folder: Path) -> None:
    rows = shipper("dead-letters", "list", "--state-dir", folder, "--all").stdout.decode().splitlines()
    assert [row.split()[0] for row in rows] == ids(1, 2, 3, 4, 5)
    whole = shipper("dead-letters", "list", "--state-dir", folder, "--json", "--field", "a").stdout
    assert [decode(line + b"\n") for line in whole.splitlines()] == list(read(folder / "dead-letters"))[:3]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        (("--id", ids(2)[0], "--id", ids(4)[0]), [2, 4]),
        (("--reason", "ANOTHER"), [4, 5]),
        (("--type", "mapper_parsing_exception"), []),
        (("--index", "haproxy-*", "--field", "a"), [1, 2, 3]),
        (("--since", "2026-11-22T00:00Z"), [4, 5]),
        (("--until", "2026-11-22", "--timezone"), None),
        (("--until", "2026-11-22T00:00Z"), [1, 2, 3]),
    ],
)
def test_letters_are_chosen_by_flags(folder: Path, asked: tuple[str, ...], numbers: list[int] | None) -> None:
    done = shipper("dead-letters", "list", "--state-dir", folder, "--all", *asked)
    if numbers is None:
        assert done.returncode == 2
    else:
        assert [row.split()[0] for row in done.stdout.decode().splitlines()] == ids(*numbers)


def test_an_age_is_told_from_now(folder: Path) -> None:
    assert shipper("dead-letters", "list", "--state-dir", folder, "--all", "--since", "1m").returncode == 0
    wrong = shipper("dead-letters", "list", "--state-dir", folder, "--since", "yesterday")
    assert wrong.returncode == 2
    assert b"--since yesterday" in wrong.stderr


def test_one_letter_is_shown_whole_and_by_default_the_newest(folder: Path) -> None:
    shown = shipper("dead-letters", "show", ids(2)[0], "--state-dir", folder).stdout.decode()
    for part in (ids(2)[0], "failed to parse field [a]", "x: y", "GET /\ufffd", '"a": [', "192.0.2.7"):
        assert part in shown
    newest = shipper("dead-letters", "show", "--state-dir", folder).stdout.decode()
    assert ids(5)[0] in newest
    assert "\x1b" not in newest


def test_a_letter_that_is_not_there_is_said(folder: Path) -> None:
    done = shipper("dead-letters", "show", "nobody", "--state-dir", folder)
    assert done.returncode == 1
    assert b"no dead letter nobody" in done.stderr


def test_letters_are_deleted_only_when_that_is_said(folder: Path) -> None:
    asked = shipper("dead-letters", "purge", "--state-dir", folder, "--field", "a")
    assert asked.returncode == 2
    assert b"3 letters would be deleted" in asked.stderr
    assert len(left(folder)) == 5
    done = shipper("dead-letters", "purge", "--state-dir", folder, "--field", "a", "--yes")
    assert (done.returncode, done.stdout) == (0, b"3 deleted\n")
    assert left(folder) == ids(4, 5)
    assert shipper("dead-letters", "purge", "--state-dir", folder, "--yes").returncode == 0
    assert list((folder / "dead-letters").iterdir()) == []


def answered(folder: Path, answer: bytes) -> int:
    """Purge at a terminal, and answer what is asked."""
    ours, theirs = pty.openpty()
    try:
        command = [str(SHIPPER), "dead-letters", "purge", "--state-dir", str(folder)]
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=clean_environment()) as process:
            os.write(ours, answer)
            return process.wait(20)
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_person_is_asked(folder: Path) -> None:
    assert answered(folder, b"n\n") == 1
    assert len(left(folder)) == 5
    assert answered(folder, b"y\n") == 0
    assert left(folder) == []


def test_a_retry_without_an_elasticsearch_changes_nothing_and_says_so(folder: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "dead-letters").iterdir()}
    file = tmp_path / "quick.toml"
    file.write_text("shutdown_timeout_s = 0.5\n")
    flags = ("--state-dir", folder, "--elasticsearch", "http://127.0.0.1:9", "--config", file)
    done = shipper("dead-letters", "retry", *flags, "--json")
    assert done.returncode == 1, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["chosen"], told["waiting"], told["indexed"]) == (5, 5, 0)
    assert "Connection refused" in told["troubles"]["elasticsearch"]
    assert {path: path.read_bytes() for path in (folder / "dead-letters").iterdir()} == before
    said = shipper("dead-letters", "retry", *flags).stdout.decode()
    assert "5 letters: 0 indexed now, 0 refused again, 5 not tried to the end" in said


def test_nothing_to_retry_is_no_fault(tmp_path: Path) -> None:
    for command in ("retry", "list", "purge"):
        done = shipper("dead-letters", command, "--state-dir", tmp_path)
        assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_letters_that_may_not_be_read_are_told_as_everything_else_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StateError, match=f"dead letters .*: Permission denied; look {AS_SHIPPER}"):
        folder_of(Config(state_dir=folder))
