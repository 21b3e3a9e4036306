"""Any way to a line gives the same line: plain, compressed, through a pipe, from any offset on."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shipper.errors import Permanent
from shipper.limits import LINE_BYTES_MAX
from shipper.replay.captures import Capture, open_capture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shipper.replay.captures import Line

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
MAGIC = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")

contents = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([b"\n", b"\r\n", b"a\n", b"b\r\n"]),
        st.sampled_from([-3, -2, -1, 0, 1, 2, 3, LINE_BYTES_MAX, 2 * LINE_BYTES_MAX]).map(
            lambda more: b"x" * (LINE_BYTES_MAX + more)
        ),
    ),
    max_size=20,
).map(b"".join)


def expected(content: bytes) -> list[tuple[int, bytes, bool, int]]:
    """Give offset, bytes, cut and end of each line, in the simplest way."""
    found, offset = [], 0
    for line in io.BytesIO(content):
        raw = line.rstrip(b"\r\n")
        if raw:
            found.append((offset, raw[:LINE_BYTES_MAX], len(raw) > LINE_BYTES_MAX, offset + len(line)))
        offset += len(line)
    return found


def read(path: Path, offset: int = 0) -> list[Line]:
    with open_capture(path) as capture:
        return list(capture.lines(offset))


@settings(max_examples=150)
@given(contents, st.sampled_from(sorted(COMPRESSIONS)), st.data())
def test_lines_are_the_same_however_they_are_compressed_and_wherever_reading_begins(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, compression: str, data: st.DataObject
) -> None:
    assume(not content.startswith(MAGIC))
    path = tmp_path_factory.mktemp("c") / "capture"
    path.write_bytes(COMPRESSIONS[compression](content))
    lines = read(path)
    assert [line[:4] for line in lines] == expected(content)
    if lines:
        start = data.draw(st.integers(0, len(lines) - 1))
        again = read(path, lines[start].offset)
        assert [line[:4] for line in again] == [line[:4] for line in lines[start:]]


def test_blank_lines_are_no_lines_but_counted(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(b"\n\r\na\n\nb\n\n\n")
    with open_capture(path) as capture:
        assert [(line.raw, line.blanks) for line in capture.lines()] == [(b"a", 2), (b"b", 1)]
        assert capture.blank == 5


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_files_in_one_behind_another_are_one(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "capture"
    path.write_bytes(COMPRESSIONS[compression](b"a\nb") + COMPRESSIONS[compression](b"c\nd\n"))
    assert [line.raw for line in read(path)] == [b"a", b"bc", b"d"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_pipe_gives_its_lines_in_any_pieces(compression: str) -> None:
    content = COMPRESSIONS[compression](b"first\n\nsecond\r\nthird")
    reading, writing = os.pipe()

    def write() -> None:
        for start in range(len(content)):
            os.write(writing, content[start : start + 1])
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    with Capture("pipe", io.FileIO(reading)) as capture:
        assert [line[:4] for line in capture.lines()] == expected(b"first\n\nsecond\r\nthird")
        assert capture.size is None
    writer.join()


def test_stdin_is_a_capture(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(b"a\nb\n")
    kept = os.dup(0)
    try:
        with path.open("rb") as file:
            os.dup2(file.fileno(), 0)
        with open_capture("-") as capture:
            assert [line.raw for line in capture.lines()] == [b"a", b"b"]
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_the_identity_stays_when_a_file_is_renamed_compressed_or_appended_to(tmp_path: Path) -> None:
    identities = set()
    for name, compress in COMPRESSIONS.items():
        path = tmp_path / name
        path.write_bytes(compress(b"first\nsecond\n" + name.encode()))
        with open_capture(path) as capture:
            identities.add(capture.identity)
    assert len(identities) == 1
    other = tmp_path / "other"
    other.write_bytes(b"another\nsecond\n")
    with open_capture(other) as capture:
        assert capture.identity not in identities


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
def test_of_a_file_that_ends_too_early_all_whole_lines_are_given_before_it_is_said(
    tmp_path: Path, compression: str
) -> None:
    path = tmp_path / "capture"
    whole = b"".join(b"line %d %s\n" % (number, os.urandom(40).hex().encode()) for number in range(20_000))
    content = COMPRESSIONS[compression](whole)
    path.write_bytes(content[: len(content) * 2 // 3])
    found: list[bytes] = []
    with open_capture(path) as capture, pytest.raises(Permanent, match=r"capture: damaged behind byte \d+ of its"):
        found.extend(line.raw for line in capture.lines())
    assert len(found) > 2_000
    assert found == whole.splitlines()[: len(found)]


def test_damage_in_the_middle_is_said(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    content = bytearray(gzip.compress(b"".join(b"%x\n" % number for number in range(20_000))))
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with open_capture(path) as capture, pytest.raises(Permanent, match="damaged"):
        list(capture.lines())


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b""), zstandard.compress(b"\n\n")], ids=["nothing", "gzip", "zstandard"]
)
def test_a_file_without_lines_has_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "capture"
    path.write_bytes(content)
    assert read(path) == []


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(Permanent, match=str(path)):
            open_capture(path)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(gzip.compress(b"a\n")[:12])
    with pytest.raises(Permanent, match="damaged"):
        open_capture(damaged)


def test_the_position_says_how_much_of_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(b"a\n" * 1_000))
    with open_capture(path) as capture:
        assert capture.size == path.stat().st_size
        assert len(list(capture.lines())) == 1_000
        assert capture.position == capture.size
