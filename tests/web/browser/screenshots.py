"""`python -m tests.web.browser.screenshots`: the dashboard as docs/dashboard-*.svg, of releases that are real.

Made by hand when the pages have changed, looked at, and committed: text, which can be read at any size, and is small.
"""

from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from headgate.core.model import Stage
from tests.web.browser.chromium import ARGUMENTS, chromium
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.visit import PHONE, Scheme, visiting
from tests.web.shop import past, wish

DOCS = Path(__file__).parents[3] / "docs"
BYTES_MAX = 150_000
DRAWN_MS = 60_000
PICTURE = Path(__file__).with_name("picture.js")
KEEP_PLOTS = """(() => {
  let kept;
  const construct = (plot, given) => {
    const made = new plot(...given);
    (window.plots ||= []).push(made);
    return made;
  };
  const set = (plot) => { kept = new Proxy(plot, { construct }); };
  Object.defineProperty(window, "uPlot", { configurable: true, get: () => kept, set });
})()"""
"""The charts of a page are asked for what they draw."""

STEPS = (
    Stage(weight=20, bake_s=8.0),
    Stage(pause="look at the orders of the last hour"),
    Stage(weight=50, bake_s=6.0),
)


def main() -> None:
    """Make all three."""
    with Dashboard(past).running() as dashboard, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        asked = wish("e", "v5", stages=STEPS, author="ci", reason="a faster till")
        release = dashboard.submit(asked)
        dashboard.until(lambda: dashboard.home.phase(release) == "waiting for approval")
        take(browser, dashboard, "/", "now", height=600)
        take(browser, dashboard, "/releases/r3", "release", scheme="dark", height=1330)
        take(browser, dashboard, "/incident", "phone", scheme="dark", width=PHONE, height=640)
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
    """Write docs/dashboard-NAME.svg."""
    with visiting(browser, dashboard, scheme=scheme, width=width) as visit:
        visit.page.add_init_script(KEEP_PLOTS)
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.to(path)
        if path.startswith("/releases"):
            expect(visit.page.locator("#charts[data-drawn]")).to_be_attached(timeout=DRAWN_MS)
        svg = str(visit.page.evaluate(f"({PICTURE.read_text()})({width}, {height})"))
    file = DOCS / f"dashboard-{name}.svg"
    file.write_text(svg)
    assert len(svg) <= BYTES_MAX
    print(f"{file.name}: {len(svg)} bytes")


if __name__ == "__main__":
    main()
