"""Releases seen and steered in a real browser, as they happen."""

import pytest
from playwright.sync_api import Browser, expect

from headgate.core.home.facts import ActionDenied
from headgate.core.machine.events import ReleaseAborted, StepApproved
from headgate.core.model import Stage
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.visit import Visit, visiting
from tests.web.shop import version, wish

pytestmark = pytest.mark.xdist_group("browser")

ASKS = (Stage(weight=20, bake_s=0.25), Stage(pause="look at the orders"), Stage(weight=50, bake_s=0.25))
LONG = (Stage(weight=20, bake_s=600.0),)
SWAPS = "window.swaps = 0; document.addEventListener('htmx:after:swap', () => { window.swaps += 1; })"
WITHIN_MS = 30_000


def waiting_release(dashboard: Dashboard) -> str:
    """A release that waits for a person, under watch."""
    release = dashboard.submit(wish("e", "v5", stages=ASKS))
    dashboard.until(lambda: dashboard.home.phase(release) == "waiting for approval")
    return release


def moving_release(dashboard: Dashboard) -> str:
    """A release that bakes for long."""
    release = dashboard.submit(wish("e", "v5", stages=LONG))
    dashboard.until(lambda: dashboard.home.phase(release) == "baking")
    return release


def mark(visit: Visit) -> None:
    """From here on a reload would be noticed."""
    visit.page.evaluate("window.stayed = true")


def test_a_canary_fails_and_goes_back_before_ones_eyes(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as first, visiting(browser, dashboard) as second:
        release = moving_release(dashboard)
        expect(first.page.locator("#moving .pill")).to_contain_text("baking", timeout=WITHIN_MS)
        second.to(f"/releases/{release}")
        expect(second.page.locator("#charts figure").first).to_be_visible(timeout=WITHIN_MS)
        mark(first)
        mark(second)
        dashboard.home.house.failing[version("e")] = 0.5
        expect(second.page.locator("#state .pill")).to_have_text("rolled back", timeout=WITHIN_MS)
        expect(second.page.locator("#story li").last).to_contain_text("rolled back", timeout=WITHIN_MS)
        expect(second.page.locator("#actions")).to_contain_text("nothing to do", timeout=WITHIN_MS)
        expect(second.page.locator("#charts figure b")).to_contain_text(
            ["Failed requests", "Evidence against the new version"], timeout=WITHIN_MS
        )
        row = first.page.locator("#recent li").first
        expect(row).to_contain_text("rolled back", timeout=WITHIN_MS)
        expect(row).to_contain_text("web v5")
        expect(first.page.locator("#moving .pill")).to_have_count(0)
        assert first.page.evaluate("window.stayed")
        assert second.page.evaluate("window.stayed")


def test_a_step_is_approved_by_clicking(browser: Browser, dashboard: Dashboard) -> None:
    release = waiting_release(dashboard)
    with visiting(browser, dashboard) as visit:
        visit.page.click("#waiting >> text=Approve")
        expect(visit.page.locator("#state .asks")).to_contain_text("look at the orders")
        visit.page.fill("#do-approve input[name=reason]", "they are fine")
        visit.page.click("text=Yes, go on")
        expect(visit.page.locator("#state .pill")).to_have_text("promoted", timeout=WITHIN_MS)
    said = dashboard.home.events(release, StepApproved)
    assert [(event.by, event.reason) for event in said if isinstance(event, StepApproved)] == [
        ("owner", "they are fine")
    ]


def test_what_is_open_typed_and_focused_stays_so_while_the_page_changes(
    browser: Browser, dashboard: Dashboard
) -> None:
    release = waiting_release(dashboard)
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}")
        visit.page.evaluate(SWAPS)
        visit.page.click("text=Approve")
        visit.page.fill("#do-approve input[name=reason]", "half a sent")
        dashboard.until(lambda: bool(visit.page.evaluate("window.swaps > 2")))
        assert visit.page.locator("#do-approve").get_attribute("open") is not None
        assert visit.page.evaluate("document.activeElement.name") == "reason"
        assert visit.page.input_value("#do-approve input[name=reason]") == "half a sent"
        visit.page.keyboard.type("ence")
        assert visit.page.input_value("#do-approve input[name=reason]") == "half a sentence"


def test_from_the_first_page_one_click_shows_the_way_back(browser: Browser, dashboard: Dashboard) -> None:
    release = moving_release(dashboard)
    with visiting(browser, dashboard) as visit:
        visit.page.click("#moving >> text=Roll back")
        confirm = visit.page.locator("#do-abort button")
        expect(confirm).to_be_visible()
        expect(confirm).to_be_in_viewport()
        confirm.click()
        expect(visit.page.locator("#state .pill")).to_have_text("aborted", timeout=WITHIN_MS)
    assert dashboard.home.events(release, ReleaseAborted)


