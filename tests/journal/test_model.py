"""The whole journal against a model in memory: append, read, settle, commit, crash, cut, damage, copy, in any order.

1. Every line has a number. A dictionary stands for Elasticsearch: to create an `_id` that is there changes nothing.
2. What the last sync made durable survives a power cut; behind it, the file may end at any byte, or in zeros.
3. A line is excused when nobody promised it: it was in a write that never returned, behind the last sync in a power
   cut, or newer than the backup that was restored. All others are indexed, or counted as lost where bytes were damaged.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shipper.errors import StateError
from shipper.journal import Commit, Committer, Ledger, StateFolder, Verdicts, load
from shipper.journal import state as state_module
from shipper.journal._segments import path_of, segments
from shipper.journal.codec import ENTRY_HEADER_BYTES
from shipper.journal.entry import ReceiveTally
from tests.journal.drafts import Clock, draft, reader, writer

if TYPE_CHECKING:
    from shipper.journal import Batch, Position, Reader, Writer

_SYNCS = {"always": 0.0, "now and then": 3600.0, "never": None}
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- thousands of small files
_sizes = st.lists(st.integers(8, 200), max_size=8)


class Elasticsearch:
    """What was indexed: each line once, under the one `_id` that it ever has."""

    def __init__(self) -> None:
        self.given: dict[str, int] = {}
        """Every `_id` that was ever given, and the line that it stands for."""
        self.ids: dict[int, str] = {}
        """The lines that were indexed."""

    def create(self, batch: Batch) -> Verdicts:
        self.see(batch)
        before = len(self.ids)
        for line in batch.lines():
            number, id_ = number_of(line.raw), line.position.id()
            assert self.ids.setdefault(number, id_) == id_, "a line was indexed twice"
        indexed = len(self.ids) - before
        return Verdicts(indexed=indexed, already_there=len(batch) - indexed)

    def see(self, batch: Batch) -> None:
        for line in batch.lines():
            number = number_of(line.raw)
            assert self.given.setdefault(line.position.id(), number) == number, "an _id was given twice"


def number_of(raw: bytes) -> int:
    return int(raw[:8])


class JournalModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = StateFolder(Path(tempfile.mkdtemp(prefix="journal-model-", dir=_MEMORY)) / "state")
        self.backup: Path | None = None
        self.lock = self.state.lock()
        self.clock = Clock()
        self.elasticsearch = Elasticsearch()
        self.written = 0
        self.damages = 0
        self.excused: set[int] = set()
        self.counted: set[int] = set()
        """Lines that were counted as lost."""
        self.ends: dict[bytes, list[tuple[int, range]]] = {}
        """Of each segment: where its entries end, and the numbers of their lines."""
        self.broken: set[bytes] = set()
        """Segments that were not sealed, or are damaged."""
        self.durable: dict[str, int] = {}
        self.records: list[bytes] = []
        self.seen: dict[Commit, tuple[int, int]] = {Commit(): (-1, 0)}
        """Behind each commit: the last line that was read, and the lines that are known to be lost after it."""
        self.writer: Writer | None = None
        self.undo = mock.patch.object(os, "fdatasync", self.note_sync)
        self.undo.start()
        self.open_reader()

    @initialize(sync=st.sampled_from(sorted(_SYNCS)))
    def choose(self, sync: str) -> None:
        self.sync_interval_s = _SYNCS[sync]

    def note_sync(self, fd: int) -> None:
        self.durable[str(Path(f"/proc/self/fd/{fd}").readlink())] = os.fstat(fd).st_size

    # -- writing -----------------------------------------------------------------------------------------------------

    def open_writer(self) -> Writer:
        commit = load(self.state.commit)
        newer_than = commit.position.segment if commit.position else None
        bounds = {"segment_bytes": 3000, "bytes_max": 1 << 30, "sync_interval_s": self.sync_interval_s}
        return writer(self.state, self.clock, newer_than=newer_than, **bounds)

    @rule(sizes=_sizes)
    def append(self, sizes: list[int]) -> None:
        self.writer = self.writer or self.open_writer()
        numbers = range(self.written, self.written + len(sizes))
        self.written += len(sizes)
        lines = (b"%08d" % number + bytes(size) for number, size in zip(numbers, sizes, strict=True))
        self.writer.append(draft(*lines, tally=ReceiveTally(dropped_full=3, empty=1)))
        segment = segments(self.state.journal)[-1]
        self.ends.setdefault(segment, []).append((self.path(segment).stat().st_size, numbers))

    @precondition(lambda self: self.writer)
    @rule()
    def stop_the_writer(self) -> None:
        assert self.writer is not None
        self.writer.close()
        self.writer = None

    @precondition(lambda self: self.writer)
    @rule()
    def kill_the_writer(self) -> None:
        assert self.writer is not None
        syncer = self.writer._syncer
        syncer._stop.set()
        for fd in {self.writer._fd} | syncer._retired:
            if fd is not None:
                os.close(fd)
        self.broken.add(segments(self.state.journal)[-1])
        self.writer = None

    @rule(sizes=_sizes, left=st.floats(0, 1))
    def die_in_a_write(self, sizes: list[int], left: float) -> None:
        """Append a part of an entry; it may be all of it, and still nobody was told so."""
        self.append([])
        before = {segment: self.path(segment).stat().st_size for segment in segments(self.state.journal)}
        first = self.written
        self.append(sizes)
        self.excused.update(range(first, self.written))
        self.kill_the_writer()
        newest = segments(self.state.journal)[-1]
        start, end = before.get(newest, 0), self.path(newest).stat().st_size
        os.truncate(self.path(newest), start + int(left * (end - start)))

    @precondition(lambda self: self.writer)
    @rule()
    def sync(self) -> None:
        assert self.writer is not None
        self.writer._syncer._round()

    # -- reading -----------------------------------------------------------------------------------------------------

    def open_reader(self) -> None:
        commit = load(self.state.commit)
        self.ledger = Ledger(commit)
        self.reader: Reader = reader(self.state, commit.position)
        self.open: list[tuple[int, Batch]] = []
        self.last, self.lost = self.seen[commit]
        self.behind: dict[Position | None, tuple[int, int]] = {commit.position: self.seen[commit]}
        self.committer = Committer(self.state, lambda: self.ledger.commit, clock_us=self.clock, sync_interval_s=None)

    @rule(lines_max=st.integers(1, 20))
    def take(self, lines_max: int) -> None:
        self.read(lines_max)

    def read(self, lines_max: int) -> bool:
        batch = self.reader.read(lines_max, 1 << 20)
        if batch is None:
            return False
        for entry in batch.entries:
            self.lost += entry.lost
            for line in entry.lines():
                self.look_at_gap(number_of(line.raw))
        self.behind[batch.end] = self.last, self.lost
        self.open.append((self.ledger.open(batch), batch))
        self.note_commit()
        return True

    def look_at_gap(self, number: int) -> None:
        """Lines come in their order; those between that do not come were damaged and counted, or are excused."""
        assert number > self.last
        gap = set(range(self.last + 1, number))
        missing = gap - self.excused - self.elasticsearch.ids.keys()
        assert len(missing) <= self.lost <= len(gap)
        self.counted |= missing
        self.last, self.lost = number, 0

    def note_commit(self) -> None:
        commit = self.ledger.commit
        self.seen[commit] = self.behind[commit.position]

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        self.settle_one(data.draw(st.integers(0, len(self.open) - 1)))

    def settle_one(self, place: int) -> None:
        ticket, batch = self.open.pop(place)
        self.ledger.settle(ticket, self.elasticsearch.create(batch))
        self.note_commit()

    @rule()
    def commit(self) -> None:
        if self.committer.write() is not None:
            self.records.append(self.state.commit.read_bytes())

    @rule(in_step=st.booleans())
    def kill_the_reader(self, *, in_step: bool) -> None:
        if in_step:
            self.commit()
        self.reader.close()
        self.open_reader()

    # -- what befalls the folder -------------------------------------------------------------------------------------

    @rule(data=st.data(), in_zeros=st.booleans())
    def lose_power(self, data: st.DataObject, *, in_zeros: bool) -> None:
        """Cut a segment anywhere behind its last sync, and forget the newest commit records."""
        self.die()
        durable = {segment: self.durable.get(str(self.path(segment)), 0) for segment in segments(self.state.journal)}
        sizes = {segment: self.path(segment).stat().st_size for segment in durable}
        cuttable = [segment for segment in durable if durable[segment] < sizes[segment]]
        if cuttable:
            segment = data.draw(st.sampled_from(cuttable))
            self.cut(segment, data.draw(st.integers(durable[segment], sizes[segment])), sizes[segment] * in_zeros)
        if self.records:
            self.state.commit.write_bytes(data.draw(st.sampled_from(self.records)))
            for gone in self.ends.keys() - set(
                durable
            ):  # what was said of their lines may be forgotten with the record
                self.excused.update(*(numbers for _, numbers in self.ends[gone]))
        self.open_reader()

    def cut(self, segment: bytes, left: int, size: int) -> None:
        os.truncate(self.path(segment), left)
        os.truncate(self.path(segment), max(left, size))
        damaged = segment in self.broken and self.damages
        for end, numbers in self.ends.get(segment, ()):
            if end > left or damaged:
                self.excused.update(numbers)
        self.broken.add(segment)

    def die(self) -> None:
        if self.writer is not None:
            self.kill_the_writer()
        self.reader.close()

    @rule(data=st.data())
    def flip_a_bit(self, data: st.DataObject) -> None:
        """Damage an entry that is not yet committed; the seal at its end tells what is missing."""
        self.stop_the_writer() if self.writer else None
        self.reader.close()
        here = self.ledger.commit.position
        candidates = sorted(
            segment
            for segment in segments(self.state.journal)
            if segment not in self.broken and (here is None or segment > here.segment)
        )
        if candidates:
            segment = data.draw(st.sampled_from(candidates))
            content = bytearray(self.path(segment).read_bytes())
            begins = [0, *(end for end, _ in self.ends[segment][:-1])]
            anywhere = st.integers(0, len(content) - ENTRY_HEADER_BYTES - 1)
            in_a_header = st.builds(int.__add__, st.sampled_from(begins), st.integers(0, ENTRY_HEADER_BYTES - 1))
            content[data.draw(anywhere | in_a_header)] ^= 0x20
            self.path(segment).write_bytes(content)
            self.damages += 1
            self.broken.add(segment)
        self.open_reader()

    @rule()
    def back_up(self) -> None:
        self.backup = self.copied()
        self.backed_up = self.written

    @precondition(lambda self: self.backup)
    @rule()
    def restore(self) -> None:
        """Put the folder of yesterday in the place of today's."""
        assert self.backup is not None
        self.die()
        self.lock.close()
        shutil.rmtree(self.state.root)
        shutil.copytree(self.backup, self.state.root)
        self.lock = self.state.lock()
        self.excused.update(range(self.backed_up, self.written))
        self.open_reader()

    @rule(sizes=_sizes)
    def use_a_copy(self, sizes: list[int]) -> None:
        """Let a second shipper go on from a copy of the folder: its lines are others, and so are their ids."""
        copy = StateFolder(self.copied())
        journal = writer(copy, self.clock)
        numbers = range(self.written, self.written + len(sizes))
        self.written += len(sizes)
        self.excused.update(numbers)
        journal.append(draft(*(b"%08d" % number for number in numbers)))
        source = reader(copy, load(copy.commit).position)
        while (batch := source.read(5000, 1 << 20)) is not None:
            self.elasticsearch.see(batch)
        journal.close()
        source.close()
        shutil.rmtree(copy.root)

    @rule()
    def a_second_one_is_refused(self) -> None:
        with mock.patch.object(state_module, "TAKE_S", 0.0), pytest.raises(StateError, match="in use by process"):
            self.state.lock()

    def copied(self) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.state.root.parent)) / "state"
        shutil.copytree(self.state.root, folder)
        return folder

    def path(self, segment: bytes) -> Path:
        return path_of(self.state.journal, segment)

    # -- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def the_identity_holds(self) -> None:
        commit = self.ledger.commit
        assert commit.journaled == commit.indexed + commit.already_there + commit.journal_lost
        assert commit.received == commit.journaled + commit.dropped_full + commit.empty
        assert commit.journal_lost == 0 or self.damages > 0 or len(self.excused) > 0

    def teardown(self) -> None:
        try:
            self.append([8])
            while self.read(5000) or self.open:
                while self.open:
                    self.settle_one(0)
            assert self.last == self.written - 1
            assert set(range(self.written)) == self.elasticsearch.ids.keys() | self.counted | self.excused
        finally:
            if self.writer is not None:
                self.writer.close()
            self.reader.close()
            self.lock.close()
            self.undo.stop()
            with suppress(FileNotFoundError):
                shutil.rmtree(self.state.root.parent)


JournalModel.TestCase.settings = settings(max_examples=120, stateful_step_count=40)
TestJournalModel = JournalModel.TestCase


def test_a_new_journal_has_nothing_committed(tmp_path: Path) -> None:
    assert load(StateFolder(tmp_path).commit) == Commit()
