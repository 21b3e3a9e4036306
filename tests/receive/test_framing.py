"""Framing: however the bytes come, the lines are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.limits import LINE_BYTES_MAX
from shipper.receive._framing import Framed, LineFraming, SyslogFraming

if TYPE_CHECKING:
    from collections.abc import Iterable

LONG = b"x" * (LINE_BYTES_MAX + 1)
FULL = b"y" * LINE_BYTES_MAX


def fed(framing: LineFraming, pieces: Iterable[bytes]) -> list[Framed]:
    lines = [line for piece in pieces for line in framing.feed(piece)]
    return lines + framing.end()


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"", []),
        (b"<134>one\n<134>two\n", [(b"<134>one", False), (b"<134>two", False)]),
        (b"8 <134>one8 <134>two", [(b"<134>one", False), (b"<134>two", False)]),
        (b"8 <134>one<134>two\n8 <134>one", [(b"<134>one", False), (b"<134>two", False), (b"<134>one", False)]),
        (b"5 a\nb\nc", [(b"a\nb\nc", False)]),
        (b"one\r\n\ntwo", [(b"one\r", False), (b"", False), (b"two", False)]),
        (b"10.0.0.1:99 [", [(b"10.0.0.1:99 [", False)]),
        (b"2026-11-21T06:00:00Z x\n", [(b"2026-11-21T06:00:00Z x", False)]),
        (b"0 zero\n", [(b"0 zero", False)]),
        (b"12345678 digits\n", [(b"12345678 digits", False)]),
        (b"1234567", [(b"1234567", False)]),
        (b"20 shorter", [(b"shorter", True)]),
        (b"20 ", []),
        (LONG + b"more\nnext\n", [(LONG[:-1], True), (b"next", False)]),
        (b"%d " % len(LONG) + LONG + b"4 next", [(LONG[:-1], True), (b"next", False)]),
        (FULL + b"\nnext\n", [(FULL, False), (b"next", False)]),
        (b"%d " % len(FULL) + FULL + b"4 next", [(FULL, False), (b"next", False)]),
        (FULL, [(FULL, False)]),
        (LONG, [(LONG[:-1], True)]),
    ],
)
def test_a_stream_is_taken_apart_whole_in_pieces_and_with_a_tail(
    stream: bytes, lines: list[tuple[bytes, bool]]
) -> None:
    assert fed(SyslogFraming(), [stream]) == lines
    middle = len(stream) // 2
    assert fed(SyslogFraming(), [stream[:middle], stream[middle:]]) == lines
    if len(stream) < LINE_BYTES_MAX:
        assert fed(SyslogFraming(), [bytes([octet]) for octet in stream]) == lines


messages = st.one_of(
    st.binary(max_size=20).map(lambda text: b"%d %s" % (len(text), text)),
    st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"") + b"\n"),
    st.sampled_from([LONG + b"\n", b"%d " % len(LONG) + LONG, b"12", b" ", b"\n"]),
    st.binary(max_size=9),
)


@given(st.lists(messages, max_size=8).map(b"".join), st.lists(st.integers(0, 200_000), max_size=12))
def test_any_division_of_a_stream_gives_the_same_lines(stream: bytes, cuts: list[int]) -> None:
    ends = [*sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    for framing in (SyslogFraming, LineFraming):
        lines = fed(framing(), [stream])
        assert fed(framing(), pieces) == lines
        assert all(len(line.text) <= LINE_BYTES_MAX for line in lines)


@given(st.lists(st.binary(min_size=1, max_size=30).map(lambda text: b"<1>" + text), max_size=9))
def test_what_is_framed_by_length_comes_back(texts: list[bytes]) -> None:
    stream = b"".join(b"%d %s" % (len(text), text) for text in texts)
    assert fed(SyslogFraming(), [stream]) == [(text, False) for text in texts]


def test_plain_lines_know_no_lengths() -> None:
    assert fed(LineFraming(), [b"3 GET /\n", b"200 OK"]) == [(b"3 GET /", False), (b"200 OK", False)]


def test_no_more_is_held_than_a_line() -> None:
    framing = SyslogFraming()
    for _ in range(50):
        framing.feed(b"x" * 65_536)
    assert len(framing._rest) <= LINE_BYTES_MAX
