"""Pages without a browser: what they answer, with which headers, to whom; and that nothing can be forged."""

import asyncio
import re
import time
from urllib.parse import quote

import pytest
from starlette.routing import Route

from headgate.controller.steerable import Steerable
from headgate.core.home.facts import ActionDenied
from headgate.core.machine.events import ReleasePaused
from headgate.core.model import Evidence, Unit
from headgate.core.story.series import POINTS_MAX
from headgate.web.api.home import FreezeState
from headgate.web.application import WebServices
from headgate.web.doors.front_door import COOKIE, FrontDoor
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.http.stream import Stream
from headgate.web.http.who import owner
from headgate.web.pages.freezes import DAYS, days
from headgate.web.pages.pages import Pages
from headgate.web.pages.render import breakable
from headgate.web.pages.words import duration, odds, own_verdict, weighed
from tests.web.shop import past, watched_for_long
from tests.web.visitor import EVIL, Visitor, play

PAGES = (
    "/",
    "/history",
    "/compare?release=r3&release=r4",
    "/plan",
    "/plan?release=r2",
    "/freezes",
    "/ledger",
    "/incident",
    "/releases/r3/replay",
    "/releases/r3/replay?factor=3&max=50",
)
HOUR_S = 3600.0
WEIGHT_MAX = 300_000


def test_every_page_answers_and_is_shut_in_by_its_headers() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        for path in (*PAGES, "/releases/r1", "/releases/r4", f"/releases/{visitor.release}", "/sign-in"):
            answer = await visitor.http.get(path)
            assert answer.status_code == 200, path
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert not re.search(
                r"<script(?! defer src=\"/static/)|<style|\sstyle=|\son[a-z]+=", answer.text
            ), path
            assert EVIL not in answer.text
        assert (await visitor.http.get("/static/house.css")).headers["content-security-policy"]

    play(story)


def test_unknown_things_are_pages_too() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        for path, status in (
            ("/releases/r99", 404),
            ("/compare?release=r1", 422),
            ("/ledger?after=x", 422),
            ("/history?before=r99", 422),
            ("/releases/r99/replay", 404),
        ):
            answer = await visitor.http.get(path)
            assert answer.status_code == status, path
            assert "To what runs now" in answer.text
        assert (await visitor.post("/releases/r1/vanish")).status_code == 404
        assert (await visitor.post("/releases/r1/begin")).status_code == 404

    play(story)


def test_a_stranger_is_shown_the_door() -> None:
    async def story(visitor: Visitor) -> None:
        for path in (*PAGES, "/releases/r1"):
            answer = await visitor.http.get(path)
            wanted = "" if path == "/" else f"?next={quote(path, safe='/')}"
            assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{wanted}"), path
        for path in ("/freezes", f"/releases/{visitor.release}/abort", "/sign-out"):
            answer = await visitor.http.post(path, data={"csrf": ""})
            shown = f"?next={quote(f'/releases/{visitor.release}?do=abort#actions', safe='/')}"
            wanted = shown if path.endswith("abort") else ""
            assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{wanted}"), path
        assert visitor.home.phase(visitor.release) == "baking"

    play(story)


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites() -> None:
    async def story(visitor: Visitor) -> None:
        link = f"/sign-in?ticket={visitor.door.tickets.issue(owner(), time.time())}"
        page = await visitor.http.get(link)
        ticket = link.partition("=")[2]
        assert ticket in page.text
        assert COOKIE not in page.headers.get("set-cookie", "")
        answer = await visitor.http.post("/sign-in", data={"ticket": ticket})
        flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
        assert flags == {"httponly", "samesite=strict", "secure", "path=/"}
        plain = await visitor.http.post(
            "http://door/sign-in", data={"ticket": visitor.door.tickets.issue(owner(), time.time())}
        )
        assert "secure" not in plain.headers["set-cookie"].lower()
        again = await visitor.http.post("/sign-in", data={"ticket": ticket})
        assert again.status_code == 401
        assert "set-cookie" not in again.headers

    play(story)


