from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import ConfigError
from shipper.journal import Draft, Flag, codec
from shipper.limits import ENTRY_BYTES_MAX, INTERPRETATION_BYTES_MAX
from tests.journal.drafts import ORIGINS, draft, drafts, payload

SEGMENT = bytes(range(12))
SEED = codec.seed(SEGMENT)
HEADER = codec.ENTRY_HEADER_BYTES


def test_the_sizes_are_those_of_the_documentation() -> None:
    assert codec.SEGMENT_HEADER_BYTES == 36
    assert codec.ENTRY_HEADER_BYTES == 76


@given(drafts, st.integers(0, 2**32 - 10))
def test_an_entry_is_read_as_it_was_written(written: Draft, first_line: int) -> None:
    data = codec.encode_entry(written, first_line, SEED)
    header = codec.decode_entry_header(data[:HEADER], SEED)
    assert header is not None
    assert (header.first_line, header.lines, header.entry_bytes) == (first_line, len(written.lines), len(data))
    entry = codec.decode_entry(header, *payload(header, data), SEGMENT, 1000)
    assert entry is not None
    assert (entry.tally, entry.lost, entry.end, len(entry)) == (written.tally, 0, 1000 + len(data), len(written.lines))
    read = list(entry.lines())
    assert [line.raw for line in read] == list(written.lines)
    assert [line.received_us for line in read] == [written.received_us + delta for delta in written.deltas_us]
    assert [line.origin for line in read] == [ORIGINS[number] for number in written.origin_numbers]
    assert [line.flags for line in read] == [Flag(flag) for flag in written.flags]
    for line in read:
        start = line.position.offset - 1000
        assert data[start : start + len(line.raw)] == line.raw


@given(drafts.filter(lambda d: len(d.lines) > 0), st.data())
def test_a_flipped_bit_anywhere_is_noticed(written: Draft, data: st.DataObject) -> None:
    entry = bytearray(codec.encode_entry(written, 3, SEED))
    bit = data.draw(st.integers(0, len(entry) * 8 - 1))
    entry[bit // 8] ^= 1 << bit % 8
    header = codec.decode_entry_header(bytes(entry[:HEADER]), SEED)
    assert (header is None) == (bit < HEADER * 8)
    assert header is None or codec.decode_entry(header, *payload(header, bytes(entry)), SEGMENT, 0) is None


def test_an_entry_cut_at_any_byte_is_not_taken_for_whole() -> None:
    entry = codec.encode_entry(draft(b"one", b"two"), 0, SEED)
    for end in range(len(entry)):
        header = codec.decode_entry_header(entry[: min(end, HEADER)], SEED)
        assert header is None or codec.decode_entry(header, *payload(header, entry[:end]), SEGMENT, 0) is None


def test_an_entry_of_another_segment_is_not_believed() -> None:
    entry = codec.encode_entry(draft(b"forged by a sender"), 0, codec.seed(bytes(12)))
    assert codec.decode_entry_header(entry[:HEADER], SEED) is None


@given(st.binary(max_size=200), st.sampled_from([b"", codec.ENTRY_MAGIC, codec.SEGMENT_MAGIC]))
def test_no_bytes_raise(garbage: bytes, magic: bytes) -> None:
    assert codec.decode_entry_header(magic + garbage, SEED) is None
    assert codec.decode_segment_header(magic + garbage) is None


@given(st.binary(max_size=100))
def test_a_segment_header_is_read_as_it_was_written_and_only_whole(interpretation: bytes) -> None:
    data = codec.encode_segment_header(SEGMENT, interpretation)
    assert codec.segment_header_bytes(data[:36]) == len(data)
    assert codec.decode_segment_header(data + b"entries") == codec.SegmentHeader(SEGMENT, interpretation, len(data))
    assert all(codec.decode_segment_header(data[:end]) is None for end in range(len(data)))


@given(st.data())
def test_a_flipped_bit_in_a_segment_header_is_noticed(data: st.DataObject) -> None:
    header = bytearray(codec.encode_segment_header(SEGMENT, b'{"a": 1}'))
    bit = data.draw(st.integers(0, len(header) * 8 - 1))
    header[bit // 8] ^= 1 << bit % 8
    assert codec.decode_segment_header(bytes(header)) is None


def test_the_largest_interpretation_can_be_read_and_a_larger_one_is_refused() -> None:
    header = codec.encode_segment_header(SEGMENT, bytes(INTERPRETATION_BYTES_MAX))
    assert codec.decode_segment_header(header) is not None
    with pytest.raises(ConfigError, match="fewer listeners and senders"):
        codec.encode_segment_header(SEGMENT, bytes(INTERPRETATION_BYTES_MAX + 1))


def test_an_entry_above_the_bound_is_refused_by_the_encoder() -> None:
    with pytest.raises(ValueError, match="at most"):
        codec.encode_entry(draft(bytes(ENTRY_BYTES_MAX)), 0, SEED)
