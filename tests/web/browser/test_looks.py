"""What every page looks like: to axe, on a phone, in the dark, and when what it shows is hostile."""

import time

import pytest
from playwright.sync_api import Browser, expect

from headgate.core.home.facts import FreezeSet
from headgate.core.model import Stage, Unit
from tests.controller.house import Home
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.visit import PAGES, PHONE, Visit, visiting
from tests.web.shop import past, wish

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = (
    "<script>window.owned=1</script>",
    '"><img src=x onerror="window.owned=1">',
    "'-window.owned=1-' onmouseover='window.owned=1' {{7*7}} {% x %}",
    "\u202e\u0000\u2028 \N{PILE OF POO} z\u0351\u036b\u0343",
)
LONG = "x" * 2000
LIGHT, DARK = "rgb(251, 250, 247)", "rgb(18, 23, 26)"
EVIL = Unit(HOSTILE[0] + "p", HOSTILE[1] + "e", HOSTILE[2] + LONG)


def hostile_past() -> Home:
    """Everything that has a name has a hostile one."""
    return past(EVIL, (HOSTILE[0], HOSTILE[1] + LONG, HOSTILE[2], HOSTILE[3]))


def freeze(dashboard: Dashboard, reason: str) -> None:
    """Two freezes: one that holds, one to come."""
    now = time.time()
    for number, begins_at in enumerate((now - 60.0, now + 3 * 86400.0)):
        event = FreezeSet(
            at=now,
            by=reason,
            freeze=f"f{number + 1}",
            reason=reason,
            begins_at=begins_at,
            ends_at=begins_at + 2 * 86400.0,
            environments=(reason[:100],),
        )
        dashboard.call(dashboard.door.book.note(event))


def background(visit: Visit) -> str:
    """The colour of the page."""
    return str(visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_axe_finds_nothing_serious_on_any_page_in_either_scheme(
    browser: Browser, dashboard: Dashboard
) -> None:
    freeze(dashboard, "the holidays")
    release = dashboard.submit(wish("e", "v5", stages=(Stage(weight=20, bake_s=600.0),)))
    dashboard.until(lambda: dashboard.home.phase(release) == "baking")
    with visiting(browser, dashboard) as visit:
        for path in (*PAGES, f"/releases/{release}?do=abort", "/sign-in"):
            visit.to(path)
            if path.startswith("/releases"):
                expect(visit.page.locator("#charts[data-drawn]")).to_be_attached()
            assert visit.defects() == [], path
            assert background(visit) == LIGHT
            visit.page.emulate_media(color_scheme="dark")
            assert background(visit) == DARK
            assert visit.defects("color-contrast") == [], path
            visit.page.emulate_media(color_scheme="light")


def test_no_page_is_wider_than_a_phone(browser: Browser, dashboard: Dashboard) -> None:
    freeze(dashboard, "the holidays")
    release = dashboard.submit(wish("e", "v5", stages=(Stage(weight=20, bake_s=600.0),)))
    with visiting(browser, dashboard, width=PHONE, scheme="dark") as visit:
        for path in (*PAGES, f"/releases/{release}?do=abort"):
            visit.to(path)
            assert visit.spill() <= 0, path


def test_what_is_dragged_on_the_plan_is_foretold_at_once(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as visit:
        visit.to("/plan")
        expect(visit.page.locator("#foreseen tbody th").first).to_have_text("5% for 2 min")
        visit.page.locator("input[type=range]").first.focus()
        visit.page.keyboard.press("ArrowRight")
        assert visit.page.locator("input[name=weight]").first.input_value() == "6"
        expect(visit.page.locator("#foreseen tbody th").first).to_have_text("6% for 2 min")
        assert visit.page.evaluate("document.activeElement.type") == "range"


@pytest.mark.parametrize("width", [PHONE, 1200])
def test_whatever_things_are_called_no_script_runs_and_the_layout_holds(browser: Browser, width: int) -> None:
    with Dashboard(hostile_past).running() as dashboard:
        freeze(dashboard, HOSTILE[0] + HOSTILE[1] + LONG)
        pause = Stage(pause=HOSTILE[1] + LONG)
        asked = wish("e", HOSTILE[0], unit=EVIL, stages=(pause,), author=HOSTILE[0], reason=HOSTILE[1] + LONG)
        release = dashboard.submit(asked)
        dashboard.until(lambda: dashboard.home.phase(release) == "waiting for approval")
        with visiting(browser, dashboard, width=width) as visit:
            for path in (*PAGES, f"/releases/{release}?do=abort", "/history?q=%3Cscript%3E&outcome=%22"):
                visit.to(path)
                if "/releases/" in path:
                    expect(visit.page.locator("#charts[data-drawn]")).to_be_attached()
                assert visit.page.evaluate("window.owned") is None, path
                assert visit.page.locator("main script, main img").count() == 0, path
                assert visit.spill() <= 0, path
