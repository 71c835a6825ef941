"""Hooks: who may send, what it leads to, and what is made of what should never have been sent."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlencode

import httpx2
import pytest

from headgate.core.home.facts import (
    ActionDenied,
    AnyHomeEvent,
    FreezeLifted,
    HookAdded,
    HookReceived,
    HookRemoved,
)
from headgate.core.machine.events import ReleaseAborted, ReleasePaused
from headgate.core.model import Rollout, Stage
from headgate.ledger import Note
from headgate.ports import Artifact, Artifacts, Permanent, Provenance
from headgate.web.api import hooks
from headgate.web.application import behind_socket
from headgate.web.doors import dispatch
from headgate.web.doors.limits import DELIVERIES, DENIALS, FAILURES
from headgate.web.doors.tokens import HomeBook
from headgate.web.hooks import news as bodies
from tests.controller.house import TWO, wish
from tests.web import payloads
from tests.web.payloads import COMMIT, NONE, OLD, Delivery, alert, group, over
from tests.web.web_services import Place, at

LONG = Rollout(stages=(Stage(weight=20, bake_s=5000.0),), warm_s=5.0, drain_s=0.5)
VENDORS: dict[str, Callable[..., Delivery]] = {
    "github": payloads.github,
    "gitea": payloads.gitea,
    "gitlab": payloads.gitlab,
    "bitbucket": payloads.bitbucket,
    "alertmanager": payloads.alertmanager,
}
NEWS: dict[str, Any] = {
    "github": payloads.github_push(),
    "gitea": payloads.gitea_push(),
    "gitlab": payloads.gitlab_push(),
    "bitbucket": payloads.bitbucket_push(),
    "alertmanager": group(alert()),
}


class Hooked:
    """A hook of a place, as its sender sees it."""

    def __init__(self, place: Place, name: str, secret: str) -> None:
        self.place = place
        self.name = name
        self.secret = secret

    async def send(self, delivery: Delivery, name: str = "") -> httpx2.Response:
        """Deliver it, at the front door, without a token."""
        async with client(self.place) as asking:
            path = f"/v1/hooks/{name or self.name}"
            return await asking.post(path, content=delivery.body, headers=delivery.headers)

    async def tell(self, *alerts: dict[str, Any]) -> dict[str, Any]:
        """What is answered to these alerts."""
        answer = await self.send(payloads.alertmanager(self.secret, group(*alerts)))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def received(self) -> list[HookReceived]:
        """What is on record of it."""
        return [note for note in self.place.notes(HookReceived) if isinstance(note, HookReceived)]


def client(place: Place) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(place.front), base_url="http://headgate")


async def hook(place: Place, vendor: str = "alertmanager", **given: object) -> Hooked:
    body = {"name": "pager", "vendor": vendor, "environments": ["production"]} | given
    made = await place.ask("POST", "/v1/hooks", body)
    assert made.status_code == 201, made.text
    return Hooked(place, made.json()["hook"], made.json()["secret"])


async def under_way(place: Place, phase: str = "baking") -> str:
    """Begin a release that takes long."""
    name: str = (await place.ask("POST", "/v1/releases", wish(TWO, LONG))).json()["release"]
    await place.home.until(name, phase)
    return name


def said(place: Place, release: str) -> list[tuple[str, str]]:
    """Who told a release to stop or to go back, and why."""
    found = place.home.events(release)
    return [(one.by, one.reason) for one in found if isinstance(one, ReleasePaused | ReleaseAborted)]


def hooked(vendor: str, story: Callable[[Hooked], Awaitable[None]], **given: object) -> None:
    async def whole(place: Place) -> None:
        await story(await hook(place, vendor, **given))

    at(whole)


# --- who may send -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_who_has_the_secret_is_listened_to(vendor: str) -> None:
    send, news = VENDORS[vendor], NEWS[vendor]

    async def story(pager: Hooked) -> None:
        good = send(pager.secret, news)
        proof = next(
            name
            for name in good.headers
            if "signature" in name or name in ("x-gitlab-token", "authorization")
        )
        bad = [
            good.but(**{proof: ""}),
            good.but(**{proof: good.headers[proof][:-1]}),
            good.but(**{proof: good.headers[proof].swapcase()}),
            good.but(**{proof: "\N{LATIN SMALL LETTER E WITH ACUTE}" * 64}).but(),
            send("whsec_another", news),
            send("", news),
        ]
        if vendor not in ("gitlab", "alertmanager"):
            bad.append(Delivery(good.body + b" ", good.headers))
        for delivery in bad:
            raw = Delivery(delivery.body, {k: v.encode("latin-1") for k, v in delivery.headers.items()})  # type: ignore[misc]
            answer = await pager.send(raw)
            assert answer.status_code == 403, delivery.headers
        assert pager.received() == []
        assert len(pager.place.denials()) == len(bad)
        answer = await pager.send(good)
        assert (answer.status_code, answer.json()["replayed"]) == (200, False)
        assert len(pager.received()) == 1

    hooked(vendor, story)


def test_the_signatures_are_those_that_the_vendors_publish() -> None:
    """GitHub's own example; the shape of the others is the same but for the name and what stands before it."""
    signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert payloads.mac("It's a Secret to Everybody", b"Hello, World!") == signature


