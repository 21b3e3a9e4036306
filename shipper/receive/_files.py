"""Followed files: found by name, known by device, inode and first line, read once across rotation.

1. A file that matches is read from its beginning, or from where its cursor says. ``read_from = "end"`` concerns only
   the files that are there when nothing that matches was ever followed before.
2. A file with a cursor is recognised in its folder under any name. So one that was renamed is read to its end, also
   when that happened while no shipper ran; it is finished once it was quiet for FILE_QUIET_S.
3. Files that match stay open, so that one that is renamed, compressed and deleted in a moment is still read to its end.
4. Whatever goes wrong with a file or a folder is said once, and tried again with each look. It is no matter of any
   other file or listener.
5. Each file that has grown is read once before any is read again.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

import structlog

from shipper.journal import cursors
from shipper.limits import (
    FILE_HEAD_BYTES,
    FILE_LOOK_S,
    FILE_QUIET_S,
    FILE_SCAN_S,
    FILES_FOLLOWED_MAX,
    FILES_OPEN_MAX,
    LINE_BYTES_MAX,
)
from shipper.receive._followed import Followed, is_of
from shipper.receive._source import Bookmarks, Ordinary, WhenFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipper.journal.entry import Cursor, FileId
    from shipper.receive._gathering import Flush, Gathering

_log = structlog.get_logger()

_COMPRESSED: Final = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip")


def matches(name: str, pattern: str) -> bool:
    """Say whether a file of this name is to be followed."""
    return fnmatchcase(name, pattern) and not is_compressed(name)


def is_compressed(name: str) -> bool:
    """Say whether a file's name tells that there are no lines in it."""
    return name.endswith(_COMPRESSED)


@dataclass(frozen=True, slots=True)
class _Found:
    """A file in the folder; ``matching`` if one of its names is."""

    path: str
    file: FileId
    size: int
    written_ns: int
    matching: bool


