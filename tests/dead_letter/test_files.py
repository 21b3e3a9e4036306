from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.dead_letter import DeadLetters, at_or_past, read
from shipper.dead_letter._letter import letter
from shipper.journal.entry import Flag, Line, Origin, Position
from shipper.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON_US = 1_795_262_400_000_000
SEGMENT = bytes(range(12))


def position(number: int) -> Position:
    return Position(SEGMENT, number)


def refused(number: int = 1) -> Refusal:
    line = Line(b"GET /\xff", Origin(0, "192.0.2.7"), NOON_US, Flag(0), position(number))
    return Refusal(
        id=position(number).id(),
        index="haproxy-2026.11.21",
        line=line,
        document=b'{"a":[1]}',
        tries=2,
        status=400,
        type="document_parsing_exception",
        reason="failed to parse field [a]",
        caused_by="x: y",
        field="a",
    )


def opened(folder: Path, bytes_max: int = 1_000_000, **more: int) -> DeadLetters:
    return DeadLetters(folder, bytes_max, unsettled=at_or_past(position(10)), clock_us=lambda: NOON_US, **more)


def test_a_letter_says_everything_and_keeps_the_exact_bytes(tmp_path: Path) -> None:
    assert opened(tmp_path).write([refused()]) is None
    (found,) = read(tmp_path)
    assert found.raw == b"GET /\xff"
    assert found.line == "GET /\ufffd"
    assert (found.type, found.reason, found.caused_by, found.field) == (
        "document_parsing_exception",
        "failed to parse field [a]",
        "x: y",
        "a",
    )
    assert (found.index, found.status, found.tries, found.sender) == ("haproxy-2026.11.21", 400, 2, "192.0.2.7")
    assert found.document == {"a": [1]}
    for time in (found.time, found.received):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time)


@given(st.binary(), st.binary(), st.text())
def test_whatever_was_refused_becomes_one_line_of_ascii_json(raw: bytes, document: bytes, reason: str) -> None:
    written = letter(
        replace(refused(), line=replace(refused().line, raw=raw), document=document, reason=reason), NOON_US
    )
    assert written.count(b"\n") == 1
    assert written.isascii()
    assert json.loads(written)["reason"] == reason


def test_a_new_process_begins_a_new_file_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    opened(tmp_path).write([refused(1), refused(2)])
    (first,) = tmp_path.iterdir()
    first.write_bytes(first.read_bytes()[:-5])
    opened(tmp_path).write([refused(3)])
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "dead-letters-2026-11-21-0001.ndjson",
        "dead-letters-2026-11-21-0002.ndjson",
    ]
    assert [found.id for found in read(tmp_path)] == [position(1).id(), position(3).id()]


def test_lines_that_are_no_letters_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "dead-letters-2026-11-20-0001.ndjson").write_bytes(b'nonsense\n[1]\n{"id":"x"}\n\xff\n' + b"[" * 99999)
    assert list(read(tmp_path)) == []
    opened(tmp_path)


def test_nobody_else_may_read_a_letter(tmp_path: Path) -> None:
    opened(tmp_path / "letters").write([refused()])
    folder = tmp_path / "letters"
    assert [path.stat().st_mode & 0o007 for path in (folder, *folder.iterdir())] == [0, 0]


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    letters = opened(tmp_path, file_bytes_max=10)
    for number in (1, 2, 3):
        letters.write([refused(number)])
    assert len(list(tmp_path.iterdir())) == 3


def test_after_a_crash_the_same_line_is_not_written_twice(tmp_path: Path) -> None:
    opened(tmp_path).write([refused(9), refused(10), refused(11)])
    letters = opened(tmp_path)
    letters.write([refused(10), refused(12)])
    assert [found.id for found in read(tmp_path)] == [position(n).id() for n in (9, 10, 11, 12)]


def test_a_line_that_is_refused_anew_after_that_is_written(tmp_path: Path) -> None:
    opened(tmp_path).write([refused(10)])
    letters = opened(tmp_path)
    letters.write([refused(10)])
    letters.write([refused(10)])
    assert len(list(read(tmp_path))) == 2


def test_at_the_bound_nothing_is_written_and_the_reason_is_given(tmp_path: Path) -> None:
    letters = opened(tmp_path, bytes_max=700)
    assert letters.write([refused(1)]) is None
    reason = letters.write([refused(2)])
    assert reason is not None
    assert "700 bytes" in reason
    assert len(list(read(tmp_path))) == 1
    next(tmp_path.iterdir()).unlink()
    assert letters.write([refused(2)]) is None
    assert [found.id for found in read(tmp_path)] == [position(2).id()]


def test_files_may_be_removed_while_they_are_counted_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = opened(tmp_path)
    letters.write([refused(11)])
    glob = type(tmp_path).glob

    def remove_what_was_found(folder: Path, pattern: str) -> Iterator[Path]:
        for path in list(glob(folder, pattern)):
            path.unlink()
            yield path

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "glob", remove_what_was_found)
        assert letters.write([refused(12)]) is None
        assert list(read(tmp_path)) == []
    letters.write([refused(13)])
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "glob", remove_what_was_found)
        opened(tmp_path)


def test_a_disk_that_takes_nothing_is_a_reason_and_leaves_no_half_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = opened(tmp_path)
    letters.write([refused(1)])

    def no_space(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", no_space)
        reason = letters.write([refused(2)])
    assert reason is not None
    assert "No space left" in reason
    assert letters.write([refused(2)]) is None
    assert [found.id for found in read(tmp_path)] == [position(1).id(), position(2).id()]


@given(st.binary(min_size=12, max_size=12), st.integers(0, 2**32 - 1), st.binary(min_size=12, max_size=12))
def test_an_id_is_compared_as_the_position_it_stands_for(first: bytes, offset: int, second: bytes) -> None:
    one, other = Position(first, offset), Position(second, 77)
    assert at_or_past(other)(one.id()) == (one >= other)


@pytest.mark.parametrize("id_", ["", "x", "abc", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "é"])
def test_an_id_that_is_no_position_never_comes_again(id_: str) -> None:
    assert not at_or_past(None)(id_)
