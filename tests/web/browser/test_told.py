"""What was once told wrongly, thing by thing: each of these failed before it was mended."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, Route, expect

from headgate.core.home.facts import FreezeSet
from headgate.core.machine.events import ReleaseAborted, ReleasePaused, ReleaseResumed, StepApproved
from headgate.core.model import Listener, Stage, Unit
from headgate.core.model.criteria import MeanCriterion
from headgate.core.release.submission import Submission
from headgate.ledger import MemoryLedger
from tests.controller.house import Home, play
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.screenshots import KEEP_PLOTS
from tests.web.browser.visit import PAGES, PHONE, WIDE, Visit, visiting
from tests.web.shop import JUDGE, ORDERS, Shop, past, version, wish

pytestmark = pytest.mark.xdist_group("browser")

WITHIN_MS = 30_000
LONG = (Stage(weight=20, bake_s=600.0),)
SERVICES = 90
MANY = [Unit("shop", "production", f"service-{number:02}") for number in range(SERVICES)]


def wanted(number: int, digit: str, label: str, stages: tuple[Stage, ...] = LONG) -> Submission:
    """Move one of them; each has a port of its own."""
    asked = wish(digit, label, unit=MANY[number], stages=stages)
    return replace(asked, intents=(replace(asked.intents[0], listener=Listener(9000 + number)),))


def crowded() -> Home:
    """A home with many services, each released once."""
    home = Home(Shop(), MemoryLedger())

    async def story() -> None:
        controller = await home.start()
        for number in range(SERVICES):
            await home.until_closed(await controller.submit(wanted(number, "a", "v1")))
        await controller.close()
        await asyncio.sleep(0)

    home.wall = time.time() - 3600.0
    play(story)
    home.house.flowed_at = 0.0
    return home


def test_what_waits_and_what_moves_comes_first_among_many_services(browser: Browser) -> None:
    with Dashboard(crowded).running() as dashboard:
        pause = (Stage(pause="look at the orders"),)
        waiting = dashboard.submit(wanted(71, "b", "v2", pause))
        moving = dashboard.submit(wanted(88, "b", "v7"))
        dashboard.until(lambda: dashboard.home.phase(waiting) == "waiting for approval")
        dashboard.until(lambda: dashboard.home.phase(moving) in ("baking", "held"))
        with visiting(browser, dashboard) as visit:
            first, second = (
                visit.page.locator("#waiting .card"),
                visit.page.locator("#moving .card, #waiting .card:nth-child(2)"),
            )
            expect(first.first).to_contain_text("service-71: v1 → v2")
            expect(first.first).to_contain_text("shop / production")
            expect(first.first).to_contain_text("It waits for a person: look at the orders")
            expect(second.first).to_contain_text("service-88: v1 → v7")
            for card in (first.first, second.first):
                box = card.bounding_box()
                assert box is not None
                assert box["y"] + box["height"] < 600
            rows = visit.page.locator("#fleet tbody tr")
            assert rows.count() == SERVICES - 2
            height = rows.first.bounding_box()
            assert height is not None
            assert height["height"] < 40, "quiet services are compact"


def test_charts_are_drawn_while_entries_keep_coming(browser: Browser, dashboard: Dashboard) -> None:
    """An entry comes every 250 ms: whoever waits for a silence never draws."""
    release = dashboard.submit(wish("e", "v5", stages=LONG))
    dashboard.until(lambda: dashboard.home.phase(release) == "baking")
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}")
        chart = visit.page.locator(".chart").first
        expect(chart).to_be_visible(timeout=WITHIN_MS)
        changes(dashboard, lambda: str(chart.get_attribute("data-until")), 4)
        assert dashboard.home.phase(release) == "baking"


def test_a_promoted_release_has_all_of_the_traffic(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as visit:
        visit.to("/releases/r2")
        expect(visit.page.locator("#legs h2")).to_have_text("web 100% of the traffic on the new version")
        expect(visit.page.locator(".chart", has_text="Traffic")).to_contain_text("set 100%")
        visit.to("/releases/r3")
        expect(visit.page.locator("#legs h2")).to_have_text("web 0% of the traffic on the new version")
        expect(visit.page.locator(".chart", has_text="Traffic")).to_contain_text("set 0%")


def test_the_number_of_the_sentence_is_the_tables_and_the_charts(
    browser: Browser, dashboard: Dashboard
) -> None:
    with visiting(browser, dashboard) as visit:
        for release in ("r3", "r4"):
            visit.to(f"/releases/{release}")
            odds = visit.page.locator(".together td[data-label^=evidence]").inner_text()
            assert odds.endswith(" to 1")
            expect(visit.page.locator("#legs .verdict")).to_contain_text(
                f"{odds.replace(',', '')} that the canary is worse"
            )
            expect(visit.page.locator("#legs .odds")).to_contain_text(f"{odds} that the new version is worse")
            expect(visit.page.locator(".chart", has_text="Evidence")).to_contain_text(f"evidence {odds}")


def test_a_rollback_for_a_business_signal_shows_the_signal(browser: Browser, dashboard: Dashboard) -> None:
    judge = replace(JUDGE, criteria=(*JUDGE.criteria, MeanCriterion(ORDERS)))
    house = dashboard.home.house
    assert isinstance(house, Shop)
    house.lost[version("e")] = 0.6
    release = dashboard.submit(wish("e", "v5", stages=LONG, judge=judge))
    dashboard.until(lambda: dashboard.home.phase(release) == "rolled back")
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}")
        expect(visit.page.locator("#legs .verdict")).to_contain_text(ORDERS)
        chart = visit.page.locator(".chart", has_text=f"Business signal {ORDERS}")
        expect(chart).to_contain_text("stable 100%", timeout=WITHIN_MS)
        expect(chart).to_contain_text("new 40%")


def test_ages_grow_by_themselves(browser: Browser, dashboard: Dashboard) -> None:
    release = dashboard.submit(wish("e", "v5", stages=(Stage(pause="look"),)))
    dashboard.until(lambda: dashboard.home.phase(release) == "waiting for approval")
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}")
        changes(dashboard, visit.page.locator("time.lasting").inner_text)
        dashboard.call(dashboard.controller.tell(release, ReleaseAborted(at=time.time(), by="ada")))
        dashboard.until(lambda: dashboard.home.phase(release) == "aborted")
        visit.to("/")
        changes(dashboard, visit.page.locator("#recent time.ago").first.inner_text)


def changes(dashboard: Dashboard, look: Callable[[], str], times: int = 3) -> None:
    """Wait until it has been so many different things."""
    seen = set[str]()

    def enough() -> bool:
        seen.add(look())
        return len(seen) >= times

    dashboard.until(enough)


def test_a_readers_clock_that_is_wrong_makes_nothing_older(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as visit:
        visit.page.add_init_script("const real = Date.now; Date.now = () => real() - 7200000;")
        visit.to("/")
        expect(visit.page.locator("#recent .when").last).to_have_text("1 h ago")


# --- charts, of numbers made for the purpose

NOTHING: list[float | None] = [None] * 8


def drawn(visit: Visit, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - columns
    """What the charts of r3 draw when its series is this: a minute without a word in the middle of it."""
    visit.to("/releases/r3")
    began = float(visit.page.locator("#charts").get_attribute("data-began") or "nan")
    arm = {
        "requests": [100] * 8,
        "errors": [0] * 7 + [1],
        "error_ratio": [0.0] * 7 + [0.01],
        "p50_ms": NOTHING,
        "p99_ms": NOTHING,
    }
    leg: dict[str, Any] = {
        "service": "web",
        "at": [began + at for at in (1.0, 2.0, 3.0, 4.0, 64.0, 65.0, 66.0, 67.0)],
        "interval_s": [1.0] * 8,
        "weight": [20] * 8,
        "stable": arm,
        "canary": arm,
        "kind": ["watch"] * 8,
        "evidence": [1.0] * 8,
        "needed": [100.0] * 8,
        "passes_below": 3.0,
        "ratio": NOTHING,
        "low": NOTHING,
        "high": NOTHING,
        "signals": [],
        "share": 20,
        "share_at": began + 67.0,
    }

    def answer(route: Route) -> None:
        route.fulfill(json={"release": "r3", "legs": [leg | changes]})

    visit.page.route("**/v1/releases/*/series", answer)
    visit.page.add_init_script(KEEP_PLOTS)
    visit.to("/releases/r3")
    expect(visit.page.locator("#charts[data-drawn]")).to_be_attached(timeout=WITHIN_MS)
    found: list[dict[str, Any]] = visit.page.evaluate(
        """() => window.plots.map((plot) => ({
            title: plot.root.closest("figure").querySelector("b").innerText,
            data: plot.data.map((column) => [...column]),
            top: plot.scales.y.max, spans: plot.series.slice(1).map((one) => one.spanGaps)}))"""
    )
    return found


def test_a_band_that_is_sure_of_nothing_does_not_set_the_axis(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as visit:
        failed = drawn(visit, ratio=[1.0] * 8, low=NOTHING, high=[4000.0] * 8)[0]
        assert failed["title"] == "Failed requests"
        assert failed["top"] <= 0.03
        assert max(value for value in failed["data"][1] if value is not None) <= 1.0
        expect(visit.page.locator(".key.band").first).to_contain_text("0% to 100%")


def test_nothing_is_drawn_where_nothing_was_measured(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as visit:
        arm = {
            "requests": [100, 100, 0, 100] * 2,
            "errors": [0] * 8,
            "error_ratio": [0.0, 0.0, None, 0.0] * 2,
            "p50_ms": NOTHING,
            "p99_ms": NOTHING,
        }
        charts = drawn(visit, canary=arm, evidence=[None, *([1.0] * 7)], needed=[None, *([100.0] * 7)])
        assert not any(any(chart["spans"]) for chart in charts)
        failed = next(chart for chart in charts if chart["title"] == "Failed requests")
        assert failed["data"][0] == pytest.approx([1, 2, 3, 4, 33.5, 64, 65, 66, 67], abs=0.01)
        assert failed["data"][1][4] is None, "a minute in which nobody watched is a gap"
        assert failed["data"][2] == [0, 0, None, 0, None, 0, 0, None, 0]
        evidence = next(chart for chart in charts if chart["title"].startswith("Evidence"))
        assert evidence["data"][1][0] is None, "nothing was judged yet"


# --- words

BROKEN = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const seen = (range) => [...range.getClientRects()].filter((one) => one.width > 0);
  const line = (range) => new Set(seen(range).map((one) => Math.round(one.top)));
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest("svg, .out")) continue;
    for (const word of node.data.matchAll(/[\\p{L}\\p{N}_]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (line(range).size > 1) found.push(word[0]);
    }
  }
  return found;
}"""


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_no_word_is_broken_inside(browser: Browser, width: int) -> None:
    unit = Unit("storefront", "production", "recommendations")
    with Dashboard(
        lambda: past(unit, ("2026.11.1", "2026.11.2", "2026.11.3", "2026.11.4"))
    ).running() as dashboard:
        release = dashboard.submit(
            wish("e", "2026.11.5-checkout", unit=unit, stages=LONG, author="deployments@example.com")
        )
        dashboard.until(lambda: dashboard.home.phase(release) == "baking")
        with visiting(browser, dashboard, width=width) as visit:
            for path in (*PAGES, f"/releases/{release}"):
                visit.to(path)
                assert visit.page.evaluate(BROKEN) == [], path
                assert visit.spill() <= 0, path