def test_a_signing_token_of_gitlab_signs_the_name_and_the_time_too() -> None:
    async def story(pager: Hooked) -> None:
        good = payloads.gitlab_signed(pager.secret, NEWS["gitlab"])
        two = good.but(webhook_signature=f"v1,bm90aGluZw== {good.headers['webhook-signature']}")
        for wrong in (
            good.but(webhook_id="another"),
            good.but(webhook_timestamp="1001"),
            good.but(webhook_timestamp="soon"),
            good.but(webhook_signature="v1,", x_gitlab_token=pager.secret),
            payloads.gitlab_signed(pager.secret, NEWS["gitlab"], at=1000.0 - 301),
            payloads.gitlab_signed(pager.secret, NEWS["gitlab"], at=1000.0 + 301),
        ):
            assert (await pager.send(wrong)).status_code == 403
        assert (await pager.send(two)).json()["did"] == ["noted: branch main of acme/shop is at da1560886d4f"]
        assert [one.delivery for one in pager.received()] == ["f5e5f430"]

    hooked("gitlab", story)


def test_forgejo_signs_as_gitea_does() -> None:
    async def story(pager: Hooked) -> None:
        assert (await pager.send(payloads.forgejo(pager.secret, NEWS["gitea"]))).status_code == 200
        both = payloads.forgejo(pager.secret, payloads.gitea_push(after=OLD), delivery="other")
        wrong = both.but(x_forgejo_signature="0" * 64, x_gitea_signature=both.headers["x-forgejo-signature"])
        assert (await pager.send(wrong)).status_code == 403

    hooked("gitea", story)


def test_a_hook_that_is_not_there_is_answered_like_a_wrong_secret() -> None:
    async def story(pager: Hooked) -> None:
        wrong = payloads.alertmanager("whsec_wrong", NEWS["alertmanager"])
        known, unknown = await pager.send(wrong), await pager.send(wrong, "nobody")
        assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
        assert known.headers == unknown.headers
        assert {one.target for one in pager.place.denials()} == {"/v1/hooks/pager", "/v1/hooks/nobody"}

    hooked("alertmanager", story)


