from __future__ import annotations

import io
import os
import signal

from shipper.replay.progress import Figures, showing
from shipper.replay.stopping import stoppable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(figures: list[tuple[float, Figures]], stream: io.StringIO | None = None, *, quiet: bool = False) -> str:
    now_s = [0.0]
    out = stream or io.StringIO()
    with showing(out, lambda: now_s[0], quiet=quiet) as progress:
        for now_s[0], each in figures:
            progress.show(each)
    return out.getvalue()


HALF = Figures(50_000, 20_000_000, 40_000_000, sent=49_990, indexed=48_000, already_there=7, refused=2, dropped=10)


def test_a_plain_line_tells_all_that_is_known() -> None:
    assert told([(10, HALF)]) == (
        " 50%  50,000 lines, 20.0 of 40.0 MB, 5,000 lines/s, 0:00:10 left, "
        "49,990 sent, 48,000 indexed, 7 already there, 2 refused, 10 dropped\n"
    )


def test_what_is_waited_for_is_told() -> None:
    waiting = Figures(1_000, troubles={"haproxy-2026.11.21": "[template] is missing"})
    assert told([(10, waiting)]).endswith("waits for haproxy-2026.11.21: [template] is missing\n")
    assert "[template]" in told([(10, waiting)], Terminal())


def test_what_nobody_knows_is_left_out() -> None:
    assert told([(10, Figures(1_000, 5_000_000))]) == "1,000 lines, 5.0 MB, 100 lines/s\n"


def test_a_limit_tells_what_is_left_as_well() -> None:
    assert "75%" in told([(10, Figures(750, 1_000, 1_000_000, lines_limit=1_000))])


def test_plain_lines_come_every_few_seconds_and_the_rate_is_that_since_the_last() -> None:
    lines = told([(second, Figures(second * second * 100)) for second in range(1, 12)]).splitlines()
    assert lines == ["2,500 lines, 500 lines/s", "10,000 lines, 1,500 lines/s"]


def test_the_rate_of_a_replay_that_follows_another_is_its_own() -> None:
    lines = told([(10, Figures(1_000)), (20, Figures(50)), (30, Figures(100))]).splitlines()
    assert lines[1:] == ["50 lines, 5 lines/s", "100 lines, 5 lines/s"]


def test_a_terminal_gets_a_bar() -> None:
    shown = told([(10, HALF)], Terminal())
    assert "━" in shown
    assert "5,000 lines/s" in shown
    assert "10 dropped" in shown


def test_what_comes_next_is_said_at_once() -> None:
    for stream in (io.StringIO(), Terminal()):
        with showing(stream, lambda: 0.0) as progress:
            progress.say("verifying [all]")
        assert "verifying [all]" in stream.getvalue()


def test_quiet_is_quiet() -> None:
    assert told([(10, HALF)], quiet=True) == ""


def test_a_signal_asks_for_a_stop_and_is_told_as_shells_do() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stoppable() as stopping:
        assert not stopping.wait(0.001)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.wait(5)
        assert stopping.exit_code == 143
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is before


def test_without_a_signal_there_is_no_exit_code() -> None:
    with stoppable() as stopping:
        stopping.ask()
        assert stopping.is_set()
        assert stopping.exit_code == 0
