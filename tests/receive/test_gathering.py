from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.journal import Entry, Origin, ReceiveTally, codec
from shipper.limits import DATAGRAM_LINES_MAX, RECEIVE_BATCH_BYTES, RECEIVE_BATCH_LINES, SENDERS_REMEMBERED_MAX
from shipper.receive._engines import new_gathering
from shipper.receive._gathering import Gathering
from tests.journal.drafts import payload
from tests.receive import running
from tests.receive.running import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.journal import Draft

NOW_US = 1_763_000_000_000_000


def gathering(clock_us: Callable[[], int] = lambda: NOW_US) -> Gathering:
    return new_gathering(running.ENGINE, clock_us)


def taken(gathered: Gathering, tally: ReceiveTally = ReceiveTally()) -> Draft:  # noqa: B008 -- it is frozen
    return unpacked(gathered.take(tally))


@pytest.mark.parametrize(
    ("datagram", "lines", "empty"),
    [
        (b"one", [b"one"], 0),
        (b"one\n", [b"one"], 0),
        (b"one\r\n", [b"one"], 0),
        (b"one\0", [b"one"], 0),
        (b"one\n\0", [b"one"], 0),
        (b"one\ntwo\n", [b"one", b"two"], 0),
        (b"one\r\n\r\ntwo", [b"one", b"two"], 1),
        (b"\none", [b"one"], 1),
        (b" one ", [b" one "], 0),
        (b"", [], 1),
        (b"\n", [], 1),
        (b"\xff\x00\xfe", [b"\xff\x00\xfe"], 0),
    ],
)
def test_a_datagram_is_split_into_its_lines(datagram: bytes, lines: list[bytes], empty: int) -> None:
    gathered = gathering()
    gathered.add(datagram, 0, "192.0.2.1")
    draft = taken(gathered, ReceiveTally(kernel_drops=3))
    assert list(draft.lines) == lines
    assert draft.tally == ReceiveTally(received=len(lines) + empty, empty=empty, kernel_drops=3)


def test_taking_begins_anew() -> None:
    gathered = gathering()
    gathered.add(b"one", 0, "192.0.2.1")
    taken(gathered)
    assert not taken(gathered).lines


def test_a_line_keeps_its_listener_and_sender() -> None:
    gathered = gathering()
    for listener, address in [(0, "192.0.2.1"), (1, "192.0.2.1"), (0, "2001:db8::1"), (0, "192.0.2.1")]:
        gathered.add(b"line", listener, address)
    draft = taken(gathered)
    assert draft.origins == [Origin(0, "192.0.2.1"), Origin(1, "192.0.2.1"), Origin(0, "2001:db8::1")]
    assert list(draft.origin_numbers) == [0, 1, 2, 0]


def test_a_full_table_of_senders_closes_the_entry() -> None:
    gathered = gathering()
    full = [gathered.add(b"line", 0, str(number)) for number in range(SENDERS_REMEMBERED_MAX)]
    assert full.index(True) == SENDERS_REMEMBERED_MAX - 1


def test_an_entry_is_closed_by_its_lines_or_its_bytes() -> None:
    gathered = gathering()
    full = [gathered.add(b"line", 0, "192.0.2.1") for _ in range(RECEIVE_BATCH_LINES)]
    assert full.index(True) == RECEIVE_BATCH_LINES - 1
    taken(gathered)
    assert gathered.add(b"x" * RECEIVE_BATCH_BYTES, 0, "192.0.2.1")


def test_one_datagram_of_many_lines_stays_within_the_bounds_and_keeps_every_byte() -> None:
    gathered = gathering()
    datagram = b"a\n" * 32_750
    while not gathered.add(datagram, 0, "192.0.2.1"):
        gathered.add(b"one more", 0, "192.0.2.1")
    draft = taken(gathered)
    lines = draft.lines
    assert draft.tally.received == len(lines)
    assert RECEIVE_BATCH_LINES <= len(lines) < RECEIVE_BATCH_LINES + DATAGRAM_LINES_MAX
    assert lines[:DATAGRAM_LINES_MAX] == [b"a"] * (DATAGRAM_LINES_MAX - 1) + [datagram[2 * DATAGRAM_LINES_MAX - 2 : -1]]


def test_a_clock_that_is_set_back_keeps_the_entry_readable() -> None:
    times = iter([NOW_US, NOW_US - 5_000_000, NOW_US + 10**12])
    gathered = gathering(lambda: next(times))
    for _ in range(3):
        gathered.add(b"line", 0, "192.0.2.1")
    assert list(taken(gathered).deltas_us) == [0, 0, 2**32 - 1]


@given(st.lists(st.binary(max_size=30) | st.text("a\r\n\0", max_size=9).map(str.encode), max_size=20))
def test_every_line_of_any_datagrams_can_be_read_back(datagrams: list[bytes]) -> None:
    gathered = gathering()
    for datagram in datagrams:
        gathered.add(datagram, 0, "192.0.2.1")
    draft = taken(gathered)
    assert draft.tally.received == len(draft.lines) + draft.tally.empty
    data = codec.encode_entry(draft, 0, 0)
    header = codec.decode_entry_header(data[: codec.ENTRY_HEADER_BYTES], 0)
    assert header is not None
    entry = codec.decode_entry(header, *payload(header, data), bytes(12), 0)
    assert isinstance(entry, Entry)
    assert [line.raw for line in entry.lines()] == draft.lines
    assert all(line.raw.strip(b"\n") == line.raw != b"" for line in entry.lines())


datagrams = st.binary(max_size=30) | st.text("a\r\n\0", max_size=9).map(str.encode)
ways = st.sampled_from(["add", "add_cut", "refuse"])
coming = st.tuples(ways, datagrams, st.integers(0, 2), st.sampled_from(["a", "b"]), st.integers(-9, 9))


@given(st.lists(coming, max_size=20))
def test_both_engines_make_the_same_entry(come: list[tuple[str, bytes, int, str, int]]) -> None:
    entries = []
    for new in (Gathering, lambda clock: new_gathering("native", clock)):
        now_us = [NOW_US]
        gathered = new(lambda now_us=now_us: now_us[0])  # type: ignore[misc]
        for way, datagram, listener, address, later_us in come:
            now_us[0] += later_us
            if way == "refuse":
                gathered.refuse(datagram)
            else:
                getattr(gathered, way)(datagram, listener, address)
        entries.append(codec.encode_entry(gathered.take(ReceiveTally(kernel_drops=1)), 0, 0))
    assert entries[0] == entries[1]