def test_a_hook_that_is_not_there_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []

    def counted(name: str, done: Callable[..., Any]) -> Callable[..., Any]:
        def count(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the one that is counted
            work.append(name)
            return done(*given, **named)

        return count

    async def story(place: Place) -> None:
        found: dict[str, list[str]] = {}
        for vendor in VENDORS:
            await hook(place, vendor, name=vendor)
        monkeypatch.setattr(hmac, "digest", counted("mac", hmac.digest))
        monkeypatch.setattr(hashlib, "sha256", counted("hash", hashlib.sha256))
        for name in (*VENDORS, "nobody"):
            place.at += 60  # nobody is refused for having asked too often
            wrong = payloads.alertmanager("whsec_wrong", NEWS["alertmanager"])
            assert (await Hooked(place, name, "").send(wrong)).status_code == 403
            found[name], work[:] = [*work], []
        assert found == dict.fromkeys((*VENDORS, "nobody"), found["nobody"])
        assert found["nobody"].count("mac") == 1

    at(story)


def test_no_door_is_asked_and_no_session_matters() -> None:
    async def story(pager: Hooked) -> None:
        good = payloads.github(pager.secret, NEWS["github"])
        cookie = good.but(cookie="headgate_session=anything", origin="https://elsewhere.example.com")
        assert (await pager.send(cookie)).status_code == 200
        admin = await pager.place.token("admin")
        unsigned = good.but(x_hub_signature_256="", authorization=f"Bearer {admin}")
        assert (await pager.send(unsigned)).status_code == 403

    hooked("github", story)


def test_knocking_is_bounded_and_the_good_are_never_shut_out() -> None:
    async def story(pager: Hooked) -> None:
        wrong = payloads.alertmanager("whsec_wrong", NEWS["alertmanager"])
        statuses = [(await pager.send(wrong)).status_code for _ in range(40)]
        assert statuses == [403] * int(FAILURES.burst) + [429] * (40 - int(FAILURES.burst))
        late = await pager.send(wrong)
        assert int(late.headers["retry-after"]) > 0
        assert len(pager.place.denials()) == min(FAILURES.burst, DENIALS.burst)
        assert (await pager.tell(alert()))["replayed"] is False

    hooked("alertmanager", story)


def test_a_hook_may_not_send_too_much() -> None:
    async def story(pager: Hooked) -> None:
        good = payloads.alertmanager(pager.secret, NEWS["alertmanager"])
        statuses = [(await pager.send(good)).status_code for _ in range(int(DELIVERIES.burst) + 1)]
        assert statuses == [200] * int(DELIVERIES.burst) + [429]
        late = await pager.send(good)
        pager.place.at += float(late.headers["retry-after"])
        assert (await pager.send(good)).status_code == 200
        assert len(pager.received()) == 1

    hooked("alertmanager", story)


# --- once, and not again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_comes_again_leads_to_nothing_again(vendor: str) -> None:
    send, news = VENDORS[vendor], NEWS[vendor]

    async def story(pager: Hooked) -> None:
        good = send(pager.secret, news)
        first = (await pager.send(good)).json()
        again = await pager.send(good)
        assert (first["replayed"], again.status_code, again.json()["replayed"]) == (False, 200, True)
        if vendor != "alertmanager":  # the name is not signed: a stranger may give the same body another
            renamed = await pager.send(send(pager.secret, news, delivery="another"))
            assert renamed.json()["replayed"] is True
        assert len(pager.received()) == 1

    hooked(vendor, story)


def test_a_replay_is_known_after_a_restart() -> None:
    async def story(pager: Hooked) -> None:
        good = payloads.github(pager.secret, NEWS["github"])
        await pager.send(good)
        anew = Place(pager.place.home, pager.place.supervisor, pager.place.web_services.stream)
        anew.door.vault = pager.place.door.vault
        pager.place = anew
        assert (await pager.send(good)).json()["replayed"] is True

    hooked("github", story)


def test_at_the_same_time_it_is_still_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(pager: Hooked) -> None:
        ledger = pager.place.home.ledger
        note = ledger.note

        async def slow(expected: int, event: AnyHomeEvent) -> Note:
            await asyncio.sleep(0.1)
            return await note(expected, event)

        monkeypatch.setattr(ledger, "note", slow)
        good = payloads.alertmanager(pager.secret, NEWS["alertmanager"])
        answers = await asyncio.gather(*(pager.send(good) for _ in range(5)))
        assert sorted(answer.json()["replayed"] for answer in answers) == [False, True, True, True, True]
        assert len(pager.place.home.ledger.notes()) == 3  # added, frozen, received

    hooked("alertmanager", story, does="freeze")


# --- what an alert leads to -------------------------------------------------------------------------------------------


def test_an_alert_pauses_what_is_under_way() -> None:
    async def story(pager: Hooked) -> None:
        place = pager.place
        release = await under_way(place)
        answer = await pager.tell(alert(environment="production", service="web"))
        assert answer["did"] == [f"pause {release}: alert HighErrorRate"]
        assert said(place, release) == [("hook pager", "alert HighErrorRate")]
        await place.ask("POST", f"/v1/releases/{release}/resume", {"reason": "looked at it"})
        assert (
            await pager.tell(alert(environment="production", service="web"), alert("Other", severity="info"))
        )["did"] == ["nothing is new here; 1 alerts do not concern this hook"]
        assert len(place.home.events(release, ReleasePaused)) == 1, (
            "a person's word stands as long as it fires"
        )
        await pager.tell(over(alert(environment="production", service="web")))
        again = alert(environment="production", service="web", since="2026-11-21T00:00:00Z")
        assert (await pager.tell(again))["did"] == [f"pause {release}: alert HighErrorRate"]

    hooked("alertmanager", story)


def test_an_alert_takes_back_what_is_under_way() -> None:
    async def story(pager: Hooked) -> None:
        place = pager.place
        release = await under_way(place)
        assert (await pager.tell(alert("A"), alert("B")))["did"] == [f"abort {release}: alerts A, B"]
        assert said(place, release) == [("hook pager", "alerts A, B")]
        assert (await pager.tell(alert("C")))["did"] == ["nothing is under way there"], "it goes back already"
        await place.home.until_closed(release)
        assert (await place.read(f"/v1/releases/{release}"))["summary"]["outcome"] == "aborted"

    hooked("alertmanager", story, does="abort")


def test_what_is_not_possible_is_answered_and_on_record() -> None:
    async def story(pager: Hooked) -> None:
        release = await under_way(pager.place)
        await pager.place.ask("POST", f"/v1/releases/{release}/pause", {})
        (did,) = (await pager.tell(alert()))["did"]
        assert did.startswith(f"pause {release}: not possible: the release is paused already")
        assert pager.received()[0].did == (did,)

    hooked("alertmanager", story)


def test_a_freeze_lasts_as_long_as_anything_fires_there() -> None:
    one, two = alert("A", environment="production"), alert("B", environment="production")

    async def story(pager: Hooked) -> None:
        place = pager.place

        async def active() -> list[str]:
            return [one["freeze"] for one in (await place.read("/v1/freezes"))["freezes"] if one["active"]]

        assert (await pager.tell(one))["did"] == ["freeze production: alert A"]
        (freeze,) = (await place.read("/v1/freezes"))["freezes"]
        assert (freeze["by"], freeze["reason"], freeze["environments"]) == (
            "hook pager",
            "alert A",
            ["production"],
        )
        assert (await pager.tell(one, two))["did"] == []
        assert await active() == ["f1"]
        asked = await place.ask("POST", "/v1/releases", wish(TWO))
        await place.home.until_closed(asked.json()["release"])
        assert (await place.read("/v1/releases/r2"))["summary"]["outcome"] == "refused"
        await pager.tell(over(one), two)
        assert await active() == ["f1"]
        assert (await pager.tell(over(two)))["did"] == ["lift f1: nothing fires there any more"]
        assert await active() == []

    hooked("alertmanager", story, does="freeze", environments=["production", "staging"])


def test_a_person_may_lift_what_a_hook_froze() -> None:
    async def story(pager: Hooked) -> None:
        await pager.tell(alert("A"))
        await pager.place.ask("DELETE", "/v1/freezes/f1")
        await pager.tell(alert("A"), alert("B", severity="info"))
        assert [one["active"] for one in (await pager.place.read("/v1/freezes"))["freezes"]] == [False]
        assert (await pager.tell(over(alert("A"))))["did"] == []

    hooked("alertmanager", story, does="freeze")


def test_an_alert_is_only_noted_where_nothing_more_is_asked_for() -> None:
    async def story(pager: Hooked) -> None:
        release = await under_way(pager.place)
        assert (await pager.tell(alert()))["did"] == ["noted: alert HighErrorRate"]
        assert pager.place.home.events(release, ReleasePaused) == []

    hooked("alertmanager", story, does="note")


@pytest.mark.parametrize(
    "labels",
    [
        {"environment": "staging"},
        {"project": "other"},
        {"service": "api"},
        {"severity": "warning"},
        {"severity": "dreadful"},
        {"severity": ""},
    ],
)
def test_what_is_not_the_hooks_leads_to_nothing(labels: dict[str, str]) -> None:
    async def story(pager: Hooked) -> None:
        release = await under_way(pager.place)
        assert "1 alerts do not concern this hook" in (await pager.tell(alert(**labels)))["did"][0]
        assert pager.place.home.events(release, ReleasePaused) == []
        assert pager.received() == []

    hooked("alertmanager", story, projects=["shop"], services=["web"])


def test_a_service_that_nobody_releases_pauses_nothing() -> None:
    async def story(pager: Hooked) -> None:
        await under_way(pager.place)
        assert (await pager.tell(alert(service="prometheus")))["did"] == ["nothing is under way there"]

    hooked("alertmanager", story)


# --- what Git hosts tell ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "event", "news", "kind", "ref", "by"),
    [
        ("github", "push", payloads.github_push(), "branch", "main", "octocat"),
        ("github", "push", payloads.github_push("refs/tags/v1"), "tag", "v1", "octocat"),
        ("github", "pull_request", payloads.github_merge(), "merge", "main", "octocat"),
        ("gitea", "push", payloads.gitea_push(), "branch", "main", "gitea"),
        ("gitea", "pull_request", payloads.github_merge(), "merge", "main", "octocat"),
        ("gitlab", "Push Hook", payloads.gitlab_push(), "branch", "main", "person"),
        ("gitlab", "Tag Push Hook", payloads.gitlab_tag(), "tag", "v1.0.0", "person"),
        ("gitlab", "Merge Request Hook", payloads.gitlab_merge(), "merge", "main", "root"),
        ("bitbucket", "repo:push", payloads.bitbucket_push(), "branch", "main", "person"),
        ("bitbucket", "repo:push", payloads.bitbucket_push(kind="tag", name="v1"), "tag", "v1", "person"),
        ("bitbucket", "pullrequest:fulfilled", payloads.bitbucket_merge(), "merge", "main", "person"),
    ],
)
def test_a_push_is_noted(vendor: str, event: str, news: object, kind: str, ref: str, by: str) -> None:
    async def story(pager: Hooked) -> None:
        answer = await pager.send(VENDORS[vendor](pager.secret, news, event))
        assert answer.status_code == 200, answer.text
        (received,) = pager.received()
        (push,) = received.pushes
        assert (push.kind, push.repository, push.ref, push.commit, push.by) == (
            kind,
            "acme/shop",
            ref,
            COMMIT,
            by,
        )
        assert (received.by, received.event) == ("hook pager", event)
        (place,) = (await pager.place.read("/v1/environments"))["environments"]
        assert [one["ref"] for one in place["branches"]] == ([] if kind == "merge" else [ref])

    hooked(vendor, story)


