"""Drafts and small journals for the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from shipper.journal import Batch, Bounds, Draft, Origin, Reader, ReceiveTally, StateFolder, Writer
from shipper.journal.codec import ENTRY_HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipper.journal import Position
    from shipper.journal.codec import EntryHeader

INTERPRETATION = b'{"zones": ["UTC"]}'
ORIGINS = (Origin(0, "192.0.2.1"), Origin(1, "2001:db8::1"))


class Clock:
    """A clock that a test moves."""

    def __init__(self, now_us: int = 1_763_000_000_000_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


def payload(header: EntryHeader, entry: bytes) -> tuple[bytes, bytes]:
    """Give the tables and the lines of an entry's bytes."""
    lines = ENTRY_HEADER_BYTES + header.tables_bytes
    return entry[ENTRY_HEADER_BYTES:lines], entry[lines:]


def draft(*lines: bytes, tally: ReceiveTally | None = None, received_us: int = 1_763_000_000_000_000) -> Draft:
    """Make a draft of ``lines``, a microsecond apart, from two origins by turns; what was received is filled in."""
    beside = tally or ReceiveTally()
    received = len(lines) + beside.dropped_full + beside.refused_sender + beside.empty
    return Draft(
        received_us=received_us,
        lines=lines,
        deltas_us=tuple(range(len(lines))),
        origin_numbers=tuple(number % 2 for number in range(len(lines))),
        flags=(0,) * len(lines),
        origins=ORIGINS,
        tally=replace(beside, received=received),
    )


def writer(
    state: StateFolder,
    clock: Callable[[], int] | None = None,
    *,
    newer_than: bytes | None = None,
    **bounds: float | None,
) -> Writer:
    """Open a writer that never syncs."""
    settings = replace(Bounds(sync_interval_s=None, free_share_min=0.0), **bounds)  # type: ignore[arg-type]
    return Writer(state.journal, INTERPRETATION, settings, clock_us=clock or Clock(), newer_than=newer_than)


def reader(state: StateFolder, start: Position | None = None) -> Reader:
    """Open a reader."""
    return Reader(state.journal, start, quarantine=state.quarantine)


def batches(source: Reader, lines_max: int = 5000, bytes_max: int = 1 << 21) -> Iterator[Batch]:
    """Give all there is now."""
    while (batch := source.read(lines_max, bytes_max)) is not None:
        yield batch


def raw_lines(source: Reader) -> list[bytes]:
    """Give the bytes of all lines there are now."""
    return [line.raw for batch in batches(source) for line in batch.lines()]


tallies = st.builds(ReceiveTally, *(st.integers(0, 2**64 - 1),) * 5)
drafts = st.integers(0, 6).flatmap(
    lambda count: st.builds(
        Draft,
        received_us=st.integers(0, 2**63),
        lines=st.tuples(*(st.binary(max_size=40),) * count),
        deltas_us=st.tuples(*(st.integers(0, 2**32 - 1),) * count),
        origin_numbers=st.tuples(*(st.integers(0, 1),) * count),
        flags=st.tuples(*(st.integers(0, 1),) * count),
        origins=st.just(ORIGINS),
        tally=tallies,
    )
)
