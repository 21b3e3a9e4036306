"""What is hidden before the journal: each line once, whatever room there is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from shipper.errors import JournalFull
from shipper.haproxy.privacy import Hider
from shipper.haproxy.privacy_rules import Rules
from shipper.journal.codec import Draft, Packed, encode_entry
from shipper.journal.entry import LINE_HEADER, Cursor, Flag, Origin
from shipper.journal.hiding import Hiding
from shipper.limits import (
    DATAGRAM_LINES_MAX,
    LINE_BYTES_MAX,
    RECEIVE_BATCH_BYTES,
    RECEIVE_BATCH_LINES,
    SENDERS_REMEMBERED_MAX,
)
from tests.haproxy.lines import Values


@dataclass
class Writing:
    """Takes drafts, while there is room."""

    full: bool = False
    taken: list[Draft | Packed] = field(default_factory=list)
    cursors: dict[tuple[int, int], Cursor] = field(default_factory=dict)
    closed: bool = False

    def append(self, draft: Draft | Packed) -> None:
        if self.full:
            raise JournalFull("full")
        self.taken.append(draft)

    def close(self) -> None:
        self.closed = True


class Counting(Hider):
    """Counts the lines that it hides."""

    hidden = 0

    def line(self, raw: bytes, *, cut: bool = False) -> bytes:
        self.hidden += 1
        return super().line(raw, cut=cut)


def draft(*lines: bytes, cut: bool = False) -> Draft:
    flags = [int(Flag.CUT) if cut else 0] * len(lines)
    return Draft(1, lines, [0] * len(lines), [0] * len(lines), flags, [Origin(0, "192.0.2.1")])


def hider() -> Counting:
    return Counting(Rules(mask_addresses=True, parameters={"x": "drop"}), None, ())


def packed(came: Draft) -> Packed:
    return Packed(came.received_us, came.table, came.data, came.origins, came.tally, came.cursors)


@pytest.mark.parametrize("native", [False, True])
def test_the_journal_gets_what_is_left_of_each_line_and_everything_else_as_it_is(*, native: bool) -> None:
    writing = Writing()
    came = draft(Values().line(), b"who knows")
    journal = Hiding(writing, hider())
    journal.append(packed(came) if native else came)
    (taken,) = writing.taken
    lengths, *others = zip(*LINE_HEADER.iter_unpack(taken.table), strict=True)
    first, second = taken.data[: lengths[0]], taken.data[lengths[0] :]
    assert b"10.0.0.0" in first
    assert b"?x=1" not in first
    assert b"who knows" not in second
    assert lengths[1] == len(second)
    assert others == [(0, 0)] * 3
    assert (taken.origins, taken.received_us, taken.tally) == (came.origins, came.received_us, came.tally)
    journal.close()
    assert writing.closed


def test_a_cut_line_is_hidden_as_one() -> None:
    writing = Writing()
    Hiding(writing, hider()).append(draft(Values().line() + b" and more", cut=True))
    assert b"more" not in writing.taken[0].data


def test_what_waits_for_room_is_hidden_once() -> None:
    writing, counting = Writing(full=True), hider()
    journal, came = Hiding(writing, counting), draft(Values().line())
    for _ in range(3):
        with pytest.raises(JournalFull):
            journal.append(came)
    writing.full = False
    journal.append(came)
    assert (counting.hidden, len(writing.taken)) == (1, 1)


@pytest.mark.parametrize("uri_bytes", [8_000, 60_000])
def test_lines_that_hashes_would_blow_up_lose_their_text_and_any_entry_of_theirs_can_be_written(uri_bytes: int) -> None:
    writing, line = Writing(), Values(r=b"GET /?%s HTTP/1.1" % (b"&a" * (uri_bytes // 2))).line()
    count = RECEIVE_BATCH_BYTES // len(line) + 1
    hashing = Hider(Rules(parameters={"*": "hash"}), b"k" * 32, ())
    assert len(hashing.line(line)) > 4 * len(line)
    Hiding(writing, hashing).append(draft(*[line] * count))
    (taken,) = writing.taken
    assert taken.data == hashing.withheld(line) * count
    encode_entry(taken, 0, 0)


def test_any_full_entry_that_is_bounded_so_can_be_written() -> None:
    class Growing(Hider):
        def line(self, raw: bytes, *, cut: bool = False) -> bytes:  # noqa: ARG002 -- the base's signature
            return raw * 4 + bytes(512)

    writing, lines = Writing(), RECEIVE_BATCH_LINES + DATAGRAM_LINES_MAX
    size = (RECEIVE_BATCH_BYTES + LINE_BYTES_MAX) // lines
    came = draft(*[b"x" * size] * lines)
    came = replace(came, origins=[Origin(0, "x" * 255)] * SENDERS_REMEMBERED_MAX)
    Hiding(writing, Growing(Rules(), None, ())).append(came)
    assert len(writing.taken[0].data) == lines * (size * 4 + 512)
    encode_entry(writing.taken[0], 0, 0)


def test_a_short_line_may_grow_and_a_long_one_not_beyond_what_a_line_holds() -> None:
    class Growing(Hider):
        def line(self, raw: bytes, *, cut: bool = False) -> bytes:  # noqa: ARG002 -- the base's signature
            return raw + bytes(500)

    writing = Writing()
    for raw in (b"x", b"x" * (LINE_BYTES_MAX - 499)):
        Hiding(writing, Growing(Rules(), None, ())).append(draft(raw))
    assert [taken.data for taken in writing.taken] == [b"x" + bytes(500), Hider.withheld(b"x" * (LINE_BYTES_MAX - 499))]


def test_what_waits_for_room_is_hidden_by_the_rules_that_hold_when_there_is_some() -> None:
    writing, came = Writing(full=True), draft(Values().line())
    journal = Hiding(writing, Counting(Rules(parameters={"x": "drop"}), None, ()))
    with pytest.raises(JournalFull):
        journal.append(came)
    journal.renew(hider())
    writing.full = False
    journal.append(came)
    assert b"10.0.0.0" in writing.taken[0].data


def test_without_rules_a_draft_is_handed_on_as_it_is() -> None:
    writing, came = Writing(), draft(b"anything")
    Hiding(writing, None).append(came)
    assert writing.taken == [came]