def test_everything_goes_by_keyboard(browser: Browser, dashboard: Dashboard) -> None:
    release = moving_release(dashboard)
    with visiting(browser, dashboard) as visit:
        visit.to(f"/releases/{release}")
        focused = "document.activeElement.textContent.trim() || document.activeElement.name"
        tabbed = list[str]()
        for _ in range(9):
            visit.page.keyboard.press("Tab")
            tabbed.append(visit.page.evaluate(focused))
        assert tabbed == [
            *("To the content", "Headgate", "Now", "History", "Plan", "Freezes", "Ledger"),
            *("Incident", "Sign out"),
        ]
        visit.to(f"/releases/{release}")
        visit.page.keyboard.press("Tab")
        visit.page.keyboard.press("Enter")
        assert visit.page.evaluate("document.activeElement.id") == "main"
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate(focused) == "Roll back"
        visit.page.keyboard.press("Enter")
        visit.page.keyboard.press("Tab")
        visit.page.keyboard.type("the till is on fire")
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate(focused) == "Yes, roll back"
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#state .pill")).to_have_text("aborted", timeout=WITHIN_MS)
    (said,) = dashboard.home.events(release, ReleaseAborted)
    assert isinstance(said, ReleaseAborted)
    assert said.reason == "the till is on fire"


def test_who_may_only_look_sees_no_button_and_is_refused(browser: Browser, dashboard: Dashboard) -> None:
    release = moving_release(dashboard)
    with visiting(browser, dashboard, token=dashboard.token("viewer")) as visit:
        expect(visit.page.locator("main .button, main button")).to_have_count(0)
        visit.to(f"/releases/{release}")
        expect(visit.page.locator("main .button, main button")).to_have_count(0)
        csrf = visit.page.input_value("input[name=csrf]")
        ways = ("abort", "pause", "promote", "approve", "resume", "rollback")
        for token in (csrf, ""):
            for verb in ways:
                form: dict[str, str | float | bool] = {"csrf": token, "reason": "mine"}
                answer = visit.page.request.post(f"{visit.url}/releases/{release}/{verb}", form=form)
                assert answer.status == 403
        visit.to("/freezes")
        expect(visit.page.locator("main button")).to_have_count(0)
    assert dashboard.home.phase(release) == "baking"
    denied = [note.event for note in dashboard.home.ledger.notes(0)]
    assert sum(isinstance(event, ActionDenied) for event in denied) == len(ways)


def test_all_of_it_works_without_scripts(browser: Browser, dashboard: Dashboard) -> None:
    release = moving_release(dashboard)
    token = dashboard.token("operator", "grace")
    with visiting(browser, dashboard, scripts=False, token=token) as visit:
        expect(visit.page.locator("#moving")).to_contain_text(release)
        visit.to(f"/releases/{release}")
        expect(visit.page.locator("#story")).to_contain_text("asked to move")
        visit.page.click("summary:has-text('Pause')")
        visit.page.click("text=Yes, pause")
        expect(visit.page.locator("#state .pill")).to_have_text("paused")
        visit.to("/plan?rate=100&base=1&factor=1.5&weight=10&bake=60")
        expect(visit.page.locator("#foreseen tbody tr")).to_have_count(1)
        visit.page.click("text=Sign out")
        visit.page.wait_for_url(f"{visit.url}/sign-in")


INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let n = 0; n < data.length; n += 4) found += data[n] > 150 && data[n + 2] < 60 && data[n + 3] > 100;
  return found;
}"""
"""How many dots a chart has in the colour of the new version."""


def test_a_release_is_replayed_moment_by_moment(browser: Browser, dashboard: Dashboard) -> None:
    with visiting(browser, dashboard) as visit:
        visit.to("/releases/r3/replay")
        expect(visit.page.locator("#charts[data-drawn]")).to_be_attached(timeout=WITHIN_MS)
        evidence = visit.page.locator("figure", has_text="Evidence").locator("canvas")
        dashboard.until(lambda: evidence.evaluate(INK) > 0)
        whole = evidence.evaluate(INK)
        last = visit.page.locator("#story li").last
        expect(last).to_be_visible()
        visit.page.get_by_role("slider", name="Moment").focus()
        visit.page.keyboard.press("Home")
        expect(last).to_be_hidden()
        expect(visit.page.locator("#story li").first).to_be_visible()
        dashboard.until(lambda: evidence.evaluate(INK) < whole)
        visit.page.get_by_role("button", name="Play").press("Enter")
        expect(visit.page.get_by_role("button", name="Pause")).to_be_visible()
        expect(last).to_be_visible(timeout=WITHIN_MS)
        dashboard.until(lambda: evidence.evaluate(INK) == whole)


def test_in_an_incident_one_click_takes_it_back(browser: Browser, dashboard: Dashboard) -> None:
    release = moving_release(dashboard)
    with visiting(browser, dashboard) as visit:
        visit.page.click("nav >> text=Incident")
        visit.page.click(f"text=Roll back {release}")
        expect(visit.page.locator("#state .pill")).to_have_text("aborted", timeout=WITHIN_MS)
    (said,) = dashboard.home.events(release, ReleaseAborted)
    assert isinstance(said, ReleaseAborted)
    assert said.reason == "incident"
