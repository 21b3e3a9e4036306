"""How `shipper top` shows what it counted."""

from __future__ import annotations

from collections import Counter

import pytest
from rich.console import Console

from shipper.cli._top_page import Page
from shipper.jobs.top_window import Ended, Event, View
from shipper.query import Dimension, Group, Percents, Phase, Question

BY = (Dimension.BACKEND, Dimension.STATUS)
NOW_US = 1_795_222_930_000_000


def ended(requests: int, ms: int, failed: int = 0) -> Ended:
    return Ended(requests, failed, 0, failed, times={Phase.TOTAL: Counter({ms: requests})})


def view(groups: dict[Group, Ended], *, read: int = 100, lines: int = 100) -> View:
    whole = Ended()
    for each in groups.values():
        whole.merge(each)
    events = (Event(NOW_US, "Server shop/s\x1b[2J is DOWN."),)
    return View(NOW_US, 10.0, lines, read, 0, 3, whole, groups, events)


GROUPS: dict[Group, Ended] = {
    ("shop", 200): ended(50, 10),
    ("shop", None): ended(10, 900),
    ("api", 503): ended(20, 30, failed=20),
    (None, 404): ended(20, 5),
}


def shown(page: Page, found: View, *, rows: int | None = None, width: int = 120, running: bool = True) -> list[str]:
    screen = Console(width=width, highlight=False)
    with screen.capture() as capture:
        screen.print(
            page.show(found, running=running)
            if rows is None
            else page.show_on_screen(found, running=running, rows=rows)
        )
    return capture.get().splitlines()


def names(lines: list[str]) -> list[list[str]]:
    """Give the first two columns of the groups, below that of all."""
    below = next(number for number, line in enumerate(lines) if line.startswith("(all)"))
    rows = [line.split() for line in lines[below + 1 :]]
    return [row[:2] for row in rows if len(row) > 8]


def test_groups_are_sorted_by_one_thing_after_the_other() -> None:
    page = Page(Question(by=BY))
    found = []
    for _ in range(5):
        found.append(names(shown(page, view(GROUPS))))
        page = page.reordered()
    shop, lost, api, nobody = ["shop", "200"], ["shop", "-"], ["api", "503"], ["-", "404"]
    assert found == [
        [shop, nobody, api, lost],
        [api, nobody, lost, shop],
        [lost, api, shop, nobody],
        [nobody, api, lost, shop],
        [shop, nobody, api, lost],
    ]


@pytest.mark.parametrize("rows", range(10, 20))
def test_a_view_fits_on_the_screen_and_says_what_is_left_out(rows: int) -> None:
    lines = shown(Page(Question(by=BY)), view(GROUPS), rows=rows)
    assert len(lines) <= rows
    left = [int(line.split()[1]) for line in lines if line.startswith("and ")]
    assert sum(left) + len(names(lines)) == len(GROUPS)
    assert lines[-1].startswith("q: quit")


def test_where_room_is_short_names_are_cut_and_never_numbers() -> None:
    groups: dict[Group, Ended] = {("a-backend-with-a-long-name", 200): ended(12_345, 30_000)}
    lines = shown(Page(Question(by=BY, percents=Percents.parse("50,75,99,99.9"))), view(groups), width=80)
    row = lines[-2]
    assert "…" in row
    assert row.split()[-2:] == ["30,000", "30,000"]
    assert all(len(line) <= 80 for line in lines[2:])


def test_what_is_not_as_it_should_be_stands_in_the_first_line() -> None:
    first = shown(Page(Question(by=BY)), view(GROUPS, lines=400), running=False, width=200)[0]
    assert "1 of 4.0 lines read" in first
    assert "3 dropped" in first
    assert "no shipper is running" in first


def test_several_phases_have_a_row_each_with_their_population() -> None:
    lines = shown(Page(Question((Phase.QUEUE, Phase.TOTAL), ())), view(GROUPS))
    queue = next(line.split() for line in lines if " queue " in line)
    total = next(line.split() for line in lines if " total " in line)
    assert queue[queue.index("queue") + 1] == "0"
    assert total[:2] == ["total", "100"]


def test_nothing_in_a_line_acts_on_the_terminal() -> None:
    groups: dict[Group, Ended] = {("\x1b]0;x\x07", 200): ended(1, 1)}
    text = "\n".join(shown(Page(Question(by=BY)), view(groups)))
    assert "\x1b" not in text
    assert "Server shop/s\\x1b[2J is DOWN." in text