@pytest.mark.parametrize(
    ("vendor", "event", "news"),
    [
        ("github", "ping", {"zen": "Design for failure.", "hook_id": 1}),
        ("github", "issues", {"action": "opened"}),
        ("github", "push", payloads.github_push("refs/notes/commits")),
        ("github", "pull_request", payloads.github_merge(merged=False)),
        ("gitea", "release", {"action": "published"}),
        ("gitlab", "Merge Request Hook", payloads.gitlab_merge("open")),
        ("gitlab", "Pipeline Hook", {"object_kind": "pipeline"}),
        ("bitbucket", "diagnostics:ping", {"test": True}),
    ],
)
def test_other_news_is_answered_and_nothing_is_made_of_it(vendor: str, event: str, news: object) -> None:
    async def story(pager: Hooked) -> None:
        answer = await pager.send(VENDORS[vendor](pager.secret, news, event))
        assert (answer.status_code, answer.json()["did"]) == (200, ["nothing is made of this"])
        assert pager.received() == []

    hooked(vendor, story)


def test_where_a_branch_stands_is_shown_where_the_hook_counts() -> None:
    async def story(pager: Hooked) -> None:
        async def branches() -> list[tuple[str, str]]:
            (place,) = (await pager.place.read("/v1/environments"))["environments"]
            return [(one["ref"], one["commit"]) for one in place["branches"]]

        def push(*given: str) -> Delivery:
            return payloads.github(pager.secret, payloads.github_push(*given), delivery="/".join(given))

        await pager.send(push("refs/heads/main", OLD))
        pager.place.at += 60
        await pager.send(push("refs/heads/next", OLD))
        pager.place.at += 60
        await pager.send(push("refs/heads/main", COMMIT))
        assert await branches() == [("main", COMMIT), ("next", OLD)]
        await pager.send(push("refs/heads/next", NONE))
        assert await branches() == [("main", COMMIT)]

    hooked("github", story)


