"""Who may come in by TCP, what they may do there, and what is written down of those who may not."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from headgate.core.home.facts import AccessRole, FreezeSet
from headgate.core.machine.events import StepApproved
from headgate.core.model import Unit, Version
from headgate.web.doors.front_door import COOKIE, CSRF_HEADER
from headgate.web.doors.limits import ACTIONS, DENIALS, FAILURES, READS, Limiter, Rate
from headgate.web.http.who import PERMISSIONS
from tests.controller.house import TWO, wish
from tests.web.web_services import ASKING, Place, at, second

ELSEWHERE = "staging"
BODIES: dict[str, Any] = {
    "beginRelease": second(),
    "setFreeze": {"reason": "holidays"},
    "issueToken": {"name": "other", "role": "viewer"},
    "liftBarrier": {"reason": "both formats work"},
    "addHook": {"name": "pager", "vendor": "alertmanager", "environments": ["production"]},
    "retireUnit": {"unit": {"project": "shop", "environment": "production", "service": "web"}},
}


async def ask_each(place: Place, token: str, about: str) -> dict[str, int]:
    """The status of every endpoint that changes anything, asked with this token; `about` is another token's id."""
    given = {"release": "r1", "freeze": "f1", "token": about, "hook": "pager"}
    found: dict[str, int] = {}
    for endpoint in place.endpoints():
        if endpoint.method != "GET" and endpoint.permission != "read":
            body = BODIES.get(endpoint.name, {}) if endpoint.body else None
            answer = await place.ask(endpoint.method, endpoint.path.format(**given), body, token=token)
            found[endpoint.name] = answer.status_code
    return found


@pytest.mark.parametrize("role", get_args(AccessRole))
def test_each_role_is_refused_what_is_not_its_own(role: AccessRole) -> None:
    async def story(place: Place) -> None:
        token = await place.token(role)
        for endpoint in place.endpoints():
            works_in_a_thread = endpoint.name == "replayRelease"  # of which virtual time knows nothing
            release = "nowhere" if works_in_a_thread else "r1"
            params = {"release": release, "freeze": "f1", "token": "t1", "hook": "pager"}
            body = BODIES.get(endpoint.name, {}) if endpoint.body else None
            answer = await place.ask(endpoint.method, endpoint.path.format(**params), body, token=token)
            may = endpoint.permission in PERMISSIONS[role] and endpoint.name != "makeSignInLink"
            assert (answer.status_code == 403) is not may, (endpoint.name, answer.text)
        refused = {note.action for note in place.denials()}
        assert refused == {
            endpoint.name
            for endpoint in place.endpoints()
            if endpoint.permission not in PERMISSIONS[role] or endpoint.name == "makeSignInLink"
        }

    at(story)


def test_the_table_of_endpoints_asks_for_more_than_reading_wherever_anything_changes() -> None:
    async def story(place: Place) -> None:
        harmless = [one.name for one in place.endpoints() if one.method != "GET" and one.permission == "read"]
        assert harmless == ["forecast"], "computes, and changes nothing"
        assert {one.name for one in place.endpoints() if one.permission == "administer"} == {
            "listTokens",
            "issueToken",
            "revokeToken",
            "makeSignInLink",
            "listHooks",
            "addHook",
            "removeHook",
        }

    at(story)


