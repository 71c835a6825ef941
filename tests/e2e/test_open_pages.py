"""Pages that are open in a browser while the controller, or the process of the door, is killed.

They say so, no button works meanwhile, and they recover by themselves, with what is so by then.
"""

import json

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.e2e.town import Town
from tests.web.browser.conftest import browser  # noqa: F401 - a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(240)]

WITHIN_MS = 60_000
HELD = [{"weight": "50%", "pause": "is it good?"}]
CALLED = "() => { window.stayed = true; }"
GONE = """() => {
  const seen = window.gone ||= { said: "", age: "", live: 0, off: 0 };
  const look = () => {
    if (!document.body.classList.contains("away")) return;
    seen.said = document.getElementById("said").innerText;
    seen.age = document.getElementById("age").innerText || seen.age;
    const buttons = [...document.querySelectorAll("form[method=post] button")];
    seen.live = Math.max(seen.live, buttons.filter((one) => !one.disabled).length);
    seen.off = Math.max(seen.off, buttons.filter((one) => one.disabled).length);
  };
  const all = { attributes: true, childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.body, all);
}"""

RETURNED = "location.pathname === '/sign-in' || Boolean(window.gone?.said && !document.body.classList.contains('away'))"


def sign_in(context: BrowserContext, town: Town, path: str) -> Page:
    """A page of the dashboard, open; whatever it says while it is away is kept in `window.gone`."""
    context.set_default_timeout(WITHIN_MS)
    page = context.new_page()
    link = json.loads(town.headgate("dashboard", "--json").out)["url"]
    page.goto(link)
    page.click("main button")
    page.wait_for_url("**/")
    page.goto(link.partition("/sign-in")[0] + path)
    expect(page.locator("#said")).to_have_text("live", timeout=WITHIN_MS)
    page.evaluate(CALLED)
    page.evaluate(GONE)
    return page


def holds(page: Page, fact: str) -> bool:
    """Whether it is so on the page now; not while the page gives way to another one."""
    try:
        return bool(page.evaluate(fact))
    except Error:
        return False


def was_away(page: Page) -> None:
    """It said so, how old everything was, and no button worked."""
    gone = page.evaluate("window.gone")
    assert "cannot be reached" in gone["said"]
    assert "What is shown is" in gone["age"]
    assert gone["live"] == 0
    assert gone["off"] > 0
    expect(page.locator("form[method=post] button").first).to_be_enabled()
    assert page.evaluate("window.stayed"), "it was not loaded anew: what was typed is lost"


def is_back(page: Page, phase: str) -> None:
    """Live again, by itself, with the state of now; where the session was lost, signed in again to the same page."""
    expect(page.locator("#state .pill")).to_have_text(phase, timeout=WITHIN_MS)
    expect(page.locator("#said")).to_have_text("live", timeout=WITHIN_MS)
    expect(page.locator("#charts[data-drawn]")).to_be_attached(timeout=WITHIN_MS)


def waits(town: Town) -> str:
    """A release that waits for a person; returns its name."""
    town.plan(steps=HELD)
    town.up()
    assert town.deploy(town.build(), "--detach").code == 0
    town.comes_to("waiting for approval")
    return town.releases()[0].release


def signed_in_again(page: Page, town: Town, path: str) -> None:
    """Sessions may be lost with the controller: then the page leads to the sign-in, and that back to the page."""
    town.until(lambda: holds(page, RETURNED), "the page to be back", WITHIN_MS / 1000)
    if "/sign-in" not in page.url:
        was_away(page)
        return

    def arrived() -> bool:
        if "/sign-in" in page.url:  # a link is good for one door: with another death, for none
            page.goto(json.loads(town.headgate("dashboard", "--json").out)["url"])
            page.click("main button")
            page.wait_for_load_state()
        return page.url.endswith(path)

    town.until(arrived, f"the page to be at {path} again, not at {page.url}", WITHIN_MS / 1000)


def test_the_controller_is_killed_under_an_open_page(town: Town, browser: Browser) -> None:  # noqa: F811
    with town.customers(), browser.new_context() as context:
        release = waits(town)
        path = f"/releases/{release}"
        page = sign_in(context, town, path)
        is_back(page, "waiting for approval")
        town.controller().kill()
        signed_in_again(page, town, path)
        is_back(page, "waiting for approval")
        assert town.headgate("abort", release).code == 0
        expect(page.locator("#state .pill")).to_have_text("aborted", timeout=WITHIN_MS)


def test_the_door_is_killed_under_an_open_page(town: Town, browser: Browser) -> None:  # noqa: F811
    with town.customers(), browser.new_context() as context:
        release = waits(town)
        path = f"/releases/{release}"
        page = sign_in(context, town, path)
        page.click("summary:has-text('Approve')")
        town.one("headgate.wiring.door").kill()
        signed_in_again(page, town, path)
        is_back(page, "waiting for approval")
        page.goto(f"{page.url.partition('/releases')[0]}{path}?do=approve")
        page.fill("#do-approve input[name=reason]", "they are fine")
        page.click("text=Yes, go on")
        expect(page.locator("#state .pill")).to_have_text("promoted", timeout=WITHIN_MS)


def test_what_happened_meanwhile_is_shown_when_headgate_is_back(town: Town, browser: Browser) -> None:  # noqa: F811
    with town.customers(), browser.new_context() as context:
        release = waits(town)
        path = f"/releases/{release}"
        page = sign_in(context, town, path)
        assert town.headgate("down").code == 0
        expect(page.locator("body.away #said")).to_contain_text("cannot be reached", timeout=WITHIN_MS)
        expect(page.locator("form[method=post] button:enabled")).to_have_count(0)
        old = page.inner_text("#age")
        town.until(lambda: page.inner_text("#age") != old, "the age to grow")
        assert page.locator("#state .pill").inner_text() == "waiting for approval"
        assert town.headgate("abort", release).code == 0
        town.up()
        signed_in_again(page, town, path)
        expect(page.locator("#state .pill")).to_have_text("aborted", timeout=WITHIN_MS)
