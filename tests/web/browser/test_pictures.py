"""Pictures of the main pages, for people to look at: build/screenshots, made by every run of the tests."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from headgate.core.model import Stage
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.visit import PAGES, PHONE, WIDE, Scheme, visiting
from tests.web.shop import wish

pytestmark = pytest.mark.xdist_group("browser")

FOLDER = Path(__file__).parents[3] / "build" / "screenshots"
ASKS = (Stage(weight=20, bake_s=0.5), Stage(pause="look at the orders of the last hour"))
DRAWN_MS = 60_000
LOOKS: dict[str, tuple[Scheme, int]] = {
    "light": ("light", WIDE),
    "dark": ("dark", WIDE),
    "phone": ("dark", PHONE),
}
BYTES_MIN = 5_000
"""A blank page is smaller."""

FITS = "chart => chart.querySelector('.uplot').getBoundingClientRect().right <= chart.getBoundingClientRect().right"


def file_name(path: str) -> str:
    return path.strip("/").replace("/", "-").replace("?", "-").replace("&", "-").replace("=", "-") or "now"


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_pictured(browser: Browser, dashboard: Dashboard, look: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    scheme, width = LOOKS[look]
    release = dashboard.submit(wish("e", "v5", stages=ASKS, reason="a faster till"))
    dashboard.until(lambda: dashboard.home.phase(release) == "waiting for approval")
    with visiting(browser, dashboard, scheme=scheme, width=width) as visit:
        for path in (*PAGES, f"/releases/{release}"):
            visit.to(path)
            if path.startswith("/releases"):
                expect(visit.page.locator("#charts[data-drawn]")).to_be_attached(timeout=DRAWN_MS)
            charts = visit.page.locator(".chart").all()
            assert all(chart.evaluate(FITS) for chart in charts), f"a chart of {path} is wider than its frame"
            file = FOLDER / f"{file_name(path)}-{look}.png"
            assert len(visit.page.screenshot(path=file, full_page=True)) > BYTES_MIN, f"{path} is blank"
