"""Followed files, looked at step by step."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from shipper.journal import ReceiveTally
from shipper.limits import FILE_QUIET_S, FILE_READ_BYTES, LINE_BYTES_MAX, RECEIVE_BATCH_LINES
from shipper.receive import _files
from shipper.receive._files import FileSource
from shipper.receive._gathering import Gathering
from shipper.receive._source import Bookmarks
from tests.receive.looking import Following, append

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_file_is_read_from_its_beginning_and_as_it_grows(log: Path) -> None:
    log.write_bytes(b"one\r\ntwo\n")
    following = Following(log)
    assert following.look() == [b"one", b"two"]
    append(log, b"three\n")
    assert following.look() == [b"one", b"two", b"three"]
    assert following.journal.senders == [(0, f"file://{log}")] * 3
    following.journal.assert_adds_up()


def test_a_line_is_taken_once_it_is_whole(log: Path) -> None:
    log.write_bytes(b"one\nha")
    following = Following(log)
    assert following.look() == [b"one"]
    append(log, b"lf")
    assert following.look() == [b"one"]
    append(log, b"\n")
    assert following.look() == [b"one", b"half"]


def test_a_file_and_a_folder_that_appear_later_are_read(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "haproxy.log"
    with capture_logs() as events:
        following = Following(path)
        assert following.look() == []
        assert following.look() == []
        path.parent.mkdir()
        assert following.look() == []
        path.write_bytes(b"one\n")
        assert following.look() == [b"one"]
    assert [event["event"] for event in events] == ["folder_not_read", "file_followed"]


def test_the_next_life_goes_on_where_the_journal_is(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    first = Following(log)
    first.look()
    first.close()
    append(log, b"three\n")
    second = Following(log, first.journal)
    assert second.look() == [b"one", b"two", b"three"]


def test_a_renamed_file_is_read_to_its_end_beside_the_new_one(log: Path) -> None:
    log.write_bytes(b"one\n")
    following = Following(log)
    following.look()
    append(log, b"two\n")
    old = log.rename(log.with_name("haproxy.log.1"))
    log.write_bytes(b"three\n")
    assert sorted(following.look()) == [b"one", b"three", b"two"]
    append(old, b"late\n")
    assert sorted(following.look()) == [b"late", b"one", b"three", b"two"]
    assert {sender for _, sender in following.journal.senders} == {f"file://{log}"}


def test_a_file_that_was_renamed_while_no_shipper_ran_is_read_to_its_end(log: Path) -> None:
    log.write_bytes(b"one\n")
    first = Following(log)
    first.look()
    first.close()
    append(log, b"two\n")
    log.rename(log.with_name("haproxy.log-20261121"))
    log.write_bytes(b"three\n")
    log.with_name("unrelated").write_bytes(b"never\n")
    second = Following(log, first.journal)
    assert sorted(second.look()) == [b"one", b"three", b"two"]


def test_renamed_twice_while_no_shipper_ran_only_what_it_never_saw_is_missing(log: Path) -> None:
    log.write_bytes(b"one\n")
    first = Following(log)
    first.look()
    first.close()
    log.rename(log.with_name("haproxy.log.2"))
    log.with_name("haproxy.log.1").write_bytes(b"never seen under a name that matches\n")
    log.write_bytes(b"two\n")
    assert Following(log, first.journal).look() == [b"one", b"two"]


def test_rotated_files_that_match_are_not_read_again(log: Path) -> None:
    pattern = log.with_name("haproxy.log*")
    log.write_bytes(b"one\n")
    following = Following(pattern)
    following.look()
    log.rename(log.with_name("haproxy.log.1"))
    log.write_bytes(b"two\n")
    assert following.look() == [b"one", b"two"]
    following.close()
    assert Following(pattern, following.journal).look() == [b"one", b"two"]


def test_the_rest_of_a_file_that_was_rotated_away_is_its_last_line_once_it_is_quiet(log: Path) -> None:
    log.write_bytes(b"one\nrest")
    following = Following(log)
    following.look()
    log.rename(log.with_name("haproxy.log.1"))
    assert following.look() == [b"one"]
    assert following.look(later_s=FILE_QUIET_S) == [b"one", b"rest"]
    assert [cursor.finished for cursor in following.journal.cursors.values()] == [True]
    following.close()
    assert Following(log, following.journal).look(later_s=2 * FILE_QUIET_S) == [b"one", b"rest"]


def test_a_finished_file_that_grows_all_the_same_is_read_on(log: Path) -> None:
    log.write_bytes(b"one\n")
    following = Following(log)
    following.look()
    old = log.rename(log.with_name("haproxy.log.1"))
    following.look()
    following.look(later_s=FILE_QUIET_S)
    append(old, b"late\n")
    assert following.look() == [b"one", b"late"]


def test_a_deleted_file_is_read_to_its_end(log: Path) -> None:
    log.write_bytes(b"one\n")
    following = Following(log)
    following.look()
    append(log, b"two\n")
    log.unlink()
    assert following.look() == [b"one", b"two"]


def test_a_file_that_was_emptied_is_read_from_its_beginning(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    following = Following(log)
    following.look()
    os.truncate(log, 0)
    with capture_logs() as events:
        following.look()
        append(log, b"2nd\n")
        assert following.look() == [b"one", b"two", b"2nd"]
    assert [event["event"] for event in events] == ["file_began_again"]


def test_a_file_that_was_emptied_and_has_outgrown_its_old_size_is_noticed_by_its_first_line(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    following = Following(log)
    following.look()
    os.truncate(log, 0)
    append(log, b"another first line, longer than both\n")
    assert following.look()[2:] == [b"another first line, longer than both"]


def test_a_file_that_was_emptied_while_no_shipper_ran_is_read_from_its_beginning(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    first = Following(log)
    first.look()
    first.close()
    os.truncate(log, 0)
    append(log, b"another first line, longer than both\n")
    assert Following(log, first.journal).look()[2:] == [b"another first line, longer than both"]


def test_the_end_is_where_the_last_whole_line_ends_and_counts_for_the_first_time_only(log: Path) -> None:
    log.write_bytes(b"before\nhalf")
    first = Following(log, read_from="end")
    assert first.look() == []
    append(log, b" a line\n")
    assert first.look() == [b"half a line"]
    log.rename(log.with_name("haproxy.log.1"))
    log.write_bytes(b"new\n")
    assert first.look() == [b"half a line", b"new"]
    first.close()
    log.rename(log.with_name("haproxy.log.1"))
    log.write_bytes(b"newer\n")
    assert Following(log, first.journal, "end").look() == [b"half a line", b"new", b"newer"]


def test_an_empty_file_that_was_seen_counts_as_followed(log: Path) -> None:
    log.touch()
    first = Following(log, read_from="end")
    first.look()
    first.close()
    append(log, b"one\n")
    assert Following(log, first.journal, "end").look() == [b"one"]


def test_compressed_files_are_skipped_and_that_is_said_once(log: Path) -> None:
    for number in (2, 3):
        log.with_name(f"haproxy.log.{number}.gz").write_bytes(gzip.compress(b"old\n"))
    log.write_bytes(b"one\n")
    with capture_logs() as events:
        following = Following(log.with_name("haproxy.log*"))
        following.look()
        assert following.look() == [b"one"]
    assert [event["event"] for event in events] == ["compressed_file_skipped", "file_followed"]


def test_a_file_that_is_gone_while_nobody_knows_its_end_is_said_once(log: Path) -> None:
    log.write_bytes(b"one\n")
    first = Following(log)
    first.look()
    first.close()
    log.unlink()
    with capture_logs() as events:
        second = Following(log, first.journal)
        second.look()
        second.close()
        Following(log, second.journal).look()
    assert [(event["event"], event["read_to"]) for event in events] == [("file_gone", 4)]


def test_devices_may_be_numbered_anew(log: Path) -> None:
    log.write_bytes(b"one\n")
    first = Following(log)
    first.look()
    first.close()
    (cursor,) = first.journal.cursors.values()
    first.journal.cursors = {(cursor.device + 1, cursor.inode): replace(cursor, device=cursor.device + 1)}
    append(log, b"two\n")
    with capture_logs() as events:
        second = Following(log, first.journal)
        assert second.look() == [b"one", b"two"]
    assert "file_gone" not in [event["event"] for event in events]
    assert [known.finished for known in second.journal.cursors.values()] == [True, False]


def test_a_line_beyond_the_bound_is_cut_and_the_next_is_whole(log: Path) -> None:
    log.write_bytes(b"a" * (LINE_BYTES_MAX + 5) + b"\n" + b"b" * (3 * FILE_READ_BYTES) + b"\nnext\n")
    following = Following(log)
    assert following.look() == [b"a" * LINE_BYTES_MAX, b"b" * LINE_BYTES_MAX, b"next"]
    assert following.journal.cut == following.journal.lines[:2]


def test_an_entry_stays_within_its_bound_however_short_the_lines_are(log: Path) -> None:
    log.write_bytes(b"a\n" * 50_000)
    following = Following(log)
    assert len(following.look()) == 50_000
    assert max(len(draft.lines) for draft in following.journal.drafts) < 2 * RECEIVE_BATCH_LINES


def test_many_files_are_read_though_few_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "FILES_OPEN_MAX", 3)
    for number in range(10):
        (tmp_path / f"{number}.log").write_bytes(b"%d\n" % number)
    following = Following(tmp_path / "*.log")
    for _ in range(10):
        following.look(later_s=2.0)
    append(tmp_path / "0.log", b"more\n")
    assert sorted(following.look(later_s=2.0)) == sorted([*(b"%d" % number for number in range(10)), b"more"])
    assert len(following._source._open) <= 3


def test_of_too_many_files_the_last_that_were_written_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "FILES_FOLLOWED_MAX", 2)
    for number in range(4):
        path = tmp_path / f"{number}.log"
        path.write_bytes(b"%d\n" % number)
        os.utime(path, (number, number))
    with capture_logs() as events:
        assert sorted(Following(tmp_path / "*.log").look()) == [b"2", b"3"]
    assert "files_left_alone" in [event["event"] for event in events]


def test_two_names_of_one_file_are_one_file(log: Path) -> None:
    log.write_bytes(b"one\n")
    os.link(log, log.with_name("haproxy.log.link"))
    log.with_name("haproxy.log.symlink").symlink_to(log)
    assert Following(log.with_name("haproxy.log*")).look() == [b"one"]


def test_two_listeners_that_match_one_file_read_it_once(log: Path) -> None:
    log.write_bytes(b"one\n")
    gathering, bookmarks = Gathering(lambda: 1), Bookmarks({})
    sources = [FileSource(number, str(path), "beginning", lambda: 1.0) for number, path in enumerate((log, log))]
    for source in sources:
        source.begin(bookmarks)
        source.read(gathering, lambda: True)
    assert gathering.take(ReceiveTally()).data == b"one"
    for source in sources:
        source.close()


def test_a_path_that_the_journal_cannot_hold_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    path.write_bytes(b"one\n")
    following = Following(path)
    assert following.look() == [b"one"]
    assert following.journal.senders == [(0, "")]


def test_a_deleted_file_that_is_written_to_is_not_closed_to_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "FILES_OPEN_MAX", 2)
    for name in ("deleted", "kept"):
        (tmp_path / f"{name}.log").write_bytes(b"one\n")
    following = Following(tmp_path / "*.log")
    following.look()
    with (tmp_path / "deleted.log").open("ab", buffering=0) as writer:
        (tmp_path / "deleted.log").unlink()
        following.look(later_s=2.0)
        append(tmp_path / "kept.log", b"more\n")
        following.look(later_s=2.0)
        (tmp_path / "new.log").write_bytes(b"new\n")
        following.look(later_s=2.0)
        writer.write(b"late\n")
        assert sorted(following.look(later_s=2.0)) == [b"late", b"more", b"new", b"one", b"one"]


def test_a_file_that_another_listener_follows_is_its_own_after_a_start_too(log: Path) -> None:
    log.write_bytes(b"one\n")
    first = Following(log)
    first.look()
    first.close()
    append(log, b"two\n")
    assert Following(log.with_name("other.log"), first.journal).look() == [b"one"]
    assert Following(log, first.journal).look() == [b"one", b"two"]
