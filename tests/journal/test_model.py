"""The whole journal against a model in memory: append, read, commit, crash, damage, reopen, in any order."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shipper.journal import Commit, Committer, Ledger, Reader, ReceiveTally, StateFolder, Verdicts, Writer, load
from shipper.journal._segments import path_of, segments
from shipper.journal.codec import ENTRY_HEADER_BYTES
from tests.journal.drafts import Clock, draft, reader, writer


class JournalModel(RuleBasedStateMachine):
    """Every line is numbered; each must be read once per life, in order, or be counted as lost."""

    def __init__(self) -> None:
        super().__init__()
        self.state = StateFolder(Path(tempfile.mkdtemp(prefix="journal-model-")))
        self.clock = Clock()
        self.written = 0
        self.damaged = 0
        self.unsealed: set[bytes] = set()
        self.open_writer()
        self.open_reader()

    def open_writer(self) -> None:
        self.writer: Writer = writer(self.state, self.clock, segment_bytes=3000, bytes_max=1 << 30)

    def open_reader(self) -> None:
        commit = load(self.state.commit)
        self.ledger = Ledger(commit)
        self.reader: Reader = reader(self.state, commit.position)
        self.open: list[tuple[int, int]] = []
        self.seen = commit.journaled
        self.committer = Committer(self.state, lambda: self.ledger.commit, clock_us=self.clock, sync_interval_s=None)

    @rule(sizes=st.lists(st.integers(8, 200), max_size=8))
    def append(self, sizes: list[int]) -> None:
        lines = (b"%08d" % (self.written + n) + bytes(size) for n, size in enumerate(sizes))
        self.writer.append(draft(*lines, tally=ReceiveTally(dropped_full=3, empty=1)))
        self.written += len(sizes)

    @rule(lines_max=st.integers(1, 20))
    def take(self, lines_max: int) -> None:
        self.read(lines_max)

    def read(self, lines_max: int) -> bool:
        batch = self.reader.read(lines_max, 1 << 20)
        if batch is None:
            return False
        for entry in batch.entries:
            self.seen += entry.lost
            for line in entry.lines():
                assert int(line.raw[:8]) == self.seen
                self.seen += 1
        self.open.append((self.ledger.open(batch), len(batch)))
        return True

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        ticket, lines = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        self.ledger.settle(ticket, Verdicts(indexed=lines))

    def settle_all(self) -> None:
        while self.open:
            ticket, lines = self.open.pop()
            self.ledger.settle(ticket, Verdicts(indexed=lines))

    @rule()
    def commit(self) -> None:
        self.committer.write()

    @rule()
    def restart_the_writer(self) -> None:
        self.writer.close()
        self.open_writer()

    @rule()
    def kill_the_writer(self) -> None:
        assert self.writer._fd is not None
        os.close(self.writer._fd)
        self.unsealed.add(segments(self.state.journal)[-1])
        self.open_writer()

    @rule()
    def kill_the_reader(self) -> None:
        self.reader.close()
        self.open_reader()

    @rule(data=st.data())
    def flip_a_bit(self, data: st.DataObject) -> None:
        """Damage an entry that is not yet committed; the seal at its end tells what is missing."""
        self.restart_the_writer()
        self.kill_the_reader()
        here = self.ledger.commit.position
        sealed = set(segments(self.state.journal)[:-1]) - self.unsealed
        candidates = sorted(segment for segment in sealed if here is None or segment > here.segment)
        if candidates:
            path = path_of(self.state.journal, data.draw(st.sampled_from(candidates)))
            content = bytearray(path.read_bytes())
            content[data.draw(st.integers(0, len(content) - ENTRY_HEADER_BYTES - 1))] ^= 0x20
            path.write_bytes(content)
            self.damaged += 1

    @invariant()
    def the_identity_holds(self) -> None:
        commit = self.ledger.commit
        assert commit.journaled == commit.indexed + commit.journal_lost
        assert commit.received == commit.journaled + commit.dropped_full + commit.empty
        assert commit.journaled <= self.written
        assert self.damaged or commit.journal_lost == 0

    def teardown(self) -> None:
        try:
            self.append([8])
            while self.read(5000) or self.open:
                self.settle_all()
            assert self.seen == self.written
            assert self.ledger.commit.journaled == self.written
        finally:
            self.writer.close()
            self.reader.close()
            shutil.rmtree(self.state.root)


JournalModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestJournalModel = JournalModel.TestCase


def test_a_new_journal_has_nothing_committed(tmp_path: Path) -> None:
    assert load(StateFolder(tmp_path).commit) == Commit()
