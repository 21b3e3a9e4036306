"""What `shipper top` counts, and how it reads a journal that is being written."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.errors import StateError
from shipper.haproxy.formats import Format
from shipper.jobs.top import Top
from shipper.jobs.top_window import OTHERS, View, Window
from shipper.journal import Bounds, StateFolder, Writer
from shipper.limits import TOP_EVENTS_MAX, TOP_GROUPS_MAX, TOP_NAME_CHARS_MAX
from shipper.query import Dimension, Filters, Percents, Phase, Question, exactly
from tests.haproxy.lines import HEADERS, RECEIVED_US, Values, interpreted
from tests.journal.drafts import Clock, draft

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.journal import Lock

SECOND_US = 1_000_000
NOW_US = RECEIVED_US
QUESTION = Question((Phase.TOTAL, Phase.RESPONSE), (Dimension.BACKEND, Dimension.SERVER))
PERCENTS = Percents.parse("0.1,50,75,90,99,99.9,100")


def traffic() -> dict[str, Any]:
    """Give what a line of traffic says."""
    return {
        "haproxy.line": "traffic",
        "haproxy.backend_name": "shop",
        "haproxy.server_name": "s1",
        "haproxy.termination_state": "----",
        "http.response.status_code": 200,
        "haproxy.time.total_ms": 5,
    }


def window(question: Question = QUESTION, window_s: int = 60) -> Window:
    return Window(question, window_s, NOW_US - 3600 * SECOND_US)


def counted(*documents: dict[str, Any], question: Question = QUESTION) -> View:
    """Give the view of documents that come now."""
    counts = window(question)
    for document in documents:
        counts.came(NOW_US, 1, 0)
        counts.add(NOW_US, document)
    return counts.view(NOW_US)


# -- the window ------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 200), st.one_of(st.none(), st.integers(0, 40_000))), max_size=300))
def test_percentiles_are_those_of_the_sorted_times_within_the_window(lines: list[tuple[int, int | None]]) -> None:
    counts = window(window_s=60)
    for age_s, ms in lines:
        counts.came(NOW_US - age_s * SECOND_US, 1, 0)
        counts.add(NOW_US - age_s * SECOND_US, traffic() | ({} if ms is None else {"haproxy.time.response_ms": ms}))
    view = counts.view(NOW_US)
    times = sorted(ms for age_s, ms in lines if age_s <= 60 and ms is not None)
    found = exactly(view.whole.times.get(Phase.RESPONSE, {}), PERCENTS)
    expected = [times[math.ceil(percent * len(times) / 100) - 1] if times else None for percent in PERCENTS.values]
    assert (found.population, list(found.values)) == (len(times), expected)
    assert view.whole.requests == view.lines == sum(age_s <= 60 for age_s, _ in lines)
    assert view.seconds == 60


def test_what_has_left_the_window_is_forgotten() -> None:
    counts = window(window_s=10)
    counts.came(NOW_US, 1, 0)
    counts.add(NOW_US, traffic())
    assert counts.view(NOW_US + 10 * SECOND_US).whole.requests == 1
    assert counts.view(NOW_US + 11 * SECOND_US).whole.requests == 0
    assert counts.view(NOW_US + 11 * SECOND_US).groups == {}


def test_a_window_that_has_just_begun_covers_the_time_since() -> None:
    counts = Window(QUESTION, 60, NOW_US)
    for _ in range(30):
        counts.came(NOW_US, 1, 0)
        counts.add(NOW_US, traffic())
    view = counts.view(NOW_US + 3 * SECOND_US)
    assert view.seconds == 3
    assert view.rate(view.whole.requests) == 10


def test_rates_stand_for_all_lines_when_only_some_were_read() -> None:
    counts = Window(QUESTION, 60, NOW_US)
    counts.came(NOW_US, 400, 0)
    for _ in range(100):
        counts.add(NOW_US, traffic())
    view = counts.view(NOW_US + 2 * SECOND_US)
    assert (view.lines, view.read, view.scale) == (400, 100, 4)
    assert view.rate(view.whole.requests) == 200


def test_errors_and_endings_are_told_apart_and_counted_once() -> None:
    view = counted(
        traffic(),
        traffic() | {"http.response.status_code": 503},
        traffic() | {"http.response.status_code": 504, "haproxy.termination_state": "sH--"},
        traffic() | {"haproxy.termination_state": "CD--"},
        traffic() | {"haproxy.termination_state": "LR--", "http.response.status_code": 302},
    )
    assert (view.whole.requests, view.whole.errors, view.whole.abnormal, view.whole.failed) == (5, 2, 2, 3)
    assert view.whole.states == {"sH--": 1, "CD--": 1}


def test_lines_are_grouped_and_those_without_a_value_are_a_group_too() -> None:
    nameless = traffic()
    del nameless["haproxy.server_name"]
    view = counted(traffic(), traffic() | {"haproxy.server_name": "s2"}, traffic(), nameless)
    assert {group: tally.requests for group, tally in view.groups.items()} == {
        ("shop", "s1"): 2,
        ("shop", "s2"): 1,
        ("shop", None): 1,
    }


def test_only_closing_lines_of_traffic_that_fit_the_filters_count() -> None:
    question = Question(by=(), filters=Filters.parse(["status:5xx"]))
    failed = traffic() | {"http.response.status_code": 500}
    view = counted(
        traffic(),
        failed,
        failed | {"haproxy.log_step": "accept"},
        failed | {"haproxy.log_step": "close"},
        {"haproxy.line": "unparsed"},
        question=question,
    )
    assert (view.lines, view.read, view.whole.requests, view.unparsed) == (5, 5, 2, 1)


def test_groups_beyond_the_bound_are_counted_together_and_long_names_are_cut() -> None:
    question = Question(by=(Dimension.PATH,))
    documents = [traffic() | {"url.path_pattern": f"/{number}" + "x" * 9_999} for number in range(TOP_GROUPS_MAX + 5)]
    view = counted(*documents, question=question)
    assert len(view.groups) == TOP_GROUPS_MAX + 1
    assert view.groups[OTHERS,].requests == 5
    assert all(len(str(name)) <= TOP_NAME_CHARS_MAX for (name,) in view.groups)


def test_the_last_events_of_servers_and_proxies_are_kept_and_those_of_connections_are_not() -> None:
    events = [{"haproxy.line": "event", "message": f"Server web/s{number} is DOWN."} for number in range(10)]
    connect = {"haproxy.line": "event", "message": "Connect from …", "event.category": "network"}
    view = counted(*events, connect)
    assert [event.text for event in view.events] == [f"Server web/s{9 - n} is DOWN." for n in range(TOP_EVENTS_MAX)]


def test_what_was_dropped_is_said() -> None:
    counts = window()
    counts.came(NOW_US, 0, 7)
    assert counts.view(NOW_US).dropped == 7


# -- the journal -----------------------------------------------------------------------------------------------------


class Cpu:
    """A clock of the process's own time, by which each reading takes ``step_s``."""

    def __init__(self) -> None:
        self.step_s = 0.0
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += self.step_s
        return self._now_s