class Store:
    """An artifact store that knows where everything came from, but for what it does not hold any more."""

    def __init__(self, commit: str) -> None:
        self._commit = commit

    def find(self, name: str) -> Artifact:
        if not self._commit:
            raise Permanent(f"there is no artifact {name}")
        return Artifact(name, 1, 1, Provenance(1.0, "ci", commit=self._commit))


@pytest.mark.parametrize(("commit", "built_from"), [(OLD, {"web": OLD}), ("", {})])
def test_what_runs_is_shown_with_the_commit_it_was_built_from(
    commit: str, built_from: dict[str, str]
) -> None:
    async def story(pager: Hooked) -> None:
        place = pager.place
        await pager.send(payloads.github(pager.secret, payloads.github_push()))
        store = cast("Artifacts", Store(commit))
        place.socket = behind_socket(replace(place.web_services, artifacts=store))
        (shown,) = (await place.read("/v1/environments"))["environments"]
        assert shown["built_from"] == built_from
        (branch,) = shown["branches"]
        assert (branch["ref"], branch["commit"], branch["by"], branch["at"]) == (
            "main",
            COMMIT,
            "octocat",
            1000.0,
        )

    hooked("github", story)


def test_branches_are_shown_where_the_hook_counts_and_nowhere_else() -> None:
    async def story(pager: Hooked) -> None:
        await pager.send(payloads.github(pager.secret, payloads.github_push()))
        (shown,) = (await pager.place.read("/v1/environments"))["environments"]
        assert shown["branches"] == []

    hooked("github", story, environments=["staging"])
    hooked("github", story, projects=["other"])


