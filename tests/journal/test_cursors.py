from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.journal import Cursor, Draft, FileId, StateFolder, codec
from shipper.journal.cursors import move, recover
from shipper.limits import FILES_REMEMBERED_MAX
from tests.journal.drafts import draft, payload, raw_lines, reader, writer

if TYPE_CHECKING:
    from pathlib import Path

CURSOR = Cursor(device=1, inode=2, head=b"12345678", offset=30, path="/var/log/haproxy.log")
OTHER = Cursor(device=1, inode=3, head=b"abcdefgh", offset=7, path="/var/log/other.log", finished=True)
paths = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20) | st.just("/latin\udce9")
cursors = st.builds(
    Cursor,
    device=st.integers(0, 2**64 - 1),
    inode=st.integers(0, 2**64 - 1),
    head=st.binary(min_size=8, max_size=8),
    offset=st.integers(0, 2**64 - 1),
    path=paths,
    finished=st.booleans(),
)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def with_cursors(written: Draft, *moved: Cursor) -> Draft:
    return replace(written, cursors=moved)


def segments(state: StateFolder) -> list[Path]:
    return sorted(state.journal.iterdir())


@given(st.lists(st.binary(max_size=9), max_size=3), st.lists(cursors, max_size=3))
def test_cursors_are_read_as_they_were_written_and_change_no_line(lines: list[bytes], moved: list[Cursor]) -> None:
    data = codec.encode_entry(with_cursors(draft(*lines), *moved), 0, 0)
    header = codec.decode_entry_header(data[: codec.ENTRY_HEADER_BYTES], 0)
    assert header is not None
    entry = codec.decode_entry(header, *payload(header, data), bytes(12), 0)
    assert entry is not None
    assert codec.decode_cursors(entry) == moved
    assert [line.raw for line in entry.lines()] == lines


def test_the_newest_cursor_of_each_file_is_recovered_and_lines_are_as_before(state: StateFolder) -> None:
    journal = writer(state)
    journal.append(with_cursors(draft(b"one"), CURSOR))
    journal.append(with_cursors(draft(b"two"), OTHER))
    journal.append(with_cursors(draft(b"three"), replace(CURSOR, offset=60)))
    assert recover(state.journal) == journal.cursors == {CURSOR.file: replace(CURSOR, offset=60), OTHER.file: OTHER}
    assert raw_lines(reader(state)) == [b"one", b"two", b"three"]


def test_the_newest_segment_tells_all_whichever_others_are_deleted(state: StateFolder) -> None:
    journal = writer(state, segment_bytes=300)
    journal.append(with_cursors(draft(b"x" * 300), CURSOR))
    for _ in range(3):
        journal.append(draft(b"y" * 300))
    *old, _newest = segments(state)
    assert len(old) == 3
    for path in old:
        path.unlink()
    assert recover(state.journal) == {CURSOR.file: CURSOR}


def test_a_start_carries_the_cursors_on_even_when_nothing_is_followed_now(state: StateFolder) -> None:
    first = writer(state)
    first.append(with_cursors(draft(b"one"), CURSOR))
    first.close()
    writer(state).close()
    for path in segments(state)[:-1]:
        path.unlink()
    assert writer(state).cursors == {CURSOR.file: CURSOR}


def test_segments_whose_beginning_is_lost_are_helped_by_those_before(state: StateFolder) -> None:
    first = writer(state)
    first.append(with_cursors(draft(b"one"), CURSOR, OTHER))
    first.close()
    second = writer(state)
    second.append(with_cursors(draft(b"two"), replace(CURSOR, offset=60)))
    newest = segments(state)[-1]
    data = bytearray(newest.read_bytes())
    data[data.index(codec.ENTRY_MAGIC)] ^= 1  # the cursors at its beginning
    newest.write_bytes(data)
    assert recover(state.journal) == {CURSOR.file: replace(CURSOR, offset=60), OTHER.file: OTHER}
    newest.write_bytes(b"")
    assert recover(state.journal) == {CURSOR.file: CURSOR, OTHER.file: OTHER}


def test_a_journal_without_followed_files_is_written_as_ever(state: StateFolder) -> None:
    writer(state).close()
    data = segments(state)[0].read_bytes()
    assert data.count(codec.ENTRY_MAGIC) == 1  # the seal


@given(st.binary(max_size=300), st.sampled_from([b"", codec.ENTRY_MAGIC, codec.SEGMENT_MAGIC]))
def test_no_bytes_stop_the_recovery(tmp_path_factory: pytest.TempPathFactory, garbage: bytes, magic: bytes) -> None:
    folder = tmp_path_factory.mktemp("journal")
    (folder / f"{bytes(12).hex()}.segment").write_bytes(magic + garbage)
    assert recover(folder) == {}


def test_finished_files_are_forgotten_first() -> None:
    known: dict[FileId, Cursor] = {}
    live = [replace(CURSOR, device=9, inode=number) for number in range(FILES_REMEMBERED_MAX)]
    move(known, [OTHER, *live])
    assert OTHER.file not in known
    assert len(known) == FILES_REMEMBERED_MAX
    move(known, [replace(CURSOR, device=8)])
    assert live[0].file not in known