class FileSource(Ordinary):
    """The files of one folder whose names match; ``path`` may hold wildcards in its last part."""

    when_full = WhenFull.READ_AGAIN

    def __init__(
        self,
        number: int,
        path: str,
        read_from: Literal["beginning", "end"],
        clock_s: Callable[[], float],
        quiet_s: float = FILE_QUIET_S,
    ) -> None:
        self.number = number
        self._folder, _, self._pattern = path.rpartition("/")
        self._read_from = read_from
        self._clock_s = clock_s
        self._quiet_s = quiet_s
        self._bookmarks = Bookmarks({})
        self._open: dict[FileId, Followed] = {}
        self._scanned = False
        self._scan_s = self._look_s = 0.0
        self._more = False
        self._said: set[str | FileId] = set()

    def begin(self, bookmarks: Bookmarks) -> None:
        """Go on where the journal says."""
        self._bookmarks = bookmarks
        if any(map(self._is_mine, bookmarks.cursors.values())):
            self._read_from = "beginning"

    def read(self, gathering: Gathering, flush: Flush) -> int:
        """Read what has grown, once each."""
        now_s = self._clock_s()
        if now_s >= self._scan_s:
            self._scan_s = now_s + FILE_SCAN_S
            self._scan(gathering, now_s)
        if not self._more and now_s < self._look_s:
            return 0
        self._look_s = now_s + FILE_LOOK_S
        taken = 0
        for file in list(self._open.values()):
            taken += self._read(file, gathering, now_s)
            if gathering.full and not flush():
                break
        self._more = taken > 0
        return taken

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _read(self, file: Followed, gathering: Gathering, now_s: float) -> int:
        """Read what has grown; close what is finished, and what cannot be read until the next look at the folder."""
        try:
            taken = file.read(gathering, now_s)
            finished = file.rotated and now_s - file.read_s >= self._quiet_s and file.take_rest(gathering, now_s)
        except OSError as error:
            self._say_not_read(file.file, file.path, error)
            self._close(file)
            return 0
        if taken and file.file in self._said:
            self._said.discard(file.file)
            _log.info("file_read_again", path=file.path, read_to=file.offset)
        if finished:
            self._close(file, finished=True)
            _log.info("file_finished", path=file.path, read_to=file.offset)
        return taken

    # -- what is in the folder ---------------------------------------------------------------------------------------

    def _scan(self, gathering: Gathering, now_s: float) -> None:
        found = self._look()
        if found is None:
            return
        for file, followed in self._open.items():
            followed.rotated = file not in found or not found[file].matching
        for each in sorted(filter(self._is_wanted, found.values()), key=self._is_read):
            if len(self._open) < FILES_OPEN_MAX or (not self._is_read(each) and self._make_room(now_s)):
                self._follow(each, gathering, now_s)
        if not self._scanned:
            self._scanned = True
            self._say_gone(found, gathering)

    def _look(self) -> dict[FileId, _Found] | None:
        """Give the files that match, the last that were written, and those with a cursor; None: they cannot be seen."""
        found: dict[FileId, _Found] = {}
        known = {inode for _, inode in (*self._bookmarks.cursors, *self._open)}
        try:
            with os.scandir(self._folder or "/") as entries:
                for entry in entries:
                    if matches(entry.name, self._pattern) or entry.inode() in known:
                        for each in self._status(entry):
                            found[each.file] = each if each.matching else found.get(each.file, each)
                    elif fnmatchcase(entry.name, self._pattern) and self._is_first("compressed"):
                        _log.warning("compressed_file_skipped", path=entry.path)
        except OSError as error:
            if self._is_first(self._folder):
                _log.warning("folder_not_read", path=self._folder, error=str(error))
            return None
        self._said.discard(self._folder)
        matching = sorted((each for each in found.values() if each.matching), key=lambda each: each.written_ns)
        for each in matching[:-FILES_FOLLOWED_MAX]:
            del found[each.file]
        if len(matching) > FILES_FOLLOWED_MAX and self._is_first("many"):
            _log.warning("files_left_alone", path=self._folder, followed=FILES_FOLLOWED_MAX)
        return found

    def _status(self, entry: os.DirEntry[str]) -> Iterator[_Found]:
        try:
            status = entry.stat()
        except OSError:  # gone in this moment, or a link to nowhere
            return
        if stat.S_ISREG(status.st_mode):
            file, matching = (status.st_dev, status.st_ino), matches(entry.name, self._pattern)
            yield _Found(entry.path, file, status.st_size, status.st_mtime_ns, matching)

    def _is_wanted(self, found: _Found) -> bool:
        if found.file in self._bookmarks.taken:
            return False
        cursor = self._bookmarks.cursors.get(found.file)
        if found.matching or cursor is None:
            return found.matching
        return self._is_mine(cursor) and not (cursor.finished and self._is_read(found))

    def _is_read(self, found: _Found) -> bool:
        cursor = self._bookmarks.cursors.get(found.file)
        return cursor is not None and cursor.offset == found.size

    def _say_gone(self, found: dict[FileId, _Found], gathering: Gathering) -> None:
        """Say of which files nobody knows whether they were read to their end, and do so once."""
        for cursor in list(self._bookmarks.cursors.values()):
            if self._is_mine(cursor) and not cursor.finished and cursor.file not in found:
                _log.warning("file_gone", path=cursor.path, read_to=cursor.offset)
                self._remember(replace(cursor, finished=True), gathering)

    # -- opening and closing -----------------------------------------------------------------------------------------

    def _follow(self, found: _Found, gathering: Gathering, now_s: float) -> None:
        try:
            followed = self._opened(found, gathering, now_s)
        except OSError as error:
            self._say_not_read(found.file, found.path, error)
            return
        if followed is None:
            return
        self._open[found.file] = followed
        self._bookmarks.taken.add(found.file)
        if found.file not in self._said:
            _log.info("file_followed", path=found.path, read_from=followed.offset)

    def _opened(self, found: _Found, gathering: Gathering, now_s: float) -> Followed | None:
        """Open a file where it is to be read on; None: it is not the one that was found."""
        with ExitStack() as undo:
            fd = os.open(found.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            undo.callback(os.close, fd)
            status = os.fstat(fd)
            if (status.st_dev, status.st_ino) != found.file:  # renamed in this moment: the next look finds it
                return None
            cursor = self._recognise(found, os.pread(fd, FILE_HEAD_BYTES, 0), gathering)
            if cursor is None and not found.matching:  # another file, in the place of one that was deleted
                self._bookmarks.cursors.pop(found.file)
                return None
            at_end = cursor is None and self._read_from == "end" and not self._scanned
            offset = cursor.offset if cursor else _end_of_lines(fd) if at_end else 0
            followed = Followed(self.number, cursor.path if cursor else found.path, fd, offset, now_s)
            undo.pop_all()
        followed.rotated = not found.matching
        if at_end:
            gathering.moved(followed.cursor())
        return followed

    def _say_not_read(self, file: FileId, path: str, error: OSError) -> None:
        if self._is_first(file):
            _log.warning("file_not_read", path=path, error=str(error))

    def _recognise(self, found: _Found, begin: bytes, gathering: Gathering) -> Cursor | None:
        """Find the cursor of a file that begins like this."""
        known = self._bookmarks.cursors
        cursor = known.get(found.file)
        if cursor is not None:
            if is_of(cursor, begin):
                return cursor
            if found.matching and not cursor.finished:
                _log.warning("file_began_again", path=found.path, read_to=cursor.offset)
            return None
        for other in list(known.values()):
            if other.inode == found.file[1] and other.offset and is_of(other, begin) and other.file not in self._taken:
                self._remember(replace(other, finished=True), gathering)  # devices are numbered anew at a boot
                return other
        return None

    @property
    def _taken(self) -> set[FileId]:
        return self._bookmarks.taken

    def _make_room(self, now_s: float) -> bool:
        """Close the longest quiet file that can be found again; say whether there was one."""
        quiet = [file for file in self._open.values() if not file.rotated and now_s - file.read_s > FILE_SCAN_S]
        if quiet:
            self._close(min(quiet, key=lambda file: file.read_s))
        return bool(quiet)

    def _close(self, file: Followed, *, finished: bool = False) -> None:
        file.close()
        del self._open[file.file]
        self._taken.discard(file.file)
        cursors.move(self._bookmarks.cursors, [file.cursor(finished=finished)])

    def _remember(self, cursor: Cursor, gathering: Gathering) -> None:
        cursors.move(self._bookmarks.cursors, [cursor])
        gathering.moved(cursor)

    def _is_mine(self, cursor: Cursor) -> bool:
        folder, _, name = cursor.path.rpartition("/")
        return folder == self._folder and fnmatchcase(name, self._pattern)

    def _is_first(self, what: str | FileId) -> bool:
        """Say whether there is something new to say."""
        first = what not in self._said
        self._said.add(what)
        return first


def _end_of_lines(fd: int) -> int:
    """Give where the last line that is complete ends."""
    size = os.fstat(fd).st_size
    begin = max(0, size - LINE_BYTES_MAX)
    end = os.pread(fd, LINE_BYTES_MAX, begin).rfind(b"\n")
    return begin + end + 1 if end >= 0 or begin == 0 else size
