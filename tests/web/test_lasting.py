"""Who is signed in, how long and how often: bounded by person, kept for the next door, ended with its reason."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import httpx2
import msgspec
import pytest

from headgate.core.home.facts import FreezeSet, SignedIn
from headgate.core.home.identity import People, Welcome
from headgate.ledger import MemoryLedger
from headgate.ports import Permanent
from headgate.testing.fakes.issuer import MemoryIssuer
from headgate.web.doors.front_door import COOKIE, FrontDoor
from headgate.web.doors.limits import SIGN_INS
from headgate.web.doors.sessions import PER_PERSON_MAX, SESSIONS_MAX, IssuerClaim
from headgate.web.doors.tokens import Grant, HomeBook
from headgate.web.doors.vouching import Vouching
from headgate.web.http import stream as streaming
from headgate.web.http.endpoint import Reply
from headgate.web.http.idempotency import Keys
from headgate.web.http.keeping import FileDrawer
from headgate.web.http.problems import Problem
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream
from headgate.web.http.who import Who
from tests.controller.house import Home
from tests.web.visitor import Visitor, play
from tests.web.web_services import Place, at

ISSUER = "https://people.example"
ADA = Who("ada@example.com", "admin", "session")
HELD = IssuerClaim(ISSUER, "groups", ("release",))


# --- bounded by person -----------------------------------------------------------------------------------------------


def test_a_person_signs_in_so_often_and_pushes_nobody_out() -> None:
    async def story(visitor: Visitor) -> None:
        grace = visitor.door.sessions.begin(Who("grace", "viewer", "session"), time.time())
        token = await visitor.door.tokens.issue(Grant("eve", "viewer"), "owner", time.time())
        answers = []
        for number in range(int(SIGN_INS.burst) + 5):
            if number % 2:
                token = await visitor.door.tokens.issue(Grant("EVE", "viewer"), "owner", time.time())
            answers.append((await visitor.http.post("/sign-in", data={"token": token})).status_code)
        assert answers.count(303) == SIGN_INS.burst
        assert answers[-1] == 429
        signed = [one.event for one in visitor.home.ledger.notes() if isinstance(one.event, SignedIn)]
        assert len(signed) == SIGN_INS.burst
        other = await visitor.door.tokens.issue(Grant("ada", "viewer"), "owner", time.time())
        assert (await visitor.http.post("/sign-in", data={"token": other})).status_code == 303
        assert visitor.door.sessions.find(grace, time.time()) is not None

    play(story, begin=False)


def test_of_too_many_the_oldest_of_whoever_has_most_ends() -> None:
    door = FrontDoor(HomeBook(MemoryLedger()))
    eve = [door.sessions.begin(Who("eve", "viewer", "token"), 1.0) for _ in range(PER_PERSON_MAX + 3)]
    eve += [door.sessions.begin(Who(" Eve", "viewer", "token"), 1.0)]
    alive = [name for name in eve if door.sessions.find(name, 2.0)]
    assert alive == eve[-PER_PERSON_MAX:]
    others = [door.sessions.begin(Who(f"p{n}", "viewer", "token"), 3.0) for n in range(SESSIONS_MAX)]
    assert all(door.sessions.find(name, 4.0) for name in others[-SESSIONS_MAX + PER_PERSON_MAX :])
    assert sum(door.sessions.find(name, 4.0) is not None for name in (*alive, *others)) == SESSIONS_MAX
    assert not door.sessions.find(alive[0], 4.0)


# --- kept ------------------------------------------------------------------------------------------------------------


def test_a_session_outlives_the_door_and_ends_with_its_token_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"

    async def story(place: Place) -> None:
        def anew() -> None:
            place.door.sessions = FrontDoor(place.door.book, lambda: place.at, FileDrawer(path)).sessions
            place.door.sessions._still_in = place.door._still_in

        anew()
        text = await place.token("operator", name="grace")
        who = place.door.tokens.who(text, place.at)
        assert who is not None
        name = place.door.sessions.begin(who, place.at, who.token)
        before = place.door.sessions.find(name, place.at)
        cookie = f"{COOKIE}={name}"
        assert path.stat().st_mode & 0o777 == 0o600
        kept = path.read_text()
        assert before is not None
        assert name not in kept
        assert before.csrf not in kept
        assert text.rpartition("_")[2] not in kept
        anew()
        assert (await place.ask("GET", "/v1/health", token="", cookie=cookie)).status_code == 200
        again = place.door.sessions.find(name, place.at)
        assert again is not None
        assert (again.csrf, again.who, again.began_at) == (before.csrf, before.who, before.began_at)
        await place.door.tokens.revoke(who.token, "owner", place.at)
        anew()
        assert (await place.ask("GET", "/v1/health", token="", cookie=cookie)).status_code == 401
        assert json.loads(path.read_text()) == {}

    at(story)


@pytest.mark.parametrize("what", ["mode", "broken", "another shape"])
def test_a_file_that_is_not_ours_or_not_whole_lets_nobody_in(what: str, tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    first = FrontDoor(HomeBook(MemoryLedger()), time.time, FileDrawer(path))
    name = first.sessions.begin(ADA, time.time())
    if what == "mode":
        path.chmod(0o644)
    else:
        path.write_text("{" if what == "broken" else '{"a": {"who": "admin"}}')
    assert FrontDoor(first.book, time.time, FileDrawer(path)).sessions.find(name, time.time()) is None


def test_a_door_that_cannot_keep_works_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    door = FrontDoor(HomeBook(MemoryLedger()), time.time, FileDrawer(tmp_path / "nowhere" / "sessions.json"))
    names = [door.sessions.begin(ADA, time.time()) for _ in range(3)]
    assert all(door.sessions.find(name, time.time()) for name in names)
    assert len([one for one in caplog.records if "cannot be kept" in one.message]) == 1


def test_what_was_done_once_is_known_to_the_next_door(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    done: list[int] = []

    async def act() -> Reply:
        done.append(1)
        return Reply({"release": "r7"}, headers={"x-a": "b"})

    async def story() -> None:
        key = ("token:ci", "beginRelease", "once-1")
        await Keys(FileDrawer(path)).once(key, "digest", act)
        again = await Keys(FileDrawer(path)).once(key, "digest", act)
        assert (json.loads(msgspec.json.encode(again.content)), again.headers, len(done)) == (
            {"release": "r7"},
            {"x-a": "b"},
            1,
        )
        with pytest.raises(Problem, match="another request"):
            await Keys(FileDrawer(path)).once(key, "other", act)
        await Keys(FileDrawer(path)).once(("token:eve", "beginRelease", "once-1"), "digest", act)
        assert len(done) == 2
        assert path.stat().st_mode & 0o777 == 0o600
        assert "once-1" not in path.read_text()

    asyncio.run(story())


def test_a_kept_answer_is_answered_again_as_it_was() -> None:
    async def story(place: Place) -> None:
        token = await place.token("operator")
        bodies = [
            (
                await place.ask("POST", "/v1/freezes", {"reason": "x"}, token=token, idempotency_key="k")
            ).content
            for _ in range(2)
        ]
        assert bodies[0] == bodies[1]
        assert len(place.notes(FreezeSet)) == 1

    at(story)


# --- ended with its reason -------------------------------------------------------------------------------------------


class Roles:
    """Who comes in, as `people.yaml` says it by now."""

    def __init__(self) -> None:
        self.people: People | None = People((Welcome("release", "admin"),))

    def __call__(self) -> People:
        if self.people is None:
            raise Permanent("people.yaml cannot be read")
        return self.people


def issued(place: Place) -> Roles:
    roles = Roles()
    place.door.vouching = Vouching(MemoryIssuer(ISSUER), roles, "https://door")
    return roles


def test_a_session_has_the_role_that_the_issuers_word_gives_now() -> None:
    async def story(place: Place) -> None:
        roles = issued(place)
        name = place.door.sessions.begin(ADA, place.at, word=HELD)

        def who() -> Who | None:
            session = place.door.sessions.find(name, place.at)
            return session.who if session else None

        assert who() == ADA
        roles.people = People((Welcome("release", "viewer", ("staging",)),))
        assert who() == replace(ADA, role="viewer", environments=("staging",))
        roles.people = None
        request = {"cookie": f"{COOKIE}={name}"}
        assert (await place.ask("GET", "/v1/health", token="", **request)).status_code == 401
        roles.people = People((Welcome("release", "viewer"),))
        assert (await place.ask("GET", "/v1/health", token="", **request)).status_code == 200, (
            "it was only unknown"
        )
        roles.people = People((Welcome("shop", "viewer"),))
        assert who() is None
        roles.people = People((Welcome("release", "admin"),))
        assert who() is None, "over is over"

    at(story)


@pytest.mark.parametrize("what", ["another claim", "another issuer", "no issuer"])
def test_a_session_ends_with_the_issuer_that_vouched_for_it(what: str) -> None:
    async def story(place: Place) -> None:
        roles = issued(place)
        name = place.door.sessions.begin(ADA, place.at, word=HELD)
        if what == "another claim":
            roles.people = People((Welcome("release", "admin"),), "teams")
        elif what == "no issuer":
            place.door.vouching = None
        else:
            place.door.vouching = Vouching(MemoryIssuer("https://other.example"), roles, "https://door")
        assert place.door.sessions.find(name, place.at) is None

    at(story)


@contextlib.asynccontextmanager
async def served() -> AsyncGenerator[tuple[Place, httpx2.AsyncClient]]:
    """A place behind a real socket."""
    home = Home()
    supervisor = await home.start()
    place = Place(home, supervisor, Stream(home.ledger))
    with contextlib.closing(tcp_listener("127.0.0.1", 0)) as listener:
        async with (
            asyncio.timeout(60),
            serving(place.front, listener),
            place.web_services.stream.running(),
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as http,
        ):
            yield place, http
    await supervisor.close()


class Listener:
    """Somebody who listens, until the stream ends."""

    def __init__(self, http: httpx2.AsyncClient, **headers: str) -> None:
        self.heard = b""
        self._more = asyncio.Event()
        self.task = asyncio.create_task(self._listen(http, headers))

    async def _listen(self, http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        async with http.stream("GET", "/v1/stream", headers=headers) as answer:
            assert answer.status_code == 200
            async for chunk in answer.aiter_bytes():
                self.heard += chunk
                self._more.set()

    async def until(self, what: bytes) -> None:
        while what not in self.heard:
            self._more.clear()
            await self._more.wait()


@pytest.mark.parametrize("what", ["signed out", "revoked", "revoked token", "less right", "no role"])
def test_a_stream_ends_when_its_listener_is_not_welcome_any_more(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing happens that could be sent."""
    monkeypatch.setattr(streaming, "CHECK_S", 0.01)

    async def story() -> None:
        async with served() as (place, http):
            await told(place, http)

    async def told(place: Place, http: httpx2.AsyncClient) -> None:
        roles = issued(place)
        text = await place.token("admin", name="grace")
        who = place.door.tokens.who(text, place.at)
        assert who is not None
        by_token = what in ("revoked", "signed out")
        name = place.door.sessions.begin(
            who if by_token else ADA, place.at, who.token if by_token else "", None if by_token else HELD
        )
        by = (
            {"authorization": f"Bearer {text}"} if what == "revoked token" else {"cookie": f"{COOKIE}={name}"}
        )
        listener = Listener(http, **by)
        await listener.until(b"retry: ")
        assert not listener.task.done()
        match what:
            case "signed out":
                place.door.sessions.end(name, place.at)
            case "less right":
                roles.people = People((Welcome("release", "viewer"),))
            case "no role":
                roles.people = People((Welcome("shop", "viewer"),))
            case _:
                await place.door.tokens.revoke(who.token, "owner", place.at)
        await listener.task

    asyncio.run(story())