# --- what is said to whom

FOR_A_VIEWER = {
    "baking": "It moves by itself. With the role viewer you can watch.",
    "paused": "It waits for a person who may operate here: with the role viewer you can watch.",
    "waiting for approval": "It waits for a person who may approve here: with the role viewer you can watch.",
}


def acting(page: Page) -> str:
    return page.locator("#actions").inner_text()


def test_what_is_said_fits_the_reader_and_the_state(browser: Browser, dashboard: Dashboard) -> None:
    stages = (Stage(weight=20, bake_s=2.0), Stage(pause="look at the orders"))
    release = dashboard.submit(wish("e", "v5", stages=stages))
    operator = dashboard.token("operator", "grace")
    with visiting(browser, dashboard, token=dashboard.token("viewer")) as visit:
        visit.to(f"/releases/{release}")
        dashboard.call(dashboard.controller.tell(release, ReleasePaused(at=time.time(), by="ada")))
        dashboard.until(lambda: acting(visit.page) == FOR_A_VIEWER["paused"])
        dashboard.call(dashboard.controller.tell(release, ReleaseResumed(at=time.time(), by="ada")))
        dashboard.until(lambda: acting(visit.page) == FOR_A_VIEWER["waiting for approval"])
        with visiting(browser, dashboard, token=operator) as other:
            other.to(f"/releases/{release}")
            expect(other.page.locator("#actions")).to_contain_text(
                "It waits for a person who may approve here"
            )
            expect(other.page.locator("#actions summary")).to_have_text(["Roll back"])
        dashboard.call(dashboard.controller.tell(release, StepApproved(at=time.time(), by="ada")))
        expect(visit.page.locator("#actions")).to_contain_text(
            "It is over, and is what runs now.", timeout=WITHIN_MS
        )
        moving = dashboard.submit(wish("f", "v6", stages=LONG))
        visit.to(f"/releases/{moving}")
        dashboard.until(lambda: acting(visit.page) == FOR_A_VIEWER["baking"])


