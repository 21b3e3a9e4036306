"""What is hidden before the journal: each line once, whatever room there is."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from shipper.errors import JournalFull
from shipper.haproxy.privacy import Hider, Rules
from shipper.journal.codec import Draft, Packed
from shipper.journal.entry import LINE_HEADER, Cursor, Flag, Origin
from shipper.journal.hiding import Hiding
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


def test_without_rules_a_draft_is_handed_on_as_it_is() -> None:
    writing, came = Writing(), draft(b"anything")
    Hiding(writing, None).append(came)
    assert writing.taken == [came]