def test_whoever_signs_out_is_out_and_a_session_cannot_be_fixed() -> None:
    async def story(visitor: Visitor) -> None:
        chosen = {"cookie": f"{COOKIE}=chosen-by-somebody-else"}
        token = await visitor.door.tokens.issue(Grant("eve", "admin"), "owner", time.time())
        answer = await visitor.http.post("/sign-in", data={"token": token}, headers=chosen)
        mine = {"cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
        visitor.http.cookies.clear()
        assert (await visitor.http.get("/", headers=chosen)).status_code == 303
        page = await visitor.http.get("/", headers=mine)
        assert page.status_code == 200
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        out = await visitor.http.post("/sign-out", data={"csrf": csrf}, headers=mine)
        assert out.headers["location"] == "/sign-in"
        assert (await visitor.http.get("/", headers=mine)).status_code == 303

    play(story)


def test_every_form_needs_the_sessions_own_text() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        verbs = ("abort", "pause", "resume", "approve", "promote", "lift", "rollback", "restore")
        paths = ["/freezes", "/freezes/f1/lift", "/barriers/r1/lift", "/sign-out"]
        paths += [f"/releases/{visitor.release}/{verb}" for verb in verbs]
        for path in paths:
            for data in ({}, {"csrf": ""}, {"csrf": "guess"}):
                answer = await visitor.http.post(path, data={"reason": "mine", **data})
                assert answer.status_code == 403, path
                assert "reload the page" in answer.text
        assert visitor.home.phase(visitor.release) == "baking"
        assert (await visitor.http.get("/")).status_code == 200

    play(story)


def test_every_form_is_named_above() -> None:
    """A POST that is new must be added to the test before this one."""
    home = past()

    async def run() -> set[str]:
        web_services = WebServices(
            Steerable(home.controller()), home.ledger, FrontDoor(HomeBook(home.ledger)), Stream(home.ledger)
        )
        routes = Pages(web_services).routes()
        return {
            route.path for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())
        }

    assert asyncio.run(run()) == {
        *("/freezes", "/freezes/{freeze}/lift", "/sign-out", "/sign-in"),
        "/releases/{release}/{verb}",
        "/barriers/{release}/lift",
    }


def test_a_viewer_has_no_button_and_a_refusal_is_on_record() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        for path in ("/", "/freezes", f"/releases/{visitor.release}", "/releases/r2"):
            main = (await visitor.http.get(path)).text.partition("<main")[2]
            assert "<button" not in main, path
        answer = await visitor.post(f"/releases/{visitor.release}/abort")
        assert answer.status_code == 403
        assert "does not operate" in answer.text
        assert any(isinstance(note.event, ActionDenied) for note in visitor.home.ledger.notes(0))
        assert visitor.home.phase(visitor.release) == "baking"

    play(story)


def test_a_button_does_what_it_says() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("operator")
        answer = await visitor.post(f"/releases/{visitor.release}/pause", reason=EVIL)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/releases/{visitor.release}")
        (said,) = visitor.home.events(visitor.release, ReleasePaused)
        assert isinstance(said, ReleasePaused)
        assert (said.by, said.reason) == ("eve", EVIL)
        page = await visitor.http.get(f"/releases/{visitor.release}?do=abort")
        assert re.search(r'id="do-abort" name="action" open', page.text)
        again = await visitor.post(f"/releases/{visitor.release}/pause")
        assert again.status_code == 409

    play(story)


def test_a_freeze_is_set_shown_in_the_calendar_and_lifted() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        wrong = await visitor.post("/freezes", reason="the sale", hours="soon")
        assert wrong.status_code == 422
        done = await visitor.post(
            "/freezes", reason="the sale", hours="24", environments="production, staging"
        )
        assert done.headers["location"] == "/freezes"
        page = (await visitor.http.get("/freezes")).text
        assert "f1: production, staging" in page
        assert "frozen" in (await visitor.http.get("/")).text
        assert (await visitor.post("/freezes/f1/lift")).status_code == 303
        assert (await visitor.post("/freezes/f1/lift")).status_code == 409

    play(story)


