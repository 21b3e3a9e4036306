"""Keeps the commit record on disk, and deletes the segments that it has passed.

1. The record is written whole to another name and renamed, so that it is the old one or the new one. The one before it
   is kept as ``.bak``: should the newest be damaged, the position before it costs nothing but documents that are there.
2. A record is one line of JSON: the commit, and the CRC32C of the commit's bytes.
3. A segment is deleted after the record that passed it is written, never before. The one that holds the position stays,
   and so the newest always does.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import google_crc32c
import structlog

from shipper.errors import AS_SHIPPER, StateError
from shipper.journal import _segments
from shipper.journal.commit import COUNTERS, Commit
from shipper.journal.entry import Position
from shipper.limits import COMMIT_INTERVAL_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shipper.journal.state import StateFolder

_log = structlog.get_logger()

_INTERVAL_US: Final = int(COMMIT_INTERVAL_S * 1_000_000)


def encode(commit: Commit) -> bytes:
    """Give the record's bytes."""
    position = commit.position
    body = json.dumps(
        {
            "segment": position.segment.hex() if position else None,
            "offset": position.offset if position else 0,
            **{name: getattr(commit, name) for name in COUNTERS},
        }
    )
    return f'{{"commit": {body}, "crc32c": {google_crc32c.value(body.encode())}}}\n'.encode()


def decode(data: bytes) -> Commit | None:
    """Read a record; None when it is damaged."""
    try:
        record = json.loads(data)
        body = record["commit"]
        if google_crc32c.value(json.dumps(body).encode()) != record["crc32c"]:
            return None
        position = Position(bytes.fromhex(body["segment"]), body["offset"]) if body["segment"] else None
        return Commit(position, **{name: body[name] for name in COUNTERS})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def load(path: Path) -> Commit:
    """Read the commit record; where there is none, a new one; where it is damaged, the one before it.

    Raises StateError when a record is there and cannot be read.
    """
    for candidate in (path, _backup(path)):
        try:
            data = candidate.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StateError(f"commit record {candidate}: {error.strerror}; mend its permissions") from error
        commit = decode(data)
        if commit is not None:
            return commit
        _log.error("commit_record_damaged", path=str(candidate))
        with suppress(OSError):
            candidate.replace(candidate.with_name(f"{candidate.name}.damaged"))
    return Commit()


def peek(path: Path) -> Commit | None:
    """Read the commit record that ``load`` would give, and leave everything as it is; None when none holds.

    Raises StateError when one is there and cannot be read.
    """
    for candidate in (path, _backup(path)):
        try:
            commit = decode(candidate.read_bytes())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StateError(f"commit record {candidate}: {error.strerror}; look {AS_SHIPPER}") from error
        if commit is not None:
            return commit
    return None


class Committer:
    """Writes the commit that ``current`` gives, at most every COMMIT_INTERVAL_S; used by one thread.

    ``sync_interval_s`` is how often the record is forced to the disk: 0 each time, None never.
    """

    def __init__(
        self,
        state: StateFolder,
        current: Callable[[], Commit],
        *,
        clock_us: Callable[[], int],
        sync_interval_s: float | None,
    ) -> None:
        self._state = state
        self._current = current
        self._clock_us = clock_us
        self._sync_interval_us = None if sync_interval_s is None else int(sync_interval_s * 1_000_000)
        self._written: Commit | None = None
        self._written_us = self._synced_us = -_INTERVAL_US
        self._failing = False

    def tick(self) -> Commit | None:
        """Write the record if it has moved and is due, and give it then. To be called often."""
        due = not 0 <= self._clock_us() - self._written_us < _INTERVAL_US
        return self.write() if due else None

    def write(self) -> Commit | None:
        """Write the record now if it has moved, and give it then; None also when the disk refuses it for now."""
        commit = self._current()
        if commit == self._written:
            return None
        self._written_us = self._clock_us()
        try:
            self._replace(encode(commit))
            self._delete_passed(commit)
        except OSError as error:
            if not self._failing:
                _log.error("commit_not_written", path=str(self._state.commit), error=str(error))
            self._failing = True
            return None
        self._failing = False
        self._written = commit
        return commit

    def _replace(self, data: bytes) -> None:
        path = self._state.commit
        new = path.with_name(f"{path.name}.new")
        with new.open("wb") as file:
            file.write(data)
            if self._sync_interval_us is not None and not (
                0 <= self._written_us - self._synced_us < self._sync_interval_us
            ):
                file.flush()
                os.fsync(file.fileno())
                self._synced_us = self._written_us
        with suppress(FileNotFoundError):
            path.replace(_backup(path))
        new.replace(path)

    def _delete_passed(self, commit: Commit) -> None:
        if commit.position is not None:
            for segment in _segments.segments(self._state.journal):
                if segment < commit.position.segment:
                    _segments.path_of(self._state.journal, segment).unlink(missing_ok=True)
                    _log.debug("segment_deleted", segment=segment.hex())


def _backup(path: Path) -> Path:
    return path.with_name(f"{path.name}.bak")
