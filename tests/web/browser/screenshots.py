"""`python -m tests.web.browser.screenshots`: the dashboard as docs/dashboard-*.png, of releases that are real.

Made by hand when the pages have changed, looked at, and committed; each shows one window, so it is small.
"""

import time
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from headgate.core.model import Stage
from tests.web.browser.dashboard import CHROMIUM, Dashboard
from tests.web.browser.visit import PHONE, Scheme, visiting
from tests.web.shop import past, wish

DOCS = Path(__file__).parents[3] / "docs"
BYTES_MAX = 120_000
DRAWN_MS = 60_000
ASKS = (
    Stage(weight=20, bake_s=6.0),
    Stage(pause="look at the orders of the last hour"),
    Stage(weight=50, bake_s=6.0),
)


def main() -> None:
    """Make all three."""
    with Dashboard(past).running() as dashboard, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        release = dashboard.submit(wish("e", "v5", stages=ASKS, reason="a faster till"))
        dashboard.until(lambda: dashboard.home.phase(release) == "waiting for approval")
        time.sleep(3.0)  # something to see in the charts
        take(browser, dashboard, "/", "now", height=560)
        take(browser, dashboard, f"/releases/{release}", "release", scheme="dark", height=860)
        take(
            browser,
            dashboard,
            f"/releases/{release}?do=abort",
            "phone",
            scheme="dark",
            width=PHONE,
            height=780,
        )
        browser.close()


def take(  # what a picture is of, and how
    browser: Browser,
    dashboard: Dashboard,
    path: str,
    name: str,
    *,
    scheme: Scheme = "light",
    width: int = 1100,
    height: int,
) -> None:
    """Write docs/dashboard-NAME.png."""
    with visiting(browser, dashboard, scheme=scheme, width=width) as visit:
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.to(path)
        if path.startswith("/releases"):
            expect(visit.page.locator("#charts[data-drawn]")).to_be_attached(timeout=DRAWN_MS)
        file = DOCS / f"dashboard-{name}.png"
        visit.page.screenshot(path=file)
    size = file.stat().st_size
    assert size <= BYTES_MAX, f"{file} has {size} bytes"
    print(f"{file.name}: {size} bytes")


if __name__ == "__main__":
    main()
