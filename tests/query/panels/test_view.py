"""What the parameters of a URL can do, and what they cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Index
from shipper.limits import PANEL_FILTERS_MAX, PANEL_VALUE_CHARS_MAX
from shipper.query.panels import Panels, UnansweredError, View
from shipper.query.panels._panels import SEARCHES
from tests.query.panels.site import START_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOW_MS = START_MS + 12_345
NAMES = ("frontend", "backend", "server", "method", "path", "termination")
KNOWN = (*NAMES, "from", "to", "status", "phase", "shift", "order", "limit", "field", "at_least_ms", "below_ms")
TEXTS = st.text(max_size=30) | st.sampled_from(["now", "now-1h", "now-90d", "5xx", "total", "day", "7", "p99"])
PARAMETERS = st.dictionaries(st.sampled_from(KNOWN) | st.text(), st.lists(TEXTS, max_size=4))


class Silent:
    """A client that nobody may ask."""

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        raise AssertionError((method, path, body))


def panels(now_ms: int = NOW_MS) -> Panels:
    return Panels(Silent(), Index(), lambda: now_ms, {})


@given(st.sampled_from([*SEARCHES, "line"]), PARAMETERS)
def test_any_parameters_are_a_question_or_a_reason(name: str, parameters: dict[str, list[str]]) -> None:
    try:
        asked = panels().ask(name, parameters)
    except UnansweredError as error:
        assert (error.kind, bool(error.what), bool(error.todo)) == ("bad_request", True, True)  # noqa: PT017 -- either
    else:
        assert asked is not None


@given(st.sampled_from(list(SEARCHES)), st.sampled_from(NAMES), st.text(min_size=1).map(lambda text: f"\0{text}"))
def test_what_is_typed_is_only_ever_a_value_among_terms(name: str, by: str, typed: str) -> None:
    body = SEARCHES[name].search(View.of({by: [typed]}, NOW_MS))
    places = list(_places(body, typed))
    assert all(place[-3] == "terms" for place in places)
    assert typed not in _keys(body)


def _places(tree: Any, text: str, above: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:  # noqa: ANN401 -- JSON
    if isinstance(tree, str) and text in tree:
        yield above
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list | tuple) else ()
    for key, child in children:
        yield from _places(child, text, (*above, key))


def _keys(tree: Any) -> set[str]:  # noqa: ANN401 -- JSON
    if isinstance(tree, dict):
        return set(tree) | {key for child in tree.values() for key in _keys(child)}
    return {key for child in tree for key in _keys(child)} if isinstance(tree, list | tuple) else set()


@pytest.mark.parametrize("name", SEARCHES)
def test_who_looks_again_within_a_slot_asks_the_same(name: str) -> None:
    asked = [panels(START_MS + ms).ask(name, {"from": ["now-1h"]}) for ms in (1, 59_999, 60_001)]
    texts = [None if each is None else each.text for each in asked]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("name", SEARCHES)
def test_what_is_asked_can_be_written_and_uses_no_script(name: str) -> None:
    written = json.dumps(SEARCHES[name].search(View.of({}, NOW_MS)))
    assert "script" not in written
    assert "query_string" not in written


def test_without_parameters_it_is_the_last_hour() -> None:
    window = View.of({}, NOW_MS).window
    assert (window.from_ms, window.to_ms) == (START_MS - 3_600_000, START_MS + 60_000)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"from": ["yesterday"]}, "From yesterday"),
        ({"from": ["now"], "to": ["now-1h"]}, "^The end of the time range must come after its start\\. "),
        ({"from": ["2150-01-01T00:00:00Z"], "to": ["2151-01-01T00:00:00Z"]}, "1970 to 2100|1970 and 2100"),
        ({"status": ["5"]}, "Status 5"),
        ({"phase": ["lunch"]}, "Parameter phase: one of request, queue"),
        ({"limit": ["501"]}, "Parameter limit"),
        ({"limit": ["-1"]}, "Parameter limit"),
        ({"at_least_ms": ["1e3"]}, "Parameter at_least_ms: a number"),
        ({"at_least_ms": ["٣"]}, "Parameter at_least_ms: a number"),
        ({"backend": ["b"] * (PANEL_FILTERS_MAX + 1)}, "filter values"),
        ({"theme": ["t" * (PANEL_VALUE_CHARS_MAX + 1)]}, "characters"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_expected(parameters: dict[str, list[str]], said: str) -> None:
    with pytest.raises(UnansweredError, match=said):
        View.of(parameters, NOW_MS)


def test_the_pages_own_parameters_are_left_alone() -> None:
    assert View.of({"axis": ["log"], "theme": ["dark"], "compare": ["day"]}, NOW_MS) == View.of({}, NOW_MS)


@pytest.mark.parametrize(
    ("index", "id_"),
    [
        ("haproxy-2026.11.20", "../_search"),
        ("haproxy-2026.11.20", ""),
        ("haproxy-2026.11.20", "a" * 513),
        ("haproxy-2026.11.20,secrets", "a"),
        ("haproxy-*", "a"),
        ("haproxy-x", "a"),
        ("secrets", "a"),
        ("..", "a"),
        ("", "a"),
    ],
)
def test_only_lines_of_the_daily_indices_can_be_had(index: str, id_: str) -> None:
    with pytest.raises(UnansweredError, match="index and id"):
        panels().ask("line", {"index": [index], "id": [id_]})


def test_what_is_no_panel_is_no_question() -> None:
    assert panels().ask("_search", {}) is None