def test_a_stream_has_the_notes_of_the_home_for_whoever_may_read_them() -> None:
    async def story() -> None:
        async with served() as (place, http):
            tokens = [
                await place.token("admin", name="ada"),
                await place.token("admin", "staging", name="bo"),
            ]
            ada, bo = (Listener(http, authorization=f"Bearer {token}") for token in tokens)
            await ada.until(b"retry: ")
            await bo.until(b"retry: ")
            wanted = {"reason": "x", "environments": ["production"]}
            assert (await place.ask("POST", "/v1/freezes", wanted)).status_code == 201
            await place.token("viewer", name="carol")
            both = {"reason": "the sale", "environments": ["staging", "production"]}
            name = (await place.ask("POST", "/v1/freezes", both)).json()["freeze"]
            assert (await place.ask("DELETE", f"/v1/freezes/{name}")).status_code == 200
            for one in (ada, bo):
                await one.until(b'"type":"FreezeLifted"')
                one.task.cancel()
            await asyncio.gather(ada.task, bo.task, return_exceptions=True)
        assert b"event: note" in ada.heard
        assert ada.heard.count(b'"type":"FreezeSet"') == 2
        assert b"carol" in ada.heard
        assert bo.heard.count(b'"type":"FreezeSet"') == 1
        assert b"carol" not in bo.heard

    asyncio.run(story())
