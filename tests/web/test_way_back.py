"""Whoever had to sign in first comes to the page that they wanted, by a token or a ticket; never to another site."""

import re
import time

import pytest

from headgate.web.doors.tokens import Grant
from headgate.web.http.who import owner
from headgate.web.pages.way_back import PATH_MAX, WANTED, safe
from tests.web.visitor import Visitor, play

DEEP = "/compare?release=r3&release=r4"


async def token_of(visitor: Visitor) -> str:
    return await visitor.door.tokens.issue(Grant("eve", "admin"), "owner", time.time())


def field(text: str) -> str:
    """What the form would send back."""
    found = re.search(r'name="next" value="([^"]*)"', text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_by_a_token() -> None:
    async def story(visitor: Visitor) -> None:
        away = await visitor.http.get(DEEP)
        assert away.status_code == 303
        shown = await visitor.http.get(away.headers["location"])
        wanted = field(shown.text)
        assert wanted == DEEP
        wrong = await visitor.http.post("/sign-in", data={"token": "hg_nothing", "next": wanted})
        assert wrong.status_code == 401
        assert field(wrong.text) == DEEP
        answer = await visitor.http.post("/sign-in", data={"token": await token_of(visitor), "next": wanted})
        assert (answer.status_code, answer.headers["location"]) == (303, DEEP)

    play(story)


def test_by_a_ticket_from_the_terminal() -> None:
    """Its link knows nothing of the page; the browser that was turned away does."""

    async def story(visitor: Visitor) -> None:
        await visitor.http.get(DEEP)
        ticket = visitor.door.tickets.issue(owner(), time.time())
        shown = await visitor.http.get(f"/sign-in?ticket={ticket}")
        answer = await visitor.http.post("/sign-in", data={"ticket": ticket, "next": field(shown.text)})
        assert answer.headers["location"] == DEEP
        assert WANTED not in visitor.http.cookies

    play(story)


def test_what_a_form_was_to_do_is_shown_again_and_not_done() -> None:
    async def story(visitor: Visitor) -> None:
        path = f"/releases/{visitor.release}"
        away = await visitor.http.post(f"{path}/abort", data={"csrf": "of a session that is gone"})
        wanted = field((await visitor.http.get(away.headers["location"])).text)
        answer = await visitor.http.post("/sign-in", data={"token": await token_of(visitor), "next": wanted})
        assert answer.headers["location"] == f"{path}?do=abort#actions"
        page = await visitor.http.get(f"{path}?do=abort")
        assert re.search(r'id="do-abort" name="action" open', page.text)
        assert visitor.home.phase(visitor.release) == "baking"
        freeze = await visitor.http.post(
            "/sign-out", data={}, headers={"referer": "https://door/history?q=x"}
        )
        assert freeze.status_code in (303, 403)

    play(story)


def test_a_form_of_another_page_leads_back_to_that_page_and_to_no_other_site() -> None:
    async def story(visitor: Visitor) -> None:
        for referer, place in (
            ("https://door/freezes", "/sign-in?next=/freezes"),
            ("https://evil.example/freezes", "/sign-in"),
            ("", "/sign-in"),
        ):
            away = await visitor.http.post("/freezes", data={"reason": "x"}, headers={"referer": referer})
            assert (away.status_code, away.headers["location"]) == (303, place)

    play(story)


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/sign-in?ticket=x",
        "/sign-out",
        "",
        "releases/r1",
        "/a\r\nset-cookie: x=y",
        "/a b",
        "/" + "x" * PATH_MAX,
        "/\t/evil.example",
    ],
)
def test_nobody_is_led_elsewhere(evil: str) -> None:
    assert safe(evil) == "/"

    async def story(visitor: Visitor) -> None:
        answer = await visitor.http.post("/sign-in", data={"token": await token_of(visitor), "next": evil})
        assert answer.headers["location"] == "/"

    play(story, begin=False)
