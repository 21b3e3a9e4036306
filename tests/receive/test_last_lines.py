"""The last lines of followed files: long, late, begun and never ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shipper.limits import FILE_QUIET_S, FILE_READ_BYTES, LINE_BYTES_MAX
from shipper.receive._followed import Followed
from tests.receive.looking import Following, append

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.receive._gathering import Gathering


def test_a_quiet_file_that_gets_a_long_line_and_is_rotated_at_once_is_read_to_its_end(log: Path) -> None:
    log.write_bytes(b"one\n")
    following = Following(log)
    following.look()
    append(log, b"a" * (3 * FILE_READ_BYTES) + b"\n" + b"next\n" * 1000)
    log.rename(log.with_name("haproxy.log.1"))
    assert following.look(later_s=2 * FILE_QUIET_S) == [b"one", b"a" * LINE_BYTES_MAX, *[b"next"] * 1000]


@pytest.mark.parametrize("size", [LINE_BYTES_MAX, LINE_BYTES_MAX + 1, FILE_READ_BYTES, 3 * FILE_READ_BYTES + 7])
def test_a_rest_of_any_length_is_a_line_once_it_is_quiet_and_what_comes_later_is_the_next(log: Path, size: int) -> None:
    log.write_bytes(b"one\n" + b"a" * size)
    following = Following(log)
    following.look()
    old = log.rename(log.with_name("haproxy.log.1"))
    assert following.look() == [b"one"]
    assert following.look(later_s=FILE_QUIET_S) == [b"one", b"a" * min(size, LINE_BYTES_MAX)]
    assert [cursor.finished for cursor in following.journal.cursors.values()] == [True]
    append(old, b"rest\nlate\n")
    assert following.look()[2:] == [b"rest", b"late"]


def test_what_is_written_while_the_rest_is_taken_is_read_all_the_same(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_bytes(b"one\n")
    following = Following(log)
    following.look()
    old = log.rename(log.with_name("haproxy.log.1"))
    following.look()
    late = [b"late\n" * 50_000]
    take_rest = Followed.take_rest

    def written_to(self: Followed, gathering: Gathering, now_s: float) -> bool:
        append(old, late.pop() if late else b"")
        return take_rest(self, gathering, now_s)

    monkeypatch.setattr(Followed, "take_rest", written_to)
    assert following.look(later_s=FILE_QUIET_S) == [b"one"]
    assert following.look() == [b"one", *[b"late"] * 50_000]


def test_a_line_that_is_begun_late_in_a_rotated_file_has_its_time_to_end(log: Path) -> None:
    log.write_bytes(b"one\n")
    following = Following(log)
    following.look()
    old = log.rename(log.with_name("haproxy.log.1"))
    following.look()
    append(old, b"half")
    assert following.look(later_s=FILE_QUIET_S) == [b"one"]
    append(old, b" a line\n")
    assert following.look() == [b"one", b"half a line"]


def test_a_file_that_was_emptied_in_a_long_line_loses_nothing_of_the_next_one(log: Path) -> None:
    log.write_bytes(b"a" * (4 * FILE_READ_BYTES))
    following = Following(log)
    assert following.look() == []
    os.truncate(log, 0)
    append(log, b"one\n" + b"b" * FILE_READ_BYTES + b"\n" + b"next\n" * 1000)
    assert following.look() == [b"one", b"b" * LINE_BYTES_MAX, *[b"next"] * 1000]


def test_a_file_with_nothing_but_a_rest_is_known_again_when_its_line_goes_on_and_ends(log: Path) -> None:
    log.write_bytes(b"half")
    first = Following(log)
    first.look()
    old = log.rename(log.with_name("haproxy.log.1"))
    first.look()
    assert first.look(later_s=FILE_QUIET_S) == [b"half"]
    append(old, b" a line\ntwo\n")
    assert first.look() == [b"half", b" a line", b"two"]
    first.close()
    append(old, b"three\n")
    assert Following(log, first.journal).look()[3:] == [b"three"]
