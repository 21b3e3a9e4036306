"""Parking: documents that a part of the cluster refuses for long, kept on disk so that the commit can move past them.

1. One append-only log of checked records: totals, documents parked, documents settled. Its replay is the state, so that
   documents and counters are one write. Garbage goes by writing the log anew and renaming it; where the disk does not
   take the new log, the old one goes on.
2. A document is on disk (fsync) before it counts as parked.
3. It is tried again only after the main commit has passed its line. So at the start, what lies at or past the commit
   is dropped: the journal brings it again, and nothing is counted twice. While the log still holds what was dropped,
   nothing is written behind it: it would come back at the next start.
4. ``parked - indexed - already_there - dead_lettered`` is what is still pending here.
5. Memory holds where each document lies, never the documents.
6. A torn or damaged record ends the log: it was never reported as parked, or the disk is at fault, and it is said.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from shipper import limits
from shipper.deliver._parked_records import HEADER, Kind, body_of, document_record, intact, read_document, record
from shipper.journal.commit import Verdicts
from shipper.parking_totals import ParkingTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from shipper.deliver._body import Body
    from shipper.journal.entry import Position

_log = structlog.get_logger()

_GARBAGE_BYTES_MIN: Final = limits.MIB
"""Less garbage than this is not worth writing the log anew."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the record of a parked document lies."""

    index: str
    position: Position
    start: int
    size: int


