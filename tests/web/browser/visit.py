"""A visit to a dashboard: signed in, watched for errors, and none of them allowed."""

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

from playwright.sync_api import Browser, Page

from tests.web.browser.dashboard import AXE, Dashboard

Scheme = Literal["light", "dark"]
WIDE, PHONE = 1200, 390
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = (
    "/",
    "/history",
    "/compare?release=r3&release=r4",
    "/plan",
    "/plan?release=r3",
    "/freezes",
    "/ledger",
    "/incident",
    "/releases/r1",
    "/releases/r4",
    "/releases/r3/replay",
)


class Visit:
    """A page, and what went wrong on it."""

    def __init__(self, page: Page, dashboard: Dashboard) -> None:
        self.page = page
        self.url = dashboard.url
        self.wrong: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: self.wrong.append(f"a dialog: {dialog.message}"))

    def to(self, path: str) -> None:
        """Go there, and wait for what it draws."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.ok, path

    def spill(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def defects(self, *rules: str) -> list[str]:
        """What axe finds that is serious or critical, by these rules or all."""
        self.page.evaluate(AXE.read_text())
        wanted = {"resultTypes": ["violations"], "runOnly": list(rules) or AXE_TAGS}
        found: dict[str, Any] = self.page.evaluate("wanted => axe.run(wanted)", wanted)
        grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in grave]


@contextlib.contextmanager
def visiting(  # how a visitor may differ
    browser: Browser,
    dashboard: Dashboard,
    *,
    scheme: Scheme = "light",
    width: int = WIDE,
    scripts: bool = True,
    token: str = "",
) -> Iterator[Visit]:
    """Sign in, by a link as the owner or by this token. Afterwards nothing may have gone wrong."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=scripts
    )
    context.set_default_timeout(20_000)
    try:
        visit = Visit(context.new_page(), dashboard)
        if token:
            visit.to("/sign-in")
            visit.page.fill("input[name=token]", token)
        else:
            visit.page.goto(dashboard.link())
        visit.page.click("main button")
        visit.page.wait_for_url(dashboard.url + "/")
        yield visit
        assert visit.wrong == []
    finally:
        context.close()