@pytest.mark.parametrize("role", ["operator", "approver", "admin"])
def test_who_is_bound_to_an_environment_has_no_right_elsewhere(role: AccessRole) -> None:
    async def story(place: Place) -> None:
        await place.ask("POST", "/v1/freezes", {"reason": "x", "environments": ["production"]})
        other = (await place.ask("POST", "/v1/tokens", {"name": "o", "role": "viewer"})).json()["token"]
        token = await place.token(role, ELSEWHERE)
        await place.ask("POST", "/v1/hooks", BODIES["addHook"])
        found = await ask_each(place, token, other)
        assert set(found.values()) == {403}, found
        assert place.home.events("r1", StepApproved) == []
        for path in (
            "",
            "/plan",
            "/events",
            "/series",
            "/explanation",
            "/verdicts",
            "/findings",
            "/approvals",
        ):
            assert (await place.ask("GET", f"/v1/releases/r1{path}", token=token)).status_code == 403
        assert (await place.ask("GET", "/v1/stream?release=r1", token=token)).status_code == 403
        assert (await place.ask("GET", "/v1/releases?environment=production", token=token)).status_code == 403
        for path, key in (
            ("/v1/releases", "releases"),
            ("/v1/services", "services"),
            ("/v1/projects", "projects"),
            ("/v1/environments", "environments"),
            ("/v1/ledger", "entries"),
            ("/v1/freezes", "freezes"),
            ("/v1/barriers", "barriers"),
        ):
            assert (await place.read(path, token))[key] == [], path

    at(story)


def test_pages_hold_only_what_may_be_read_and_lead_through_all_of_it() -> None:
    async def story(place: Place) -> None:
        unit = Unit("shop", ELSEWHERE, "web")
        for n in range(1, 5):
            await place.supervisor.submit(wish(Version(unit, f"{n}" * 64, f"{n}" * 64)))
            await place.home.until_closed(f"r{2 * n}")
            await place.supervisor.submit(wish(TWO if n % 2 else Version(TWO.unit, "1" * 64, "1" * 64)))
            await place.home.until_closed(f"r{2 * n + 1}")
        token = await place.token("viewer", ELSEWHERE)
        names, cursor = [], ""
        while True:
            page = await place.read(f"/v1/releases?limit=2{cursor}", token)
            names += [one["release"] for one in page["releases"]]
            if page["next"] is None:
                break
            assert len(page["releases"]) == 2
            cursor = f"&before={page['next']}"
        assert names == ["r8", "r6", "r4", "r2"]
        found: list[int] = []
        after: int | None = 0
        while after is not None:
            page = await place.read(f"/v1/ledger?limit=5&after={after}", token)
            found += [entry["sequence"] for entry in page["entries"]]
            after = page["next"]
        assert found == [
            entry.sequence
            for entry in place.home.ledger.since(0, 10_000)
            if entry.release in {"r2", "r4", "r6", "r8"}
        ]

    at(story)


# --- coming in --------------------------------------------------------------------------------------------------------


def test_nobody_comes_in_without_a_good_token() -> None:
    async def story(place: Place) -> None:
        good = await place.token("viewer")
        for endpoint in place.endpoints():
            path = endpoint.path.format(release="r1", freeze="f1", token="t1", hook="pager")
            answer = await place.ask(endpoint.method, path, token="")
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert place.denials() == []
        for bad in ("x", good[:-1], "hg__"):
            assert (await place.ask("GET", "/v1/health", token=bad)).status_code == 401
        assert {note.action for note in place.denials()} == {"identify"}
        assert (await place.ask("GET", "/v1/stream", token="")).status_code == 401
        assert (await place.ask("GET", "/v1/health", token=good)).status_code == 200

    at(story)


def test_after_many_bad_tokens_only_good_ones_are_listened_to() -> None:
    async def story(place: Place) -> None:
        good = await place.token("viewer")
        statuses = [
            (await place.ask("GET", "/v1/health", token="bad")).status_code
            for _ in range(int(FAILURES.burst) + 3)
        ]
        assert statuses == [401] * int(FAILURES.burst) + [429] * 3
        assert (await place.ask("GET", "/v1/health", token=good)).status_code == 200
        answer = await place.ask("GET", "/v1/health", token="bad")
        assert int(answer.headers["retry-after"]) > 0
        place.at += int(answer.headers["retry-after"])
        assert (await place.ask("GET", "/v1/health", token="bad")).status_code == 401

    at(story)


