"""The dashboard as a person uses it: a real browser, a real server, a real Elasticsearch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard_site import PANELS, PHONE, RANGE, settle, show
from tests.query.panels.site import MARKUP

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

SCHEMES: Final = ("light", "dark")


def view(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def asked(page: Page, url: str, name: str, query: str = RANGE) -> Any:  # noqa: ANN401 -- JSON
    return page.request.get(f"{url}api/{name}?{query}").json()


def test_every_panel_shows_the_traffic(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    states = {name: page.locator(f"#{name}").get_attribute("data-state") for name in PANELS}
    assert states == dict.fromkeys(PANELS, "ready")
    found = asked(page, dashboard_url, "percentiles")
    expect(page.locator("#percentiles .sub")).to_contain_text(f"{found['population']:,} requests have this timer")
    expect(page.locator("[data-key='50'] b")).to_have_text(re.compile(rf"^{round(found['whole']['50'])} ms$"))
    expect(page.locator("#phases tbody tr")).to_have_count(6)
    expect(page.locator("#terminations")).to_contain_text("All went well")
    expect(page.locator("#health")).to_contain_text("no shipper runs")


def test_a_click_on_a_backend_filters_everything_and_the_back_button_takes_it_back(
    page: Page, dashboard_url: str
) -> None:
    show(page, dashboard_url)
    all_of_it = page.locator("#percentiles .sub").inner_text()
    page.locator("#backends").get_by_role("button", name="shop", exact=True).click()
    settle(page)
    assert view(page)["backend"] == ["shop"]
    expect(page.locator("#chips")).to_contain_text("shop")
    expect(page.locator("#backends tbody tr")).to_have_count(1)
    expect(page.locator("#percentiles .sub")).not_to_have_text(all_of_it)
    page.go_back()
    settle(page)
    assert "backend" not in view(page)
    expect(page.locator("#percentiles .sub")).to_have_text(all_of_it)
    page.go_forward()
    page.get_by_role("button", name="Remove the filter backend shop").click()
    settle(page)
    expect(page.locator("#percentiles .sub")).to_have_text(all_of_it)


def test_the_servers_of_a_backend_unfold_and_filter(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.get_by_role("button", name="Servers of shop").click()
    expect(page.get_by_role("button", name="Servers of shop")).to_be_focused()
    page.locator("#backends tr.child").get_by_role("button", name="shop-2", exact=True).click()
    settle(page)
    assert view(page)["server"] == ["shop-2"]
    expect(page.locator("#lines td:nth-child(5)").first).to_have_text("shop/shop-2")


@pytest.mark.parametrize(
    ("panel", "name", "field"),
    [("rate", "4xx", "status"), ("terminations", "sH--", "termination"), ("lines", "GET", "method")],
)
def test_values_filter_where_they_are_shown(page: Page, dashboard_url: str, panel: str, name: str, field: str) -> None:
    show(page, dashboard_url)
    page.locator(f"#{panel}").get_by_role("button", name=name, exact=True).first.click()
    settle(page)
    assert view(page)[field] == [name]
    found = asked(page, dashboard_url, "percentiles", f"{RANGE}&{field}={name}")
    expect(page.locator("#percentiles .sub")).to_contain_text(f"{found['lines']:,} requests")


def test_a_filter_is_added_by_name_from_the_values_that_there_are(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.keyboard.press("f")
    page.locator("#filter-field").select_option("server")
    page.locator("#filter-found").get_by_role("button", name="api-1").wait_for()
    page.locator("#filter-value").fill("api-1")
    expect(page.locator("#filter-found button:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    settle(page)
    assert view(page)["server"] == ["api-1"]


def test_a_range_is_chosen_from_the_list_or_typed(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.locator("#range").click()
    page.locator("#custom-from").fill("2026-11-20T10:30:00")
    page.locator("#custom-to").fill("2026-11-20T10:20:00")
    page.locator("#custom").get_by_role("button", name="Show").click()
    expect(page.locator("#custom-fault")).to_contain_text("end after it begins")
    page.locator("#custom-to").fill("2026-11-20T10:40:00")
    page.locator("#custom").get_by_role("button", name="Show").click()
    settle(page)
    assert (view(page)["from"], view(page)["to"]) == (["2026-11-20T10:30:00.000Z"], ["2026-11-20T10:40:00.000Z"])
    expect(page.locator("#range")).to_have_text("2026-11-20 10:30:00 \N{EN DASH} 10:40:00")
    page.keyboard.press("z")
    settle(page)
    assert (view(page)["from"], view(page)["to"]) == (["2026-11-20T10:25:00.000Z"], ["2026-11-20T10:45:00.000Z"])
    page.locator("#range").click()
    page.get_by_role("button", name="Last 15 minutes").click()
    settle(page)
    assert view(page)["from"] == ["now-15m"]


def test_dragging_over_a_chart_chooses_a_range(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    place = page.locator("#rate .u-over").bounding_box()
    assert place is not None
    middle = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.5, middle, steps=5)
    page.mouse.up()
    settle(page)
    assert (view(page)["from"][0][:16], view(page)["to"][0][:16]) in {
        ("2026-11-20T10:30", "2026-11-20T11:00"),
        ("2026-11-20T10:29", "2026-11-20T10:59"),
        ("2026-11-20T10:29", "2026-11-20T11:00"),
        ("2026-11-20T10:30", "2026-11-20T10:59"),
    }
    page.go_back()
    settle(page)
    assert view(page)["to"] == ["2026-11-20T12:00:00Z"]


def test_a_chart_is_read_and_its_range_chosen_by_keyboard(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.locator("#rate .chart").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".spoken")).to_have_text(re.compile(r"^2026-11-20 10:0\d:00, .*2xx"))
    page.keyboard.press("Enter")
    settle(page)
    assert view(page)["from"][0][:15] == "2026-11-20T10:0"
    assert view(page)["to"][0][:15] == "2026-11-20T10:0"


def test_a_click_into_the_heat_map_lists_the_requests_of_a_cell(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url, "from=2026-11-20T10:29:00Z&to=2026-11-20T10:33:00Z&zone=utc")
    bounds = asked(page, dashboard_url, "heatmap", "from=2026-11-20T10:29:00Z&to=2026-11-20T10:33:00Z")["bounds_ms"]
    place = page.locator("#heatmap .u-over").bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + place["width"] * 0.26, place["y"] + 4)  # 10:30, the slowest
    settle(page)
    low = int(view(page)["at_least_ms"][0])
    assert low == max(bound for bound in bounds if bound <= 50_001)
    expect(page.locator("#lines td.request")).to_have_text("GET /slow")
    page.get_by_role("button", name="Remove the filter requests").click()
    settle(page)
    assert "at_least_ms" not in view(page)


def test_a_slow_request_opens_as_it_is_explained(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.locator("#lines tbody a").first.click()
    sheet = page.locator("#line")
    expect(sheet.locator(".headline")).to_contain_text("sent GET /slow to www")
    expect(sheet.locator(".waterfall")).to_contain_text("ended after 50.0 s")
    expect(sheet.locator("[data-level=fault]")).to_contain_text("The server did not send response headers in time")
    expect(sheet.locator("details").first).to_contain_text("haproxy.termination_state")
    link = page.url
    page.keyboard.press("j")
    expect(sheet.locator(".headline")).not_to_contain_text("/slow")
    page.go_back()
    expect(sheet.locator(".headline")).to_contain_text("/slow")
    page.go_back()
    expect(sheet).to_be_hidden()
    page.goto(link)
    expect(sheet.locator(".headline")).to_contain_text("/slow")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page).not_to_have_url(re.compile("line="))


def test_phases_axes_and_lines_are_chosen_and_stay_in_the_address(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.locator("#phases").get_by_role("button", name="response").click()
    page.get_by_role("button", name="linear").click()
    page.locator("[data-key='max']").click()
    page.locator("#compare").select_option("day")
    settle(page)
    assert {key: view(page)[key] for key in ("phase", "axis", "hide", "compare")} == {
        "phase": ["response"],
        "axis": ["linear"],
        "hide": ["max"],
        "compare": ["day"],
    }
    expect(page.locator("#percentiles .sub")).to_contain_text("the server thinks. Dashed: a day before, 0 requests.")
    page.reload()
    settle(page)
    expect(page.locator("[data-key='max']")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#lines .note")).to_contain_text("The slowest by response")


def test_what_visitors_typed_is_text_and_nothing_else(page: Page, dashboard_url: str) -> None:
    page.on("dialog", lambda _: pytest.fail("a log line ran in the page"))
    show(page, dashboard_url, f"{RANGE}&order=latest&server=shop-2&path=/{MARKUP}")
    expect(page.locator("#lines td.request")).to_contain_text(MARKUP)
    expect(page.locator("#paths td.path")).to_have_text(f"/{MARKUP}")
    expect(page.locator("#chips")).to_contain_text(MARKUP)
    page.locator("#lines tbody a").first.click()
    expect(page.locator("#line .headline")).to_contain_text(MARKUP)
    assert page.locator("main script, main img, dialog script, dialog img").count() == 0


def test_an_empty_range_says_what_to_do(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url, f"{RANGE}&backend=nobody")
    expect(page.locator("#rate .message")).to_contain_text("No traffic in this range with these filters.")
    page.locator("#rate").get_by_role("button", name="Remove the filters").click()
    settle(page)
    expect(page.locator("#rate")).to_have_attribute("data-state", "ready")


def test_a_question_that_was_overtaken_is_given_up(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.url))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"api/percentiles.*phase=queue"), hold)
    page.locator("#phases").get_by_role("button", name="queue").click()
    page.locator("#phases").get_by_role("button", name="data").click()
    settle(page)
    expect(page.locator("#percentiles .sub")).to_contain_text("the answer is transferred")
    assert [url for url in given_up if "percentiles" in url and "phase=queue" in url]


def test_a_live_range_is_fetched_again_but_not_in_a_hidden_tab(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url, "from=now-5m&refresh=1")
    expect(page.locator("#live")).to_contain_text("Live, every 1 s")
    with page.expect_request(re.compile("api/rate"), timeout=10_000):
        pass
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    settle(page)
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.wait_for_timeout(2500)
    assert asked_for == []
    page.evaluate("delete document.hidden")
    with page.expect_request(re.compile("api/rate"), timeout=10_000):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_shortcuts_are_listed_and_work(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("add a filter")
    page.keyboard.press("Escape")
    for key in ("t", "c", "a", "p", "o"):
        page.keyboard.press(key)
    settle(page)
    assert {key: view(page)[key][0] for key in ("theme", "compare", "axis", "phase", "order")} == {
        "theme": "dark",
        "compare": "day",
        "axis": "linear",
        "phase": "request",
        "order": "latest",
    }
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_serious_fault(
    browser: Browser,
    dashboard_url: str,
    node_modules: Path,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", timezone_id="UTC")
    page = context.new_page()
    show(page, dashboard_url)
    page.set_viewport_size({"width": width, "height": 900})
    axe = (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(axe)
    assert faults(page) == []
    page.locator("#lines tbody a").first.click()
    expect(page.locator("#line .headline")).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#filter-found")).not_to_contain_text("Looking")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    assert faults(page) == []
    context.close()


def faults(page: Page) -> list[str]:
    """Give what axe calls serious or critical, with the first place."""
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_phone_shows_one_column_without_scrolling_sideways(page: Page, dashboard_url: str) -> None:
    show(page, dashboard_url)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(page.locator("#percentiles canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    lefts = page.evaluate("[...document.querySelectorAll('.panel')].map((one) => one.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    page.locator("#lines tbody a").first.click()
    expect(page.locator("#line .headline")).to_be_visible()
    assert page.evaluate("document.querySelector('.sheet-body').scrollWidth") <= PHONE["width"]