class Parking:
    """The parked documents in ``folder``, at most ``bytes_max`` of them; from any number of threads.

    ``committed`` is the position of the main commit as it stands on disk.
    """

    def __init__(self, folder: Path, committed: Position | None, *, bytes_max: int = limits.PARKED_BYTES_MAX) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "log"
        self._bytes_max = bytes_max
        self._committed = committed
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._totals = ParkingTotals()
        self._file = _open(self._path, os.O_CREAT)
        self._size = 0
        self._live_bytes = 0
        self._dirty = False
        """What is written now might be lost, or bring back what was dropped: the log is to be written anew first."""
        self._replay()
        self._drop()

    @property
    def totals(self) -> ParkingTotals:
        """What was ever parked, and what became of it."""
        with self._lock:
            return self._totals

    def holds(self, id_: str) -> bool:
        """Tell whether the document with this `_id` is parked."""
        with self._lock:
            return id_ in self._places

    def committed(self, position: Position) -> None:
        """Take note that the commit record on disk has reached ``position``."""
        with self._lock:
            self._clean()
            self._committed = position

    def park(self, body: Body) -> bool:
        """Put all documents of ``body`` on disk; False when there is no room for them: then none was written."""
        lines = body.lines(range(len(body)))
        records = [document_record(body, number, line) for number, line in enumerate(lines)]
        wanted = sum(map(len, records))
        with self._lock:
            start = self._size
            if self._live_bytes + wanted > self._bytes_max or not self._append(b"".join(records)):
                return False
            for number, (line, content) in enumerate(zip(lines, records, strict=True)):
                self._place(body.id(number), _Place(body.index, line.position, start, len(content)))
                start += len(content)
            return True

    def indices(self) -> set[str]:
        """Give the indices for which documents may be tried."""
        with self._lock:
            return {place.index for place in self._places.values() if self._passed(place)}

    def body(self, index: str, bytes_max: int = limits.PARKED_BATCH_BYTES) -> Body | None:
        """Give some documents for ``index`` that may be tried, or None; the next call gives the ones after them."""
        chosen: dict[str, _Place] = {}
        size = 0
        with self._lock:
            for id_, place in self._places.items():
                if place.index != index or not self._passed(place):
                    continue
                size += place.size
                if chosen and size > bytes_max:
                    break
                chosen[id_] = place
            for id_ in chosen:
                self._places[id_] = self._places.pop(id_)
            records = [os.pread(self._file, place.size, place.start) for place in chosen.values()]
        return body_of([read_document(content[HEADER.size :]) for content in records]) if records else None

    def settle(self, ids: Sequence[str], verdicts: Verdicts) -> bool:
        """Record what became of parked documents; False when the disk does not take it: then nothing has changed."""
        if len(ids) != verdicts.total or verdicts.parked:
            raise ValueError(f"{verdicts} on {len(ids)} parked documents")
        content = json.dumps({"ids": list(ids), "verdicts": asdict(verdicts)}).encode()
        with self._lock:
            if not self._append(record(Kind.SETTLED, content)):
                return False
            self._forget(ids, verdicts)
            if self._size > 2 * self._live_bytes + _GARBAGE_BYTES_MIN:
                self._rewrite()
            return True

    def close(self) -> None:
        """Close the log."""
        os.close(self._file)

    def _passed(self, place: _Place) -> bool:
        return self._committed is not None and place.position < self._committed

    def _place(self, id_: str, place: _Place) -> None:
        self._places[id_] = place
        self._live_bytes += place.size
        self._totals = replace(self._totals, parked=self._totals.parked + 1)

    def _forget(self, ids: Iterable[str], verdicts: Verdicts) -> None:
        for id_ in ids:
            self._live_bytes -= self._places.pop(id_).size
        self._totals = replace(
            self._totals,
            indexed=self._totals.indexed + verdicts.indexed,
            already_there=self._totals.already_there + verdicts.already_there,
            dead_lettered=self._totals.dead_lettered + verdicts.dead_lettered,
        )

    def _append(self, content: bytes) -> bool:
        """Write and sync at the end; a part that was written before a failure is taken back."""
        if not self._clean():
            return False
        try:
            _write_whole(self._file, content, self._size)
            os.fdatasync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            _log.warning("parking_write_failed", path=str(self._path), error=str(error))
            return False
        self._size += len(content)
        return True

    def _replay(self) -> None:
        for start, kind, content in _records(self._file):
            self._size = start + HEADER.size + len(content)
            if kind is Kind.DOCUMENT:
                parked = read_document(content)
                self._place(parked.id, _Place(parked.index, parked.line.position, start, self._size - start))
            elif kind is Kind.SETTLED:
                settled = json.loads(content)
                self._forget(settled["ids"], Verdicts(**settled["verdicts"]))
            else:
                self._totals = ParkingTotals(**json.loads(content))
        lost = os.fstat(self._file).st_size - self._size
        if lost:
            os.ftruncate(self._file, self._size)
            _log.warning("parking_log_cut", path=str(self._path), bytes=lost)

    def _drop(self) -> None:
        """Drop what the journal brings again."""
        dropped = [id_ for id_, place in self._places.items() if not self._passed(place)]
        self._forget(dropped, Verdicts())
        self._totals = replace(self._totals, parked=self._totals.parked - len(dropped))
        self._dirty = bool(dropped) or not self._sync_folder()
        self._clean()

    def _clean(self) -> bool:
        """See to it that the log may be written to; tell whether it may."""
        if self._dirty:
            self._rewrite()
        return not self._dirty

    def _rewrite(self) -> None:
        """Write the log anew without garbage; where that fails, nothing has changed."""
        temporary = self._path.with_suffix(".new")
        try:
            with ExitStack() as undo:
                file = _open(temporary, os.O_CREAT | os.O_TRUNC)
                undo.callback(temporary.unlink, missing_ok=True)
                undo.callback(os.close, file)
                places, size = self._copy(file)
                os.fsync(file)
                temporary.replace(self._path)
                undo.pop_all()
        except OSError as error:
            _log.warning("parking_rewrite_failed", path=str(self._path), error=str(error))
            return
        os.close(self._file)
        self._file, self._size, self._places = file, size, places
        self._dirty = not self._sync_folder()

    def _sync_folder(self) -> bool:
        """Make the new log's name durable; False when a power cut might still bring the old log back."""
        try:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            _log.warning("parking_folder_not_synced", path=str(self._path), error=str(error))
            return False
        return True

    def _copy(self, file: int) -> tuple[dict[str, _Place], int]:
        """Write totals and documents; the totals count what was settled, each document counts itself."""
        totals = replace(self._totals, parked=self._totals.settled)
        size = _write_whole(file, record(Kind.TOTALS, json.dumps(asdict(totals)).encode()), 0)
        places: dict[str, _Place] = {}
        for id_, place in self._places.items():
            places[id_] = replace(place, start=size)
            size += _write_whole(file, os.pread(self._file, place.size, place.start), size)
        return places, size


def _open(path: Path, flags: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)


def _records(file: int) -> Iterator[tuple[int, Kind, bytes]]:
    """Give start, kind and content of each record up to the end or to the first that is not intact."""
    start = 0
    while len(header := os.pread(file, HEADER.size, start)) == HEADER.size:
        content = os.pread(file, HEADER.unpack(header)[0], start + HEADER.size)
        kind = intact(header, content)
        if kind is None:
            return
        yield start, kind, content
        start += HEADER.size + len(content)


def _write_whole(file: int, content: bytes, start: int) -> int:
    written = 0
    while written < len(content):
        written += os.pwrite(file, memoryview(content)[written:], start + written)
    return written