# --- what should never have been sent ---------------------------------------------------------------------------------


def test_github_may_send_a_form() -> None:
    async def story(pager: Hooked) -> None:
        def form(**fields: str) -> Delivery:
            body = urlencode(fields).encode()
            return payloads.github(pager.secret, body).but(content_type="application/x-www-form-urlencoded")

        push = payloads.encoded(payloads.github_push()).decode()
        assert (await pager.send(form(other=push))).status_code == 422
        assert (await pager.send(form(payload=push))).json()["did"] != []
        assert (await pager.send(form(**{f"f{n}": "x" for n in range(20)}))).status_code == 422

    hooked("github", story)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 422),
        (b"[" * 200_000, "application/json", 422),
        (b'{"ref": ' + b"[" * 200_000, "application/json", 422),
        (b'{"x": ' * 100_000 + b"1" + b"}" * 100_000, "application/json", 422),
        (b'{"ref": 1}', "application/json", 422),
        (b'{"ref": "\\ud800", "after": "1", "repository": {"full_name": "x"}}', "application/json", 422),
    ],
    ids=[
        "text",
        "nothing",
        "empty",
        "no text",
        "no form",
        "deep",
        "deep inside",
        "deep objects",
        "a number",
        "half a letter",
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes, kind: str, status: int) -> None:
    async def story(pager: Hooked) -> None:
        answer = await pager.send(payloads.github(pager.secret, body).but(content_type=kind))
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert pager.received() == []
        stranger = await pager.send(payloads.github("whsec_wrong", body).but(content_type=kind))
        assert stranger.status_code == 403, "who proves nothing learns nothing of what can be read"

    hooked("github", story)


def test_another_version_of_alertmanagers_format_is_refused() -> None:
    async def story(pager: Hooked) -> None:
        without: list[dict[str, Any]] = [{"version": "4", "status": "firing"}, {"alerts": []}]
        for wrong in (group(alert()) | {"version": "3"}, *without):
            answer = await pager.send(payloads.alertmanager(pager.secret, wrong))
            assert answer.status_code == 422, answer.text

    hooked("alertmanager", story)


def test_long_and_odd_texts_are_cut_before_they_are_written_down() -> None:
    async def story(pager: Hooked) -> None:
        odd = payloads.github_push("refs/heads/" + "b" * 5000, by="a\x1b[31m\n" + "c" * 5000)
        assert (await pager.send(payloads.github(pager.secret, odd, delivery="d" * 5000))).status_code == 200
        (received,) = pager.received()
        (push,) = received.pushes
        assert max(map(len, (push.ref, push.by, received.delivery, *received.did))) <= 300
        assert push.by.isprintable()

    hooked("github", story)


