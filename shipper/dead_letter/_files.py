"""The files of dead letters: appended in batches, bounded together.

1. A letter is on disk (fsync) before ``write`` returns, and only then may its line count as settled.
2. No process appends to another's file: a torn last line stays the last. A replay may run beside the shipper.
3. A line whose letter was written and whose verdict was lost in a crash is refused once more. Such letters are
   recognised by their id at the start, and not written twice.
4. At the bound, or with a full disk, nothing is written and nothing is thrown away: ``write`` gives the reason.
5. Lines may hold what is nobody's business: others may read neither the folder nor a file.
6. Many threads, and more than one process, each in its turn (``_turn``). Whoever deals with the letters may remove
   files at any moment, or have them written anew.
"""

from __future__ import annotations

import binascii
import os
import threading
from typing import TYPE_CHECKING, Final

import structlog

from shipper import limits
from shipper.dead_letter._letter import FILES, files, id_of, letter, whole_lines
from shipper.dead_letter._turn import turn
from shipper.errors import Retryable
from shipper.haproxy.timestamps import format_timestamp
from shipper.journal.entry import SEGMENT_ID_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from shipper.journal.entry import Position
    from shipper.refusal import Refusal

_log = structlog.get_logger()

_POSITION_BYTES: Final = SEGMENT_ID_BYTES + 4


def at_or_past(committed: Position | None) -> Callable[[str], bool]:
    """Tell of an id whether its line lies at or past ``committed``: then it will be read from the journal again.

    Ids that are no positions (of captured files) do not.
    """
    first = committed.segment + committed.offset.to_bytes(4, "big") if committed else b""

    def unsettled(id_: str) -> bool:
        try:
            position = binascii.a2b_base64(id_.replace("-", "+").replace("_", "/") + "==")
        except ValueError:
            return False
        return len(position) == _POSITION_BYTES and position >= first

    return unsettled


class DeadLetters:
    """The dead letters in ``folder``, at most ``bytes_max`` together.

    ``unsettled`` tells of an id whether its line may come again although its letter is written.
    """

    def __init__(
        self,
        folder: Path,
        bytes_max: int,
        *,
        unsettled: Callable[[str], bool],
        clock_us: Callable[[], int],
        file_bytes_max: int = limits.DEAD_LETTER_FILE_BYTES,
    ) -> None:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._folder = folder
        self._bytes_max = bytes_max
        self._file_bytes_max = file_bytes_max
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._written = {found for path in files(folder) for found in _ids(path) if unsettled(found)}

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        """Put ``refusals`` on disk. Give None, or the reason why none of them could be kept."""
        with self._lock:
            new = [refusal for refusal in refusals if refusal.id not in self._written]
            reason = self._put(b"".join(letter(refusal, self._clock_us()) for refusal in new))
            if reason is None:
                self._written.difference_update(refusal.id for refusal in refusals)
            return reason

    def _put(self, content: bytes) -> str | None:
        if not content:
            return None
        try:
            with turn(self._folder) as folder:
                reason = self._full(len(content))
                if reason is None:
                    self._append(content, folder)
                return reason
        except (OSError, Retryable) as error:
            return f"dead letters cannot be written to {self._folder}: {getattr(error, 'strerror', None) or error}"

    def _full(self, wanted: int) -> str | None:
        kept = sum(_size(path) for path in self._folder.glob(FILES))
        if kept + wanted > self._bytes_max:
            return (
                f"the dead letters in {self._folder} have reached their bound of {self._bytes_max} bytes; "
                "deal with them (shipper dead-letters), or raise dead_letters.bytes_max"
            )
        return None

    def _append(self, content: bytes, folder: int) -> None:
        """Write and sync; a part that was written before a failure is taken back."""
        with self._file().open("ab", buffering=0) as file:
            start = file.tell()
            try:
                _write_whole(file.fileno(), content)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(start)
                raise
        os.fsync(folder)

    def _file(self) -> Path:
        """Give the file of today, a new one when the last is full."""
        date = format_timestamp(self._clock_us())[:10]
        path = self._path
        if path is None or date not in path.name or _size(path) >= self._file_bytes_max:
            self._path = path = self._new_file(date)
            _log.info("dead_letter_file_opened", path=str(path))
        return path

    def _new_file(self, date: str) -> Path:
        """Make the next file of a day; another process may be about to make it as well."""
        taken = [_number(other) for other in self._folder.glob(f"dead-letters-{date}-*.ndjson")]
        path = self._folder / f"dead-letters-{date}-{max(taken, default=0) + 1:04}.ndjson"
        try:
            path.touch(mode=0o640, exist_ok=False)
        except FileExistsError:
            return self._new_file(date)
        return path


def _write_whole(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _size(path: Path) -> int:
    """Give a file's size: nothing, once somebody has removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _ids(path: Path) -> list[str]:
    """Give the ids of the whole letters in a file."""
    return [found for line in whole_lines(path) if (found := id_of(line))]