def test_a_way_back_that_is_taken_away_is_not_offered_any_more(
    browser: Browser, dashboard: Dashboard
) -> None:
    """A promoted release that is not what runs any more has no button, on a page that was open before, too."""
    with visiting(browser, dashboard) as visit:
        visit.to("/releases/r2")
        expect(visit.page.locator("#actions summary")).to_have_text(["Roll back"])
        dashboard.submit(wish("e", "v5", stages=LONG))
        expect(visit.page.locator("#actions summary")).to_have_count(0, timeout=WITHIN_MS)


def test_a_freeze_is_seen_on_a_page_that_is_open(browser: Browser, dashboard: Dashboard) -> None:
    """No entry of a release tells of it."""
    with visiting(browser, dashboard) as visit:
        expect(visit.page.locator("#fleet")).not_to_contain_text("frozen")
        now = time.time()
        event = FreezeSet(
            at=now, by="ada", freeze="f1", reason="the sale", begins_at=now, ends_at=now + 3600.0
        )
        dashboard.call(dashboard.door.book.note(event))
        expect(visit.page.locator("#fleet")).to_contain_text("frozen", timeout=WITHIN_MS)


# --- away


def test_a_page_that_cannot_reach_headgate_says_so_and_is_whole_to_axe(
    browser: Browser, dashboard: Dashboard
) -> None:
    release = dashboard.submit(wish("e", "v5", stages=LONG))
    dashboard.until(lambda: dashboard.home.phase(release) == "baking")
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}?do=abort")
        visit.page.fill("#do-abort input[name=reason]", "half a sent")
        visit.page.context.set_offline(True)
        visit.page.evaluate("dispatchEvent(new Event('online'))")
        expect(visit.page.locator("body.away #said")).to_contain_text("cannot be reached", timeout=WITHIN_MS)
        expect(visit.page.locator("form[method=post] button:enabled")).to_have_count(0)
        visit.page.context.set_offline(False)
        visit.page.evaluate("document.body.classList.add('away')")
        visit.wrong.clear()  # the browser says of each try that it failed
        assert visit.defects() == []
        expect(visit.page.locator("#said")).to_have_text("live", timeout=WITHIN_MS)
        expect(visit.page.locator("#do-abort button")).to_be_enabled()
        assert visit.page.input_value("#do-abort input[name=reason]") == "half a sent"