def test_a_flood_of_alerts_stays_bounded() -> None:
    many = [alert(f"A{n}", service=f"s{n}") for n in range(3000)]

    async def story(pager: Hooked) -> None:
        assert len((await pager.tell(*many))["did"]) == 1, "so many places are all places"
        assert len(pager.place.home.ledger.notes()) == 3
        assert len(pager.place.door.book.home.hooks["pager"].firing) == 1000

    hooked("alertmanager", story, does="freeze")


def test_a_huge_body_is_refused_unread() -> None:
    async def story(pager: Hooked) -> None:
        sent = 0

        async def endless() -> AsyncGenerator[bytes]:
            nonlocal sent
            for _ in range(1600):
                sent += 1
                yield b"x" * 65536

        answer = await pushed(pager, endless())
        assert (answer["status"], sent < 80) == (413, True)
        announced = await pager.send(Delivery(b"{}", {"content-length": str(100 * 1024 * 1024)}))
        assert announced.status_code == 413

    tracemalloc.start()
    try:
        hooked("github", story)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_slow_body_is_cut_off_and_holds_up_nobody_else() -> None:
    async def story(pager: Hooked) -> None:
        async def slow() -> AsyncGenerator[bytes]:
            while True:
                await asyncio.sleep(1.0)
                yield b" "

        began = asyncio.get_running_loop().time()
        waiting = asyncio.create_task(pushed(pager, slow()))
        await asyncio.sleep(5.0)
        assert (await pager.send(payloads.github(pager.secret, NEWS["github"]))).status_code == 200
        assert (await waiting)["status"] == 408
        assert asyncio.get_running_loop().time() - began < dispatch.BODY_MAX_S + 2

    hooked("github", story)


def test_only_so_many_bodies_arrive_at_once() -> None:
    async def story(pager: Hooked) -> None:
        async def slow() -> AsyncGenerator[bytes]:
            await asyncio.sleep(5.0)
            yield b" "

        waiting = [asyncio.create_task(pushed(pager, slow())) for _ in range(2 * bodies.UNDER_WAY_MAX)]
        await asyncio.sleep(1.0)
        assert (await pager.send(payloads.github(pager.secret, NEWS["github"]))).status_code == 200
        ended = [one["status"] for one in await asyncio.gather(*waiting)]
        assert ended.count(503) == len(waiting) - bodies.PER_ADDRESS_MAX + 1
        assert (await pager.send(payloads.github(pager.secret, NEWS["github"]))).status_code == 200

    hooked("github", story)


