from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from shipper.config import Interpretation
from shipper.errors import Permanent
from shipper.replay.feed import Feed, Outgoing, Selection
from tests.replay.capture_files import START_US, capture, line

if TYPE_CHECKING:
    from pathlib import Path

UTC = Interpretation(listener_zones=("UTC",))


def fed(selection: Selection) -> tuple[list[Outgoing], Feed]:
    feed = Feed(selection, UTC)
    return list(feed.lines()), feed


def test_lines_go_out_as_they_were_captured(tmp_path: Path) -> None:
    raws = [line(0), b"anything", line(1, 1)]
    out, feed = fed(Selection((capture(tmp_path / "a", [raws[0], b"", *raws[1:]]),)))
    assert [each.raw for each in out] == raws
    assert (feed.tally.read, feed.tally.given, feed.tally.blank) == (4, 3, 1)
    assert feed.size == feed.position == (tmp_path / "a").stat().st_size


def test_several_files_are_merged_by_the_time_at_which_their_lines_were_written(tmp_path: Path) -> None:
    even = capture(tmp_path / "even", [line(number, number) for number in range(0, 20, 2)])
    odd = tmp_path / "odd.gz"
    odd.write_bytes(gzip.compress(b"".join(line(number, number) + b"\n" for number in range(1, 20, 2))))
    out, _ = fed(Selection((odd, even)))
    assert [each.raw for each in out] == [line(number, number) for number in range(20)]
    assert out[3].file == str(odd)


def test_the_lines_of_one_file_keep_their_order(tmp_path: Path) -> None:
    raws = [line(0, 5), line(1, 3), line(2, 4), line(3, 4)]
    out, _ = fed(Selection((capture(tmp_path / "a", raws), capture(tmp_path / "b", []))))
    assert [each.raw for each in out] == raws


def test_a_window_takes_its_begin_and_not_its_end(tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(number, number) for number in range(10)])
    out, feed = fed(Selection((file,), from_us=START_US + 2_000_000, until_us=START_US + 5_000_000))
    assert [each.raw for each in out] == [line(number, number) for number in (2, 3, 4)]
    assert (feed.tally.read, feed.tally.outside) == (10, 7)


def test_a_limit_ends_it_over_all_rounds(tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(number, number) for number in range(4)])
    out, feed = fed(Selection((file,), limit=6, rounds=3))
    assert [each.raw for each in out] == [line(number, number) for number in (0, 1, 2, 3, 0, 1)]
    assert feed.tally.read == 6


def test_the_times_of_a_further_round_follow_those_of_the_one_before(tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(number, number) for number in range(3)])
    out, feed = fed(Selection((file,), rounds=3, timed=True))
    assert [each.written_us - out[0].written_us for each in out] == [number * 1_000_000 for number in range(9)]
    assert feed.size == 3 * file.stat().st_size


def test_lines_move_to_another_time_and_go_on_there_in_the_next_round(tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(number, number) for number in range(3)])
    to_us = START_US + 86_400_000_000
    out, _ = fed(Selection((file,), rounds=2, to_us=to_us))
    assert [each.raw for each in out] == [line(number % 3, 86_400 + number) for number in range(6)]
    assert out[0].written_us == to_us + 5_000


def test_stretched_gaps_are_stretched_in_the_pace_as_well(tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(number, number) for number in range(3)])
    out, _ = fed(Selection((file,), rounds=2, stretch=2.0))
    assert [each.raw for each in out] == [line(number % 3, 2 * number) for number in range(6)]
    assert [each.written_us - out[0].written_us for each in out] == [number * 2_000_000 for number in range(6)]


def test_what_cannot_move_is_counted(tmp_path: Path) -> None:
    out, feed = fed(Selection((capture(tmp_path / "a", [b"no date", line(1)]),), to_us=START_US))
    assert [each.raw for each in out] == [b"no date", line(1)]
    assert feed.tally.unmoved == 1


@pytest.mark.parametrize(
    ("kind", "head"),
    [("local", b"<134>Nov 21 05:02:17 haproxy: "), ("rfc5424", b"<134>1 2026-11-21T05:02:17.005000Z - haproxy - - - ")],
)
def test_a_header_is_put_in_front_of_lines_that_have_none(kind: str, head: bytes, tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(0, header=False), line(1)])
    out, _ = fed(Selection((file,), header="local" if kind == "local" else "rfc5424"))
    assert [each.raw for each in out] == [head + line(0, header=False), line(1)]


def test_the_same_selection_gives_the_same_lines_again(tmp_path: Path) -> None:
    file = capture(tmp_path / "a", [line(number, number / 7) for number in range(50)])
    selection = Selection((file,), rounds=2, to_us=START_US, header="local", limit=77)
    assert fed(selection)[0] == fed(selection)[0]


def test_a_damaged_file_ends_there_and_the_others_go_on(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(line(number, number) + b"\n" for number in range(0, 4_000, 2)))
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(whole[: len(whole) // 2])
    other = capture(tmp_path / "other", [line(number, number) for number in range(1, 4_000, 2)])
    out, feed = fed(Selection((damaged, other), rounds=2))
    [fault] = feed.faults
    assert str(damaged) in fault
    assert sum(each.file == str(other) for each in out) == 4_000
    assert 100 < sum(each.file == str(damaged) for each in out) < 4_000


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="No such file"):
        fed(Selection((tmp_path / "missing",)))
