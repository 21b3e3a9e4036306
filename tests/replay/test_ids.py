"""The `_id` of a captured line hangs on what is read, and on nothing else."""

from __future__ import annotations

import binascii
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shipper.journal.entry import Position
from shipper.replay.captures import Line
from shipper.replay.ids import Ids

IDENTITY = bytes(range(16))


def line(offset: int, raw: bytes = b"raw") -> Line:
    return Line(offset, raw, cut=False, end=offset + len(raw) + 1, blanks=0)


def test_the_same_line_has_the_same_id() -> None:
    assert Ids(IDENTITY).id(line(7)) == Ids(IDENTITY).id(line(7)) == "-Ud7kQAAAAAAB4JvtFI9"


@given(st.lists(st.integers(0, 2**48 - 1), unique=True, min_size=2, max_size=9), st.binary())
def test_ids_rise_with_the_offset(offsets: list[int], raw: bytes) -> None:
    ids = [Ids(IDENTITY).id(line(offset, raw)) for offset in sorted(offsets)]
    stored = [binascii.a2b_base64(id_.replace("-", "+").replace("_", "/")) for id_ in ids]
    assert all(a < b for a, b in pairwise(stored))


@given(st.integers(0, 2**48 - 1), st.binary())
def test_an_id_is_short_url_safe_and_never_that_of_a_live_line(offset: int, raw: bytes) -> None:
    id_ = Ids(IDENTITY, "r").id(line(offset, raw))
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}", id_)
    assert len(Position(bytes(12), 0).id()) != len(id_)


def test_another_file_another_offset_another_line_and_another_replay_have_other_ids() -> None:
    ids = [
        Ids(IDENTITY).id(line(7)),
        Ids(b"another").id(line(7)),
        Ids(IDENTITY).id(line(8)),
        Ids(IDENTITY).id(line(7, b"other")),
        Ids(IDENTITY, "a").id(line(7)),
        Ids(IDENTITY, "b").id(line(7)),
    ]
    assert len(set(ids)) == len(ids)
