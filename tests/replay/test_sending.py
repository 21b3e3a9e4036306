from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from shipper.errors import Permanent
from shipper.replay.feed import Outgoing
from shipper.replay.over_time import OverTime
from shipper.replay.pace import Evenly, Original, Pace, Poisson, Ramp, Steady, Unpaced
from shipper.replay.senders import Handed
from shipper.replay.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Clock:
    """A clock on which a wait takes as long as it should, or longer."""

    def __init__(self, *, jitter_s: float = 0.0, stop_at_s: float = float("inf")) -> None:
        self.now_s = 1_000.0
        self.waits = 0
        self._jitter_s = jitter_s
        self._stop_at_s = 1_000.0 + stop_at_s
        self._rng = random.Random(2)

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.waits += 1
            self.now_s += seconds + self._rng.random() * self._jitter_s
        return self.now_s >= self._stop_at_s


class Recorder:
    """A sender that takes its time, and may lose every n-th line."""

    def __init__(self, clock: Clock, *, line_s: float = 0.0, loses_each: int = 0) -> None:
        self.handed = Handed()
        self.at_s: list[float] = []
        self.raws: list[bytes] = []
        self._clock = clock
        self._line_s = line_s
        self._loses_each = loses_each

    def send(self, lines: Sequence[bytes]) -> None:
        for raw in lines:
            self._clock.now_s += self._line_s
            self.at_s.append(self._clock.now_s - 1_000)
            self.raws.append(raw)
            if self._loses_each and len(self.raws) % self._loses_each == 0:
                self.handed.lost["EAGAIN"] += 1
            else:
                self.handed.lines += 1

    def close(self) -> None: ...


def outgoing(count: int, gap_us: int = 0) -> Iterator[Outgoing]:
    return (Outgoing(b"%d" % number, number * gap_us, "file", number, cut=False) for number in range(count))


def sent(pace: Pace, count: int, clock: Clock, sender: Recorder, gap_us: int = 0) -> Sending:
    sending = Sending(sender, pace, clock, clock.wait, lambda _: None)
    sending.run(outgoing(count, gap_us))
    return sending


@pytest.mark.parametrize("lines_per_s", [1, 700, 7_000, 20_000])
def test_a_rate_is_reached_and_no_line_goes_early(lines_per_s: int) -> None:
    clock = Clock(jitter_s=0.002)
    sender = Recorder(clock, line_s=0.00002)
    course = sent(Evenly(Steady(lines_per_s)), 4 * lines_per_s, clock, sender).course
    assert course.offered == sender.handed.lines == 4 * lines_per_s
    assert course.scheduled_s == pytest.approx(4)
    assert course.took_s == pytest.approx(4, rel=0.01)
    assert all(at_s >= number / lines_per_s - 1e-9 for number, at_s in enumerate(sender.at_s))
    assert course.late_s_max < 0.005


def test_lines_keep_their_order_and_gaps() -> None:
    clock = Clock()
    sender = Recorder(clock)
    course = sent(Original(2), 5, clock, sender, gap_us=3_000_000).course
    assert sender.raws == [b"0", b"1", b"2", b"3", b"4"]
    assert sender.at_s == pytest.approx([0, 1.5, 3, 4.5, 6])
    assert course.scheduled_s == pytest.approx(6)


def test_a_sender_that_is_too_slow_is_told_by_what_was_reached() -> None:
    clock = Clock()
    course = sent(Evenly(Steady(1_000)), 2_000, clock, Recorder(clock, line_s=0.002)).course
    assert course.scheduled_s == 2
    assert course.took_s == pytest.approx(4, rel=0.05)
    assert course.late_s_max > 1.5


def test_a_pause_of_the_machine_is_caught_up() -> None:
    clock = Clock()
    sender = Recorder(clock)
    sending = Sending(sender, Evenly(Steady(1_000)), clock, clock.wait, lambda _: None)

    def lines() -> Iterator[Outgoing]:
        for line in outgoing(3_000):
            if line.raw == b"1000":
                clock.now_s += 0.5
            yield line

    sending.run(lines())
    assert sending.course.took_s == pytest.approx(3, rel=0.01)
    assert sending.course.late_s_max == pytest.approx(0.5, rel=0.01)


def test_without_a_pace_nothing_waits() -> None:
    clock = Clock()
    course = sent(Unpaced(), 10_000, clock, Recorder(clock)).course
    assert clock.waits == 0
    assert (course.offered, course.scheduled_s, course.late_s_max) == (10_000, 0, 0)


def test_a_stop_ends_it_soon_even_in_a_long_gap() -> None:
    clock = Clock(stop_at_s=10)
    course = sent(Original(1), 3, clock, Recorder(clock), gap_us=3_600_000_000).course
    assert (course.offered, course.stopped) == (1, True)
    assert clock.now_s < 1_011


def test_the_progress_is_told_in_long_gaps_as_well() -> None:
    clock = Clock()
    told: list[int] = []
    sending = Sending(Recorder(clock), Original(1), clock, clock.wait, lambda lines: told.append(len(lines)))
    sending.run(outgoing(2, gap_us=10_000_000))
    assert told.count(1) == 2
    assert told.count(0) > 40


def test_lines_in_front_of_a_damaged_place_are_sent() -> None:
    clock = Clock()
    sender = Recorder(clock)

    def lines() -> Iterator[Outgoing]:
        yield from outgoing(10)
        raise Permanent("damaged")

    sending = Sending(sender, Evenly(Steady(1)), clock, clock.wait, lambda _: None)
    with pytest.raises(Permanent):
        sending.run(lines())
    assert (sending.course.offered, sender.handed.lines) == (10, 10)


def test_what_was_offered_sent_and_lost_adds_up_over_time() -> None:
    clock = Clock()
    sender = Recorder(clock, loses_each=10)
    course = sent(Poisson(Ramp(100, 1_000, 10), random.Random(5)), 5_500, clock, sender).course
    intervals = course.over_time.intervals
    assert sum(each.offered for each in intervals) == course.offered == 5_500
    assert sum(each.sent for each in intervals) == sender.handed.lines
    assert sum(each.lost for each in intervals) == 550
    assert intervals[0].offered < 250
    assert intervals[8].offered > 750


def test_the_intervals_are_bounded_and_lose_nothing() -> None:
    over_time = OverTime()
    for second in range(10_000):
        over_time.at(second + 0.5).sent += 1
    assert over_time.interval_s == 32
    assert len(over_time.intervals) <= 600
    assert [each.sent for each in over_time.intervals][:2] == [32, 32]
    assert sum(each.sent for each in over_time.intervals) == 10_000