class Running:
    """A state folder that is in use, and a journal that is written."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(NOW_US)
        self.cpu = Cpu()
        self.state = StateFolder(folder)
        self.lock: Lock = self.state.lock()
        self.begin(Interpretation())

    def begin(self, interpretation: Interpretation) -> None:
        """Write on as another life of the shipper does."""
        self.clock.now_us += 1_000
        self.journal = Writer(
            self.state.journal,
            interpretation.model_dump_json().encode(),
            Bounds(sync_interval_s=None, free_share_min=0.0),
            clock_us=self.clock,
        )

    def receive(self, *lines: bytes) -> None:
        """Let lines come now."""
        self.journal.append(draft(*lines, received_us=self.clock.now_us))

    def top(self, question: Question = QUESTION) -> Top:
        return Top(self.state, question, 60, Interpretation(), clock_us=self.clock, cpu_s=self.cpu)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    world = Running(tmp_path)
    yield world
    world.lock.close()


def line(*, status: bytes = b"200", server: bytes = b"shop1") -> bytes:
    return HEADERS["local"] + Values(status=status, s=server).line()


def seen(top: Top) -> View:
    top.look()
    return top.view()


def test_what_comes_is_counted_as_it_will_be_indexed(running: Running) -> None:
    top = running.top()
    lines = [line(status=status) for status in (b"200", b"503", b"-1")]
    running.receive(*lines, b"Server shop/s1 is DOWN.", b"what is this")
    view = seen(top)
    documents = [interpreted(raw) for raw in lines]
    assert (view.lines, view.read, view.unparsed, view.whole.requests, view.whole.errors) == (5, 5, 1, 3, 1)
    assert view.whole.times[Phase.TOTAL] == {documents[0]["haproxy.time.total_ms"]: 3}
    assert set(view.groups) == {(documents[0]["haproxy.backend_name"], documents[0]["haproxy.server_name"])}
    assert [event.text for event in view.events] == ["Server shop/s1 is DOWN."]


def test_lines_are_read_with_the_interpretation_of_their_segment(running: Running) -> None:
    top = running.top()
    assert seen(top).read == 0
    running.begin(Interpretation(formats=(Format(name="own", log_format="own %b %s %ST %Ta"),)))
    running.receive(b"own shop s7 200 42")
    view = seen(top)
    assert view.unparsed == 0
    assert view.groups["shop", "s7"].times == {Phase.TOTAL: {42: 1}}


def test_a_segment_whose_interpretation_is_of_another_version_is_read_as_today(running: Running) -> None:
    top = running.top()
    running.clock.now_us += 1_000
    journal = Writer(running.state.journal, b'{"of": "2030"}', Bounds(sync_interval_s=None), clock_us=running.clock)
    journal.append(draft(line(), received_us=running.clock.now_us))
    assert seen(top).whole.requests == 1


def test_the_first_look_goes_back_as_far_as_the_window(running: Running) -> None:
    running.receive(line(server=b"old"))
    running.clock.now_us += 61 * SECOND_US
    running.receive(line(server=b"new"))
    running.clock.now_us += 20 * SECOND_US
    view = seen(running.top())
    assert [group[1] for group in view.groups] == ["new"]
    assert view.seconds == pytest.approx(60, abs=1)


def test_lines_that_came_while_it_stood_still_are_not_read_once_they_are_too_old(running: Running) -> None:
    top = running.top()
    running.receive(line())
    running.clock.now_us += 600 * SECOND_US
    view = seen(top)
    assert (view.lines, view.read) == (0, 0)


def test_when_more_comes_than_it_may_read_it_reads_every_nth_entry_and_counts_all(running: Running) -> None:
    top = running.top()
    running.cpu.step_s = 2.0
    for _ in range(20):
        running.clock.now_us += SECOND_US
        for _ in range(100):
            running.receive(*[line()] * 20)
        top.look()
    view = top.view()
    assert view.lines == 40_000
    assert view.read < view.lines / 2
    assert view.whole.requests == view.read
    rate = view.rate(view.whole.requests)
    assert rate == pytest.approx(view.lines / view.seconds)


def test_without_a_shipper_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there is none; name that of a running one with --state-dir"):
        Top(StateFolder(tmp_path / "none"), QUESTION, 60, Interpretation(), clock_us=Clock(), cpu_s=Cpu())
    with pytest.raises(StateError, match="no shipper runs on it"):
        Top(StateFolder(tmp_path), QUESTION, 60, Interpretation(), clock_us=Clock(), cpu_s=Cpu())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error_that_says_so(running: Running) -> None:
    running.state.root.chmod(0)
    with pytest.raises(StateError, match="as the user of shipper"):
        running.top()
    running.state.root.chmod(0o700)


def test_a_shipper_that_ends_and_comes_back_is_noticed(running: Running) -> None:
    top = running.top()
    before = top.is_running
    running.lock.close()
    between = top.is_running
    running.lock = running.state.lock()
    running.begin(Interpretation())
    running.receive(line())
    assert (before, between, top.is_running) == (True, False, True)
    assert seen(top).whole.requests == 1