def test_the_history_is_searched() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()

        async def found(query: str) -> list[str]:
            page = (await visitor.http.get(f"/history?{query}")).text
            return re.findall(r'<th scope="row"><a href="/releases/(r\d+)">', page)

        assert await found("") == ["r5", "r4", "r3", "r2", "r1"]
        assert await found("outcome=rolled+back") == ["r4", "r3"]
        assert await found("outcome=open") == ["r5"]
        assert await found("q=WEB+v3") == ["r3"]
        assert await found("q=v3&outcome=promoted") == []
        assert await found("environment=staging") == []

    play(story)


def test_the_plan_page_foretells_or_says_what_is_wrong() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        good = await visitor.http.get("/plan?rate=100&base=1&factor=1.5&weight=10&weight=&bake=60&bake=")
        assert good.text.count("<polyline") == 1
        assert "10% for 1 min" in good.text
        for wrong in ("rate=much", "rate=nan", "rate=0", "weight=100", "bake=-1", "weight="):
            bad = await visitor.http.get(f"/plan?{wrong}")
            assert bad.status_code == 200, wrong
            assert "<polyline" not in bad.text, wrong
            assert 'class="why"' in bad.text, wrong
        answer = await visitor.http.get("/plan?release=r2")
        assert 'name="weight" type="number" min="1" max="99" value="20"' in answer.text

    play(story)


def test_what_is_hostile_is_shown_as_it_is_and_does_nothing() -> None:
    unit = Unit(EVIL, EVIL, EVIL)

    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        for path in (*PAGES, "/releases/r3", f"/releases/{visitor.release}"):
            text = (await visitor.http.get(path)).text
            assert "<script>alert" not in text, path
        assert "&lt;script&gt;alert" in (await visitor.http.get("/releases/r3")).text

    play(story, lambda: past(unit, (EVIL, EVIL, EVIL, EVIL)))


def test_the_page_of_a_long_release_weighs_little() -> None:
    """With as many points in its charts as there can be: what a browser gets in all, uncompressed."""
    home = past()
    release = watched_for_long(home, POINTS_MAX + 5)

    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        page = await visitor.http.get(f"/releases/{release}")
        series = await visitor.http.get(f"/v1/releases/{release}/series")
        (leg,) = series.json()["legs"]
        assert POINTS_MAX // 2 <= len(leg["at"]) <= POINTS_MAX
        parts = [page, series]
        parts += [
            await visitor.http.get(path) for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        ]
        assert all(part.status_code == 200 for part in parts)
        assert sum(len(part.content) for part in parts) < WEIGHT_MAX

    play(story, lambda: home, begin=False)


def test_words() -> None:
    assert [duration(one) for one in (None, 0.0, 0.25, 1.5, 4.02, 90.0, 3 * 86400.0)] == [
        *("\N{EN DASH}", "0 s", "250 ms", "1.5 s", "4 s", "1.5 min", "3 d")
    ]
    assert [odds(one) for one in (1.0, 4.2, 412.4, 1e9)] == [
        "none",
        "4.2 to 1",
        "412 to 1",
        "over a million to 1",
    ]
    assert weighed(1.0, 100.0) == "no evidence that the new version is worse; it is taken back at 100 to 1"
    assert [own_verdict(Evidence("m", "pass", one)) for one in (1.0, 2.9, 4.6)] == ["pass", "pass", "watch"]
    assert own_verdict(Evidence("m", "fail", 400.0)) == "fail"
    assert breakable("a_b<.c") == "a_<wbr>b&lt;.<wbr>c"


@pytest.mark.parametrize(
    ("begins_h", "ends_h", "lifted_h", "frozen"),
    [
        (1, 2, None, [0]),
        (20, 30, None, [0, 1]),
        (-50, None, None, [*range(DAYS)]),
        (-9, 99, -1, []),
        (400, 500, None, []),
    ],
)
def test_a_calendar_day_has_the_freezes_that_hold_in_any_part_of_it(
    begins_h: float, ends_h: float | None, lifted_h: float | None, frozen: list[int]
) -> None:
    def at(hours: float | None) -> float | None:
        return None if hours is None else hours * HOUR_S

    freeze = FreezeState("f1", "why", "eve", begins_h * HOUR_S, at(ends_h), at(lifted_h), False, (), (), ())  # noqa: FBT003
    assert [n for n, day in enumerate(days([freeze], 0.0)) if day.freezes] == frozen
