"""One Chromium for a module of tests; without it, or without the dashboard's scripts, they are skipped."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from headgate.web.pages.render import assets
from tests.web.browser.chromium import ARGUMENTS, chromium, why
from tests.web.browser.dashboard import AXE, Dashboard
from tests.web.shop import past


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser."""
    path = chromium()
    if path is None:
        pytest.skip(why())
    if not assets() or not AXE.exists():
        pytest.skip("the dashboard's scripts are not here: `make setup` fetches them where there is npm")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    """A shop with a past, whose releases a test goes on with."""
    with Dashboard(past).running() as found:
        yield found