def test_a_session_that_ended_leads_to_the_sign_in_and_back_to_the_same_page(
    browser: Browser, dashboard: Dashboard
) -> None:
    release = dashboard.submit(wish("e", "v5", stages=LONG))
    dashboard.until(lambda: dashboard.home.phase(release) == "baking")
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}?do=abort")
        visit.page.context.clear_cookies()
        visit.page.wait_for_url("**/sign-in?next=**", timeout=WITHIN_MS)
        visit.page.fill("input[name=token]", dashboard.token("operator", "grace"))
        visit.page.click("main button")
        visit.page.wait_for_url(f"{visit.url}/releases/{release}?do=abort")
        expect(visit.page.locator("#do-abort button")).to_be_visible()
        visit.wrong.clear()


def test_a_page_of_an_older_headgate_is_loaded_anew(browser: Browser, dashboard: Dashboard) -> None:
    """Its scripts may not fit the pages of the one that answers now."""
    with visiting(browser, dashboard) as visit:
        visit.to("/releases/r2")
        visit.page.evaluate("document.body.dataset.stayed = 'yes'")

        def newer(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, body=answer.text().replace('data-build="', 'data-build="newer-'))

        visit.page.route("**/releases/r2", newer, times=1)
        visit.page.evaluate("dispatchEvent(new Event('online'))")
        expect(visit.page.locator("body[data-stayed]")).to_have_count(0, timeout=WITHIN_MS)
        expect(visit.page.locator("#state .pill")).to_have_text("promoted")