async def pushed(pager: Hooked, chunks: AsyncGenerator[bytes]) -> dict[str, int]:
    """The status that is answered to a body that comes piece by piece."""
    found: dict[str, int] = {}

    async def receive() -> dict[str, Any]:
        piece = await anext(chunks, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found["status"] = message["status"]

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v1/hooks/{pager.name}",
        "raw_path": b"",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("headgate", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    async with aclosing(chunks):
        await pager.place.front(scope, receive, send)
    return found


def test_a_controller_that_stops_is_asked_again_later() -> None:
    async def story(pager: Hooked) -> None:
        await under_way(pager.place)
        await pager.place.supervisor.close()
        answer = await pager.send(payloads.alertmanager(pager.secret, NEWS["alertmanager"]))
        assert (answer.status_code, pager.received()) == (503, []), "so it is not taken for done"

    hooked("alertmanager", story)


# --- keeping ----------------------------------------------------------------------------------------------------------


def test_hooks_are_added_listed_and_removed() -> None:
    async def story(place: Place) -> None:
        pager = await hook(place, does="freeze")
        assert (
            await place.ask("POST", "/v1/hooks", {"name": "pager", "vendor": "github", "environments": ["x"]})
        ).status_code == 409
        await pager.tell(alert("A"))
        (shown,) = (await place.read("/v1/hooks"))["hooks"]
        assert (shown["hook"], shown["does"], shown["received"], shown["firing"]) == (
            "pager",
            "freeze",
            1,
            ["A"],
        )
        removed = await place.ask("DELETE", "/v1/hooks/pager")
        assert removed.status_code == 200
        assert (await place.ask("DELETE", "/v1/hooks/pager")).status_code == 404
        assert (
            len(place.notes(HookAdded))
            == len(place.notes(HookRemoved))
            == len(place.notes(FreezeLifted))
            == 1
        )
        gone = await pager.send(payloads.alertmanager(pager.secret, NEWS["alertmanager"]))
        assert gone.status_code == 403
        assert (await hook(place)).secret != pager.secret

    at(story)


def test_an_admin_declares_hooks_of_their_own_environments_only() -> None:
    async def story(place: Place) -> None:
        await hook(place)
        token = await place.token("admin", "staging")
        body = {"name": "own", "vendor": "github", "environments": ["staging"]}
        for environments in (["production"], ["staging", "production"]):
            wide = body | {"environments": environments}
            assert (await place.ask("POST", "/v1/hooks", wide, token=token)).status_code == 403
        answer = await place.ask("POST", "/v1/hooks", body, token=token)
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        assert [one["hook"] for one in (await place.read("/v1/hooks", token))["hooks"]] == ["own"]
        assert (await place.ask("DELETE", "/v1/hooks/pager", token=token)).status_code == 403
        assert (await place.ask("DELETE", "/v1/hooks/own", token=token)).status_code == 200

    at(story)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../up"},
        {"name": "Pager"},
        {"name": ""},
        {"name": "x" * 41},
        {"environments": []},
        {"vendor": "subversion"},
        {"vendor": "github", "does": "pause"},
        {"severity": "dreadful"},
        {"secret": "mine"},
    ],
)
def test_a_hook_that_makes_no_sense(wrong: dict[str, object]) -> None:
    async def story(place: Place) -> None:
        body = {"name": "pager", "vendor": "alertmanager", "environments": ["production"]} | wrong
        assert (await place.ask("POST", "/v1/hooks", body)).status_code == 422

    at(story)


def test_there_are_only_so_many_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "HOOKS_MAX", 1)

    async def story(place: Place) -> None:
        await hook(place)
        more = {"name": "more", "vendor": "github", "environments": ["production"]}
        assert (await place.ask("POST", "/v1/hooks", more)).status_code == 409

    at(story)


def test_a_hook_whose_secret_is_lost_says_so_and_hears_nothing() -> None:
    async def story(pager: Hooked) -> None:
        pager.place.door.vault.drop("pager")
        (shown,) = (await pager.place.read("/v1/hooks"))["hooks"]
        assert "add it anew" in shown["trouble"]
        assert (await pager.send(payloads.github(pager.secret, NEWS["github"]))).status_code == 403
        assert (await pager.send(payloads.github("", NEWS["github"]))).status_code == 403

    hooked("github", story)


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_secret_is_in_the_ledger_or_in_an_answer(vendor: str) -> None:
    async def story(pager: Hooked) -> None:
        place, good = pager.place, VENDORS[vendor](pager.secret, NEWS[vendor])
        answers = [await pager.send(good), await pager.send(good, "nobody")]
        answers += [
            await pager.send(good.but(content_type="text/plain")),
            await pager.send(Delivery(b"x", good.headers)),
        ]
        for path in ("/v1/hooks", "/v1/ledger", "/v1/environments", "/v1/health", "/v1/openapi.json"):
            answers.append(await place.ask("GET", path))
        answers.append(await place.ask("DELETE", "/v1/hooks/pager"))
        written = b"".join(record.body for record in place.home.ledger.records())  # type: ignore[attr-defined]
        written += b"".join(answer.content + str(answer.headers).encode() for answer in answers)
        for part in (
            pager.secret,
            pager.secret.removeprefix("whsec_")[:20],
            payloads.mac(pager.secret, good.body),
        ):
            assert part.encode() not in written
        assert place.notes(ActionDenied) != []

    hooked(vendor, story)


def test_what_is_on_record_is_enough_to_go_on() -> None:
    """The fold of what was written down is what the door knew."""

    async def story(pager: Hooked) -> None:
        await pager.tell(alert("A"), alert("B"))
        await pager.tell(over(alert("A")))
        assert HomeBook(pager.place.home.ledger).home == pager.place.door.book.home

    hooked("alertmanager", story)