@pytest.mark.parametrize(("method", "rate"), [("GET", READS), ("POST", ACTIONS)])
def test_whoever_asks_too_often_is_told_when_to_come_again(method: str, rate: Rate) -> None:
    async def story(place: Place) -> None:
        place.door._reads, place.door._actions = Limiter(Rate(3, 0.5)), Limiter(Rate(3, 0.5))
        token = await place.token("viewer")
        for _ in range(3):
            assert (await place.ask(method, "/v1/freezes", token=token)).status_code != 429
        late = await place.ask(method, "/v1/freezes", token=token)
        assert (late.status_code, late.headers["retry-after"]) == (429, "2")
        other = await place.token("viewer", name="other")
        assert (await place.ask(method, "/v1/freezes", token=other)).status_code != 429
        place.at += 2
        assert (await place.ask(method, "/v1/freezes", token=token)).status_code != 429
        assert rate.burst > 3

    at(story)


def test_the_ledger_is_not_filled_by_knocking() -> None:
    async def story(place: Place) -> None:
        place.door._actions = Limiter(Rate(1e9, 1e9))
        token = await place.token("viewer")
        for _ in range(int(DENIALS.burst) + 10):
            assert (await place.ask("POST", "/v1/freezes", {"reason": "x"}, token=token)).status_code == 403
        assert len(place.denials()) == DENIALS.burst
        denied = place.denials()[0]
        assert (denied.by, denied.action, denied.target) == ("viewer", "setFreeze", "/v1/freezes")

    at(story)


def test_a_revoked_token_ends_its_session() -> None:
    async def story(place: Place) -> None:
        text = await place.token("operator")
        who = place.door.tokens.who(text, place.at)
        assert who is not None
        cookie = f"{COOKIE}={place.door.sessions.begin(who, place.at, who.token)}"
        assert (await place.ask("GET", "/v1/health", token="", cookie=cookie)).status_code == 200
        gone = await place.ask("DELETE", f"/v1/tokens/{who.token}")
        assert gone.json()["good"] is False
        assert (await place.ask("GET", "/v1/health", token="", cookie=cookie)).status_code == 401
        assert (await place.ask("GET", "/v1/health", token=text)).status_code == 401
        assert not place.door.welcome(who)

    at(story)


def test_a_session_changes_nothing_without_its_own_text_against_forgery() -> None:
    async def story(place: Place) -> None:
        who = place.door.tokens.who(await place.token("operator"), place.at)
        assert who is not None
        name = place.door.sessions.begin(who, place.at, who.token)
        session = place.door.sessions.find(name, place.at)
        assert session is not None
        given = {"cookie": f"{COOKIE}={name}"}
        for csrf, status in ((None, 403), ("x", 403), (session.csrf, 201)):
            headers = given | ({CSRF_HEADER: csrf} if csrf else {})
            answer = await place.ask("POST", "/v1/freezes", {"reason": "x"}, token="", **headers)
            assert answer.status_code == status
        assert len(place.notes(FreezeSet)) == 1

    at(story)


# --- what a role does not say -----------------------------------------------------------------------------------------


def test_nobody_approves_their_own() -> None:
    async def story(place: Place) -> None:
        author = await place.token("approver", name="grace")
        other = await place.token("approver", name="ada")
        begun = await place.ask("POST", "/v1/releases", second(ASKING), token=author)
        assert begun.status_code == 403, "another rollout than the last one is an admin's to declare"
        admin = await place.token("admin", name="grace")
        begun = await place.ask("POST", "/v1/releases", second(ASKING), token=admin)
        assert begun.status_code == 201
        assert (await place.read("/v1/releases/r2"))["summary"]["author"] == "grace"
        await place.home.until("r2", "waiting for approval")
        for verb in ("approve", "promote"):
            word = {"reason": "mine", "by": "somebody else"}
            answer = await place.ask("POST", f"/v1/releases/r2/{verb}", word, token=author)
            assert (answer.status_code, "somebody else must" in answer.json()["detail"]) == (403, True)
        assert (
            await place.ask("POST", "/v1/releases/r2/approve", {"by": "x"}, token=other)
        ).status_code == 200
        (approved,) = place.home.events("r2", StepApproved)
        assert isinstance(approved, StepApproved)
        assert approved.by == "ada"

    at(story)


