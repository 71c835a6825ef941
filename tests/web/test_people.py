"""Coming in by the word of an issuer: the whole way through the dashboard, with a real provider over loopback."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx2
import pytest

from headgate import wiring
from headgate.controller.steerable import Steerable
from headgate.core.home.facts import ActionDenied, SignedIn
from headgate.core.home.identity import People, Welcome, is_theirs
from headgate.core.model import SecretSource
from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports.issuer import ANSWER_MAX_BYTES, Person
from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.front_door import COOKIE, CSRF_HEADER, FrontDoor
from headgate.web.doors.limits import AGE_MAX_S, ARRIVALS_MAX, DEPARTURES, FAILURES, Arrivals
from headgate.web.doors.sessions import AGE_MAX_S as SESSION_AGE_MAX_S
from headgate.web.doors.sessions import IDLE_S
from headgate.web.doors.tokens import HomeBook
from headgate.web.doors.vouching import BACK, ELSEWHERE
from headgate.web.entrance import OpenId
from headgate.web.http.stream import Stream
from headgate.web.http.who import Who
from headgate.web.pages.pages import Pages
from headgate.web.pages.signing_in import ARRIVAL
from tests.controller.house import Home
from tests.plugins.issuers.forging import FORGERIES
from tests.plugins.issuers.provider import CLIENT, SECRET, SUBJECT, Provider
from tests.web.web_services import ASKING, Place, at, second

DOOR = "https://door"
PEOPLE = """\
ask: the platform team (#platform)
roles:
  release: {role: operator, environments: [staging]}
  shop: viewer
"""


class Newcomer:
    """A person with a browser, the door before them, and the issuer that knows them. `at` is the door's clock."""

    def __init__(self, home: Path, book: HomeBook, provider: Provider) -> None:
        self.home = home
        self.at = time.time()
        self.door = FrontDoor(book, lambda: self.at)
        self.provider = provider
        self.http = httpx2.AsyncClient()

    async def leaves(self) -> dict[str, str]:
        """Goes to the issuer and says yes there; what the browser brings back."""
        answer = await self.http.get(ELSEWHERE)
        assert answer.status_code == 303, answer.text
        return self.provider.agree(answer.headers["location"])

    async def returns(self, answer: Mapping[str, str], **headers: str) -> httpx2.Response:
        return await self.http.get(BACK, params=dict(answer), headers=headers)

    async def comes(self) -> httpx2.Response:
        return await self.returns(await self.leaves())

    def who(self) -> Who:
        """Who they are here, once they are in."""
        session = self.door.sessions.find(self.http.cookies[COOKIE], self.door.now())
        assert session is not None
        return session.who

    def noted(self) -> list[object]:
        return [note.event for note in self.door.book._ledger.notes()]

    def denials(self) -> list[ActionDenied]:
        return [event for event in self.noted() if isinstance(event, ActionDenied)]

    def turned_away(self, answer: httpx2.Response, status: int) -> str:
        """The page that says so; nothing was opened."""
        assert answer.status_code == status, answer.text
        assert COOKIE not in answer.headers.get("set-cookie", "").replace(ARRIVAL, "")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not any(isinstance(event, SignedIn) for event in self.noted())
        return answer.text


Story = Callable[[Newcomer], Awaitable[None]]


def play(story: Story, home: Path, people: str = PEOPLE, provider: Provider | None = None) -> None:
    provider = provider or Provider()
    (home / "people.yaml").write_text(people)
    (home / "secret").write_text(SECRET)

    async def run() -> None:
        house = Home()
        controller = await house.start()
        web = HttpWeb(Limits(pause_first_s=0.0, body_max_bytes=ANSWER_MAX_BYTES))
        newcomer = Newcomer(home, HomeBook(house.ledger), provider)
        web_services = WebServices(Steerable(controller), house.ledger, newcomer.door, Stream(house.ledger))
        async with http_server(provider.script) as provider.origin, asyncio.timeout(60):
            openid = OpenId(provider.issuer, CLIENT, SecretSource("file", str(home / "secret")))
            newcomer.door.vouching = wiring.vouching(home, web)(openid, DOOR)
            transport = httpx2.ASGITransport(behind_door(web_services, Pages(web_services).routes()))
            async with httpx2.AsyncClient(transport=transport, base_url=DOOR) as newcomer.http:
                await story(newcomer)
            await web.aclose()
        await controller.close()

    asyncio.run(run())


# --- the way in ----------------------------------------------------------------------------------------------------


def test_the_whole_way(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        page = (await newcomer.http.get("/sign-in")).text
        host = urlsplit(newcomer.provider.issuer).netloc
        assert f'<a class="button main" href="{DOOR}{ELSEWHERE}">Sign in with {host}</a>' in page
        away = await newcomer.http.get(ELSEWHERE)
        flags = {part.strip().lower() for part in away.headers["set-cookie"].split(";")[1:]}
        assert flags == {"httponly", "samesite=lax", "secure", "path=/sign-in", f"max-age={AGE_MAX_S:.0f}"}
        assert parse_qs(urlsplit(away.headers["location"]).query)["redirect_uri"] == [f"{DOOR}{BACK}"]
        back = await newcomer.returns(newcomer.provider.agree(away.headers["location"]))
        assert back.status_code == 200
        assert '<meta http-equiv="refresh" content="0; url=/">' in back.text
        assert '<a class="button" href="/">' in back.text
        gone, come = back.headers.get_list("set-cookie")[::-1]
        assert (gone.startswith(f'{ARRIVAL}=""'), "Max-Age=0" in gone) == (True, True)
        flags = {part.strip().lower() for part in come.split(";")[1:]}
        assert (come.partition("=")[0], flags) == (
            COOKIE,
            {"httponly", "samesite=strict", "secure", "path=/"},
        )
        assert "ada@example.com" in (await newcomer.http.get("/")).text
        who = newcomer.who()
        assert (who.name, who.role, who.environments) == ("ada@example.com", "operator", ("staging",))
        (noted,) = newcomer.noted()
        assert isinstance(noted, SignedIn)
        assert (noted.by, noted.how, noted.role) == ("ada@example.com", newcomer.provider.issuer, "operator")
        assert noted.subject == SUBJECT

    play(story, tmp_path)


def test_where_nobody_vouches_there_is_no_such_way(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        pages = behind_door(place.web_services, Pages(place.web_services).routes())
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(pages), base_url=DOOR) as http:
            assert "Sign in with" not in (await http.get("/sign-in")).text
            for path in (ELSEWHERE, BACK):
                assert (await http.get(path)).status_code == 404

    at(story)


def test_the_session_ends_when_every_session_does(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        await newcomer.comes()
        for _ in range(int(SESSION_AGE_MAX_S / IDLE_S) * 2 - 1):
            newcomer.at += IDLE_S / 2
            assert (await newcomer.http.get("/")).status_code == 200
        newcomer.at += IDLE_S / 2
        assert (await newcomer.http.get("/")).status_code == 303

    play(story, tmp_path)


def test_who_comes_in_is_read_anew_each_time(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        await newcomer.comes()
        assert newcomer.who().role == "operator"
        (newcomer.home / "people.yaml").write_text("roles: {shop: admin, release: viewer}")
        await newcomer.comes()
        assert (newcomer.who().role, newcomer.who().environments) == ("admin", ())

    play(story, tmp_path)


def test_nobody_is_led_elsewhere(tmp_path: Path) -> None:
    """Neither what is asked nor the headers say where to: not away, and not on."""

    async def story(newcomer: Newcomer) -> None:
        evil = {
            "next": "//evil.example",
            "url": "https://evil.example",
            "redirect_uri": "https://evil.example",
        }
        headers = {
            "host": "evil.example",
            "x-forwarded-host": "evil.example",
            "forwarded": "host=evil.example",
        }
        away = await newcomer.http.get(ELSEWHERE, params=evil)
        assert "evil" not in away.headers["location"]
        assert "evil" not in (await newcomer.http.get(ELSEWHERE, headers=headers)).headers["location"]
        assert "evil" not in (await newcomer.http.get("/sign-in", params=evil, headers=headers)).text
        answer = newcomer.provider.agree((await newcomer.http.get(ELSEWHERE)).headers["location"])
        back = await newcomer.returns({**evil, **answer})
        assert (back.status_code, "evil" in back.text) == (200, False)

    play(story, tmp_path)


# --- who is not let in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "claims", "says"),
    [
        (PEOPLE, {"groups": ["finance", "shop "]}, "nothing that you hold"),
        (PEOPLE, {"groups": None}, "says nothing of your"),
        (PEOPLE, {"groups": 7}, "says nothing of your"),
        (PEOPLE, {"groups": {"shop": True}}, "says nothing of your"),
        (
            "claim: email\nroles: {ada@example.com: admin}",
            {"email_verified": False},
            "not say that your address is",
        ),
        (
            "claim: email\nroles: {ada@example.com: admin}",
            {"email_verified": None},
            "not say that your address is",
        ),
        (
            "claim: email\nroles: {ada@example.com: admin}",
            {"email_verified": "true"},
            "not say that your address is",
        ),
        (
            "claim: email\nroles: {ada@example.com: admin}",
            {"email": "eve@example.com"},
            "nothing that you hold",
        ),
    ],
)
def test_whom_nothing_names_there_is_no_entry(
    tmp_path: Path, people: str, claims: Mapping[str, Any], says: str
) -> None:
    async def story(newcomer: Newcomer) -> None:
        newcomer.provider.changed = claims
        page = newcomer.turned_away(await newcomer.comes(), 403)
        assert says in page
        asked = "the platform team (#platform)" if people is PEOPLE else "whoever runs this Headgate"
        assert f"Ask {asked} for a role." in page
        (denied,) = newcomer.denials()
        assert (denied.action, denied.target) == ("signIn", BACK)
        assert denied.by in page.replace("<wbr>", "")
        assert (await newcomer.http.get("/")).status_code == 303

    play(story, tmp_path, people)


def test_an_address_that_is_verified_counts_however_it_is_written(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        await newcomer.comes()
        assert (newcomer.who().name, newcomer.who().role) == ("ada@example.com", "admin")

    play(story, tmp_path, "claim: email\nroles: {ADA@Example.com: admin}")


@pytest.mark.parametrize(
    "how", ["another state", "no state", "another browser", "no cookie", "too late", "again"]
)
def test_a_way_back_that_is_not_this_browsers(tmp_path: Path, how: str) -> None:
    async def story(newcomer: Newcomer) -> None:
        answer = await newcomer.leaves()
        mine = newcomer.http.cookies[ARRIVAL]
        if how == "another state":
            answer["state"] = "guess"
        elif how == "no state":
            del answer["state"]
        elif how == "another browser":
            await newcomer.leaves()  # its cookie is another one now
        elif how == "no cookie":
            newcomer.http.cookies.clear()
        elif how == "too late":
            newcomer.at += AGE_MAX_S
        else:
            with_another = await newcomer.returns(answer, cookie=f"{ARRIVAL}=guess")
            newcomer.turned_away(with_another, 400)
            newcomer.http.cookies.clear()
            newcomer.http.cookies.set(ARRIVAL, mine, domain="door", path="/sign-in")
        assert "begin once more" in newcomer.turned_away(await newcomer.returns(answer), 400)
        assert newcomer.provider.count("/token") == 0
        assert {denied.action for denied in newcomer.denials()} == {"signIn"}

    play(story, tmp_path)


def test_what_was_good_once_is_good_no_more(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        answer = await newcomer.leaves()
        cookie = f"{ARRIVAL}={newcomer.http.cookies[ARRIVAL]}"
        assert (await newcomer.returns(answer)).status_code == 200
        newcomer.http.cookies.clear()
        assert (await newcomer.returns(answer, cookie=cookie)).status_code == 400
        other = await newcomer.leaves()
        again = await newcomer.returns(other | {"code": answer["code"]})
        assert (again.status_code, COOKIE in newcomer.http.cookies) == (401, False)

    play(story, tmp_path)


CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "wrong nonce": {"nonce": "another"},
    "wrong audience": {"aud": "another"},
    "wrong issuer": {"iss": "https://evil.example"},
    "expired": {"exp": int(time.time()) - 600},
}


@pytest.mark.parametrize("how", [*FORGERIES, *CLAIMS])
def test_a_statement_that_is_not_right(tmp_path: Path, how: str) -> None:
    async def story(newcomer: Newcomer) -> None:
        if how in CLAIMS:
            newcomer.provider.changed = CLAIMS[how]
        else:
            newcomer.provider.signs = FORGERIES[how]
        page = newcomer.turned_away(await newcomer.comes(), 401)
        assert "did not vouch for you" in page
        (denied,) = newcomer.denials()
        assert (denied.action, denied.by, denied.reason in page) == ("signIn", "127.0.0.1", False)

    play(story, tmp_path)


def _silent(_: Request) -> Answer:
    raise TimeoutError


def _gone(_: Request) -> Answer:
    raise ConnectionError


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize(
    ("script", "status"),
    [
        (_gone, 502),
        (_silent, 502),
        (lambda _: Answer(500, {}, b"the stack of the issuer"), 502),
        (lambda _: Answer(200, {}, b"x" * (ANSWER_MAX_BYTES + 1)), 401),
        (lambda _: Answer(200, {}, b"<html>"), 401),
    ],
    ids=["down", "slow", "500", "huge", "no JSON"],
)
def test_an_issuer_in_trouble(
    tmp_path: Path,
    path: str,
    script: Callable[[Request], Answer],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("issuer", "discovery"):
        short = 0.3 if script is _silent else 5.0
        monkeypatch.setattr(f"headgate.plugins.issuers.openid.{module}.TIMEOUT_S", short)

    async def story(newcomer: Newcomer) -> None:
        newcomer.provider.answers[path] = script
        if path.startswith("/."):
            answer = await newcomer.http.get(ELSEWHERE)
        else:
            answer = await newcomer.comes()
        page = newcomer.turned_away(answer, status)
        assert "stack" not in page
        (denied,) = newcomer.denials()
        assert "127.0.0.1" in denied.reason
        del newcomer.provider.answers[path]
        assert (await newcomer.comes()).status_code == 200

    play(story, tmp_path)


def test_a_file_that_cannot_be_understood_lets_nobody_in(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        for text in ("roles: {shop: emperor}", None):
            file = newcomer.home / "people.yaml"
            file.write_text(text) if text else file.unlink()
            page = newcomer.turned_away(await newcomer.comes(), 401)
            assert "emperor" not in page
            assert str(newcomer.home) not in page
        one, two = newcomer.denials()
        assert "people.yaml:1:15: `emperor` is no role" in one.reason
        assert "there is no such file" in two.reason

    play(story, tmp_path)


def test_who_says_no_at_the_issuer_is_not_in(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        state = (await newcomer.leaves())["state"]
        newcomer.turned_away(await newcomer.returns({"state": state, "error": "access_denied"}), 401)
        (denied,) = newcomer.denials()
        assert "access_denied" in denied.reason

    play(story, tmp_path)


# --- how often -----------------------------------------------------------------------------------------------------


def test_after_many_failures_only_a_good_way_is_listened_to(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        burst = int(FAILURES.burst)
        statuses = [(await newcomer.returns({"state": "guess"})).status_code for _ in range(burst + 3)]
        assert statuses == [400] * burst + [429] * 3
        late = await newcomer.returns({"state": "guess"})
        assert int(late.headers["retry-after"]) > 0
        assert len(newcomer.denials()) == burst
        token = await newcomer.http.post("/sign-in", data={"token": "hg_bad_bad"})
        assert token.status_code == 429, "it is one limit for every way in"
        assert (await newcomer.comes()).status_code == 200

    play(story, tmp_path)


def test_nobody_pushes_out_those_who_are_on_their_way(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        for _ in range(int(DEPARTURES.burst)):
            assert (await newcomer.http.get(ELSEWHERE)).status_code == 303
        late = await newcomer.http.get(ELSEWHERE)
        assert (late.status_code, int(late.headers["retry-after"]) > 0) == (429, True)

    play(story, tmp_path)


def test_of_too_many_the_first_are_forgotten() -> None:
    arrivals = Arrivals()
    sent = [arrivals.send(DOOR, 0.0) for _ in range(ARRIVALS_MAX + 1)]
    assert len(arrivals._expected) == ARRIVALS_MAX
    first, last = sent[0], sent[-1]
    assert arrivals.receive(first[0].state, first[1], 1.0) is None
    assert arrivals.receive(last[0].state, last[1], 1.0) == last[0]
    assert arrivals.receive(last[0].state, last[1], 1.0) is None
    assert len({(attempt.state, attempt.nonce, attempt.verifier) for attempt, _ in sent}) == len(sent)


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({}, "ada@example.com"),
        ({"email_verified": False}, "ada (s-1 at HERE)"),
        ({"email": None}, "ada (s-1 at HERE)"),
        ({"email": None, "preferred_username": None}, "s-1 at HERE"),
        ({"email": None, "preferred_username": "owner"}, "owner (s-1 at HERE)"),
        ({"email": None, "preferred_username": "eve (s-2 at HERE)"}, "s-1 at HERE"),
        ({"email": None, "preferred_username": "a\u202eb"}, "s-1 at HERE"),
        ({"email": "owner"}, "ada (s-1 at HERE)"),
        ({"email": "ada @example.com"}, "ada (s-1 at HERE)"),
        ({"email": "\u0430da@example.com"}, "ada (s-1 at HERE)"),
        ({"email": ["ada@example.com"]}, "ada (s-1 at HERE)"),
        ({"email": None, "sub": "owner", "preferred_username": None}, "owner at HERE"),
    ],
)
def test_nobody_is_called_what_somebody_else_is(tmp_path: Path, claims: Mapping[str, Any], name: str) -> None:
    async def story(newcomer: Newcomer) -> None:
        newcomer.provider.changed = claims
        await newcomer.comes()
        here = newcomer.provider.issuer.partition("://")[2]
        assert newcomer.who().name == name.replace("HERE", here)

    play(story, tmp_path)


def test_whoever_is_called_otherwise_now_is_the_same_person(tmp_path: Path) -> None:
    async def story(newcomer: Newcomer) -> None:
        called = []
        for claims in ({"email": "old@example.com"}, {"email": None}, {"email": "new@example.com"}):
            newcomer.provider.changed = claims
            await newcomer.comes()
            called.append(newcomer.who().name)
        assert len(set(called)) == 3
        assert all(is_theirs(newcomer.door.book.home, newcomer.who().names, name) for name in called)
        assert is_theirs(newcomer.door.book.home, newcomer.who().names, "ada"), (
            "a token of theirs may be called so"
        )
        newcomer.provider.changed = {"sub": "s-2", "email": "eve@example.com", "preferred_username": "eve"}
        await newcomer.comes()
        assert not any(is_theirs(newcomer.door.book.home, newcomer.who().names, name) for name in called)

    play(story, tmp_path)


@pytest.mark.parametrize("author", ["ada@example.com", "ada", "s-1", "ada (s-1 at people.example)"])
def test_nobody_approves_their_own_whichever_door_they_came_by(author: str) -> None:
    async def story(place: Place) -> None:
        token = await place.token("admin", name=author)
        assert (await place.ask("POST", "/v1/releases", second(ASKING), token=token)).status_code == 201
        await place.home.until("r2", "waiting for approval")
        ada = Person("https://people.example", "s-1", "ada@example.com", "ada")
        called = Person(ada.issuer, ada.subject, "", ada.username).name
        also = frozenset({*ada.names, called}) - {ada.name}
        for who, status in (
            (Who(ada.name, "approver", "session", also=also), 403),
            (Who("grace@example.com", "approver", "session"), 200),
        ):
            name = place.door.sessions.begin(who, place.at)
            session = place.door.sessions.find(name, place.at)
            assert session is not None
            given = {"cookie": f"{COOKIE}={name}", CSRF_HEADER: session.csrf}
            answer = await place.ask("POST", "/v1/releases/r2/approve", {}, token="", **given)
            assert answer.status_code == status, answer.text

    at(story)


def test_the_first_that_names_somebody_counts() -> None:
    people = People((Welcome("a", "viewer"), Welcome("b", "admin"), Welcome("a", "admin")))
    assert people.welcome(("b", "a")) == Welcome("a", "viewer")
    assert people.welcome(("c",)) is people.welcome(()) is None


# --- secrets -------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown_written_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    codes: list[str] = []

    async def story(newcomer: Newcomer) -> None:
        provider = newcomer.provider
        changes: list[dict[str, Any]] = [{}, {"nonce": "another"}, {"groups": []}]
        for provider.changed in changes:
            answer = await newcomer.leaves()
            codes.append(answer["code"])
            seen.append((await newcomer.returns(answer)).text)
        provider.secret = "another"
        answer = await newcomer.leaves()
        codes.append(answer["code"])
        seen.append((await newcomer.returns(answer)).text)
        provider.answers["/token"] = lambda request: Answer(
            400, {}, request.body + str(request.headers).encode()
        )
        answer = await newcomer.leaves()
        codes.append(answer["code"])
        seen.append((await newcomer.returns(answer)).text)
        seen.append(str(newcomer.noted()))
        assert len(newcomer.denials()) == 4

    play(story, tmp_path)
    (tmp_path / "secret").unlink()
    seen += [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    seen += [record.getMessage() for record in caplog.records if record.name != "httpx2"]  # the browser's own
    shown = base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
    for secret in (SECRET, quote_plus(SECRET), shown, *codes):
        assert not any(secret in text for text in seen), secret
