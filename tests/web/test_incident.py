"""The incident page: what may be the cause, and one click that takes it back; and the one thing to do next."""

import re

import pytest

from headgate.core.home.facts import AccessRole
from headgate.core.machine.events import ReleaseAborted
from headgate.core.model import Stage
from headgate.web.pages import incident as module
from tests.web.visitor import Visitor, play

ASKS = (Stage(weight=20, bake_s=0.25), Stage(pause="look at the orders"))


def suspects(page: str) -> list[str]:
    return re.findall(r'<li id="suspect-(\w+)">', page)


def test_what_moves_comes_first_then_what_was_promoted_last() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("operator")
        page = (await visitor.http.get("/incident")).text
        assert suspects(page) == [visitor.release, "r2"], "what does not run is no suspect"
        assert f'action="/releases/{visitor.release}/abort"' in page
        assert "Take back first what is under way." in page

    play(story)


def test_one_click_takes_back_what_is_under_way() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("operator")
        answer = await visitor.post(f"/releases/{visitor.release}/abort", reason="incident")
        assert answer.status_code == 303
        (said,) = visitor.home.events(visitor.release, ReleaseAborted)
        assert isinstance(said, ReleaseAborted)
        assert (said.by, said.reason) == ("eve", "incident")
        await visitor.home.until_closed(visitor.release)
        assert suspects((await visitor.http.get("/incident")).text) == ["r2"]

    play(story)


def test_one_click_takes_back_what_was_promoted() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("operator")
        page = (await visitor.http.get("/incident")).text
        assert re.findall(r'<form method="post" action="(/releases/r\d/\w+)"', page) == [
            "/releases/r2/rollback"
        ]
        answer = await visitor.post("/releases/r2/rollback", reason="incident")
        assert answer.headers["location"] == "/releases/r5"

    play(story, begin=False)


def test_a_viewer_sees_the_suspects_and_no_button() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        page = (await visitor.http.get("/incident")).text
        assert suspects(page)
        assert "<button" not in page.partition("<main")[2]
        assert "you can only look" in page

    play(story)


def test_what_was_promoted_long_ago_is_no_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("operator")
        assert suspects((await visitor.http.get("/incident")).text) == ["r2"]
        monkeypatch.setattr(module, "LOOK_BACK_H", 0.5)
        assert suspects((await visitor.http.get("/incident")).text) == []

    play(story, begin=False)


def test_what_waits_has_one_next_thing_to_do_for_whoever_may() -> None:
    async def story(visitor: Visitor) -> None:
        roles: tuple[tuple[AccessRole, int], ...] = (("viewer", 0), ("operator", 0), ("approver", 1))
        for role, count in roles:
            visitor.http.cookies.clear()
            await visitor.enter(role)
            page = (await visitor.http.get("/")).text
            waiting = page.partition('id="waiting"')[2].partition("</section>")[0]
            assert "It waits for a person:" in waiting
            assert f'<a href="/releases/{visitor.release}">' in waiting
            assert page.count(f'href="/releases/{visitor.release}?do=approve#actions"') == count, role
        opened = (await visitor.http.get(f"/releases/{visitor.release}?do=approve")).text
        assert re.search(r'id="do-approve" name="action" open', opened)

    play(story, stages=ASKS)