def test_nobody_approves_their_own_under_another_name() -> None:
    async def story(place: Place) -> None:
        robot = await place.ask(
            "POST", "/v1/tokens", {"name": "grace-ci", "role": "admin", "person": "grace"}
        )
        begun = await place.ask("POST", "/v1/releases", second(ASKING), token=robot.json()["text"])
        assert begun.status_code == 201
        await place.home.until("r2", "waiting for approval")
        for name in ("grace", "Grace", " grace", "\uff47RACE", "gra\u200bce", "grace-ci"):
            token = await place.token("approver", name=name)
            for verb in ("approve", "promote"):
                answer = await place.ask("POST", f"/v1/releases/r2/{verb}", {"reason": "mine"}, token=token)
                assert answer.status_code == 403, name
        shown = (await place.read("/v1/tokens"))["tokens"]
        assert {one["person"] for one in shown if one["name"] == "grace-ci"} == {"grace", "grace-ci"}
        other = await place.token("approver", name="ada")
        assert (await place.ask("POST", "/v1/releases/r2/approve", {}, token=other)).status_code == 200

    at(story)


def test_who_typed_it_on_the_host_does_not_approve_it_by_token() -> None:
    async def story(place: Place) -> None:
        body = msgspec.to_builtins(second(ASKING)) | {"author": "grace"}
        assert (await place.ask("POST", "/v1/releases", body)).status_code == 201
        await place.home.until("r2", "waiting for approval")
        token = await place.token("approver", name="Grace")
        assert (await place.ask("POST", "/v1/releases/r2/approve", {}, token=token)).status_code == 403

    at(story)


def test_who_breaks_the_glass_does_not_approve_as_well() -> None:
    async def story(place: Place) -> None:
        glass = msgspec.to_builtins(second(ASKING)) | {"words": {"break_glass": "it burns"}}
        operator = await place.token("operator", name="olga")
        assert (await place.ask("POST", "/v1/releases", glass, token=operator)).status_code == 403
        admin = await place.token("admin", name="grace")
        assert (await place.ask("POST", "/v1/releases", glass, token=admin)).status_code == 201
        await place.home.until("r2", "waiting for approval")
        own = await place.token("approver", name="GRACE")
        assert (await place.ask("POST", "/v1/releases/r2/approve", {}, token=own)).status_code == 403
        other = await place.token("approver", name="ada")
        assert (await place.ask("POST", "/v1/releases/r2/approve", {}, token=other)).status_code == 200

    at(story)


def test_an_operator_releases_versions_the_way_they_were_released_last() -> None:
    async def story(place: Place) -> None:
        token = await place.token("operator", "production")
        asked = await place.ask("POST", "/v1/releases", second(), token=token)
        assert asked.status_code == 201, asked.text
        await place.home.until_closed("r2")
        lax = wish(Version(TWO.unit, "4" * 64, "4" * 64), concurrency="queue")
        other = await place.ask("POST", "/v1/releases", lax, token=token)
        assert (other.status_code, "administer" in other.json()["detail"]) == (403, True)
        glass = {"words": {"break_glass": "it must be"}}
        broken = second()
        assert (await place.ask("POST", "/v1/releases", _with(broken, glass), token=token)).status_code == 403

    at(story)


def _with(body: object, more: dict[str, Any]) -> object:
    return msgspec.to_builtins(body) | more


