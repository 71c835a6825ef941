"""Signing in by an issuer of another site, as a browser does it: with its own rules for cookies and redirects."""

import time
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from headgate.core.home.identity import People, Welcome
from headgate.plugins.issuers.openid import OpenId, Settings
from headgate.plugins.web.client import HttpWeb
from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server_aside
from headgate.web.doors.vouching import Vouching
from tests.plugins.issuers.provider import CLIENT, Provider
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.visit import Visit
from tests.web.shop import past

PEOPLE = People((Welcome("shop", "operator"),), ask="the platform team")


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider at another site than the dashboard, with a page of its own where somebody says yes."""
    known = Provider(secret=None)
    known.answers["/authorize"] = _agrees(known)
    with http_server_aside(known.script) as origin:
        known.origin = origin.replace("127.0.0.1", "localhost")
        yield known


def _agrees(provider: Provider) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        back = f"{provider.sent_to(request.url)}?{urlencode(provider.agree(request.url))}"
        page = f'<link rel="icon" href="data:,"><a href="{escape(back)}">Yes, it is me</a>'
        return Answer(200, {"content-type": "text/html"}, page.encode())

    return answer


@pytest.fixture
def dashboard(provider: Provider) -> Iterator[Dashboard]:
    """A dashboard for the provider's people."""
    web = HttpWeb()
    issuer = OpenId(Settings(provider.issuer, CLIENT), web, time.time)
    with Dashboard(past, lambda url: Vouching(issuer, lambda: PEOPLE, url)).running() as found:
        yield found
        found.call(web.aclose())


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_way_there_and_back(browser: Browser, dashboard: Dashboard, *, scripts: bool) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    try:
        visit = Visit(context.new_page(), dashboard)
        visit.to("/sign-in")
        visit.page.click("text=Sign in with localhost")
        visit.page.click("text=Yes, it is me")
        visit.page.wait_for_url(f"{dashboard.url}/")
        assert "ada@example.com" in visit.page.inner_text("form.who")
        assert visit.wrong == []
    finally:
        context.close()


def test_the_page_that_was_wanted_is_shown_after_the_issuer(browser: Browser, dashboard: Dashboard) -> None:
    context = browser.new_context()
    try:
        visit = Visit(context.new_page(), dashboard)
        visit.to("/compare?release=r3&release=r4")
        visit.page.click("text=Sign in with localhost")
        visit.page.click("text=Yes, it is me")
        visit.page.wait_for_url(f"{dashboard.url}/compare?release=r3&release=r4")
        assert "ada@example.com" in visit.page.inner_text("form.who")
        assert visit.wrong == []
    finally:
        context.close()


def test_who_is_turned_away_reads_why(browser: Browser, dashboard: Dashboard, provider: Provider) -> None:
    provider.changed = {"groups": ["finance"]}
    context = browser.new_context()
    try:
        visit = Visit(context.new_page(), dashboard)
        visit.to("/sign-in")
        assert visit.defects() == []
        visit.page.click("text=Sign in with localhost")
        visit.page.click("text=Yes, it is me")
        visit.page.wait_for_selector("text=Ask the platform team for a role")
        assert visit.defects() == []
    finally:
        context.close()
