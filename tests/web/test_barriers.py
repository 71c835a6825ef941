"""The dashboard behind a barrier: what is illegal cannot be pressed, and says why; a person lifts it with a reason."""

import re
from collections.abc import Awaitable, Callable

import pytest

from headgate.controller.supervisor import Supervisor
from tests.controller import house
from tests.controller.house import Home
from tests.controller.house import play as in_virtual_time
from tests.controller.test_legality import REASON, behind_a_barrier, frozen
from tests.web.visitor import Visitor, play

LEGAL = f"going back to before r2 is illegal: {REASON.replace(chr(39), '&#39;')}"


def after(begin: Callable[[Home], Awaitable[Supervisor]]) -> Callable[[], Home]:
    """Makes the home that is left when this has happened in it."""

    def made() -> Home:
        home = Home()

        async def story() -> None:
            await (await begin(home)).close()

        in_virtual_time(story)
        home.house.flowed_at = 0.0
        return home

    return made


def test_a_way_back_across_a_barrier_cannot_be_pressed_until_it_is_lifted() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        page = (await visitor.http.get("/releases/r2")).text
        assert re.search(r'id="do-rollback" disabled title="', page)
        assert LEGAL in page
        assert re.search(
            r'<button[^>]* disabled title="[^"]*illegal[^"]*">Undo<', (await visitor.http.get("/")).text
        )
        refused = await visitor.post("/releases/r2/rollback")
        assert (refused.status_code, LEGAL in refused.text) == (409, True)
        assert LEGAL in (await visitor.http.get("/freezes")).text
        assert (await visitor.post("/barriers/r2/lift", reason="", service="web")).status_code == 422
        assert (await visitor.post("/barriers/r1/lift", reason="x", service="web")).status_code == 409
        assert (await visitor.post("/barriers/r9/lift", reason="x", service="web")).status_code == 404
        lifted = await visitor.post("/barriers/r2/lift", reason="both formats work", service="web")
        assert (lifted.status_code, lifted.headers["location"]) == (303, "/freezes")
        page = (await visitor.http.get("/releases/r2")).text
        assert ("disabled" in page, "headgate deploy" in page) == (False, False)
        assert LEGAL not in (await visitor.http.get("/freezes")).text

    play(story, after(behind_a_barrier), begin=False)


def test_a_frozen_release_says_why_and_a_person_may_let_it_be_undone() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        page = (await visitor.http.get("/releases/r2")).text
        assert re.search(r'id="do-abort" disabled title="', page)
        assert LEGAL in page
        assert "<code>headgate deploy -e production web</code>" in page
        wrong = await visitor.post("/barriers/r2/lift", reason="it works", service="web")
        assert (wrong.status_code, "is under way" in wrong.text) == (409, True)
        assert (await visitor.post("/releases/r2/abort")).status_code == 409
        assert (await visitor.post("/releases/r2/lift", reason="the old format works")).status_code == 303
        await visitor.home.until("r2", "rolling back", "rolled back")  # by itself, for it fails on

    play(story, after(frozen), begin=False)


@pytest.mark.parametrize(("name", "named"), [("host", False), ("elsewhere", True)])
def test_the_platform_of_a_service_is_named_where_it_is_not_this_host(
    name: str, *, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "PLATFORM", name)

    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        now, release = [(await visitor.http.get(path)).text for path in ("/", "/releases/r2")]
        assert (f">on {name}</small>" in now, f"<small>on {name};" in release) == (named, named)

    play(story, after(behind_a_barrier), begin=False)