def test_an_admin_of_some_environments_gives_out_no_more_than_theirs() -> None:
    async def story(place: Place) -> None:
        wide = (await place.ask("POST", "/v1/tokens", {"name": "w", "role": "viewer"})).json()["token"]
        token = await place.token("admin", ELSEWHERE)
        for environments, status in (([], 403), (["production"], 403), ([ELSEWHERE, "production"], 403)):
            body = {"name": "x", "role": "viewer", "environments": environments}
            assert (await place.ask("POST", "/v1/tokens", body, token=token)).status_code == status
        body = {"name": "x", "role": "admin", "environments": [ELSEWHERE]}
        issued = await place.ask("POST", "/v1/tokens", body, token=token)
        assert (issued.status_code, issued.headers["cache-control"]) == (201, "no-store")
        seen = {one["token"] for one in (await place.read("/v1/tokens", token))["tokens"]}
        assert issued.json()["token"] in seen
        assert wide not in seen
        assert (await place.ask("DELETE", f"/v1/tokens/{wide}", token=token)).status_code == 403
        own = await place.ask("DELETE", f"/v1/tokens/{issued.json()['token']}", token=token)
        assert own.status_code == 200

    at(story)


def test_freezes_are_set_lifted_and_over() -> None:
    async def story(place: Place) -> None:
        token = await place.token("approver", "production", name="grace")
        everywhere = await place.ask("POST", "/v1/freezes", {"reason": "x"}, token=token)
        assert everywhere.status_code == 403
        own = {"reason": "holidays", "environments": ["production"], "ends_at": place.at + 60}
        assert (await place.ask("POST", "/v1/freezes", own, token=token)).json()["freeze"] == "f1"
        past = own | {"ends_at": place.at - 1}
        assert (await place.ask("POST", "/v1/freezes", past, token=token)).status_code == 422
        shown = (await place.read("/v1/freezes", token))["freezes"]
        assert [(one["freeze"], one["by"], one["active"]) for one in shown] == [("f1", "grace", True)]
        asked = await place.ask("POST", "/v1/releases", wish(TWO))
        await place.home.until_closed(asked.json()["release"])
        assert (await place.read("/v1/releases/r2"))["summary"]["outcome"] == "refused"
        assert (await place.ask("DELETE", "/v1/freezes/f1", token=token)).json()["active"] is False
        assert (await place.ask("DELETE", "/v1/freezes/f1", token=token)).status_code == 409
        assert (await place.ask("DELETE", "/v1/freezes/f9", token=token)).status_code == 404

    at(story)


def test_only_the_socket_makes_a_link_that_signs_in_and_it_does_once() -> None:
    async def story(place: Place) -> None:
        link = (await place.ask("POST", "/v1/sign-in-links")).json()
        ticket = link["path"].partition("ticket=")[2]
        who = place.door.tickets.redeem(ticket, place.at)
        assert who is not None
        assert (who.role, place.door.tickets.redeem(ticket, place.at)) == ("admin", None)

    at(story)


def test_the_owner_says_who_types() -> None:
    async def story(place: Place) -> None:
        given = {"x_headgate_person": "grace"}
        answer = await place.ask("POST", "/v1/freezes", {"reason": "x"}, **given)
        assert answer.json()["by"] == "grace"
        token = await place.token("operator", name="ci")
        answer = await place.ask("POST", "/v1/freezes", {"reason": "x"}, token=token, **given)
        assert answer.json()["by"] == "ci"

    at(story)


def test_no_secret_is_in_the_ledger_or_in_a_list() -> None:
    async def story(place: Place) -> None:
        issued = await place.ask("POST", "/v1/tokens", {"name": "ci", "role": "admin"})
        text = issued.json()["text"]
        secret = text.rpartition("_")[2] if text.count("_") == 2 else text.split("_", 2)[2]
        await place.ask("POST", "/v1/freezes", {"reason": "x"}, token=text)
        await place.ask("GET", "/v1/health", token=text[:-1])
        link = (await place.ask("POST", "/v1/sign-in-links")).json()["path"].partition("=")[2]
        written = b"".join(record.body for record in place.home.ledger.records())  # type: ignore[attr-defined]
        for path in ("/v1/tokens", "/v1/ledger", "/v1/freezes", "/v1/health"):
            written += (await place.ask("GET", path)).content
        assert secret.encode() not in written
        assert secret[:20].encode() not in written
        assert link.encode() not in written

    at(story)
