"""Every endpoint over a real controller: what it answers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from headgate.core.machine.events import ReleaseAborted, StepApproved
from headgate.core.model import PathLimits, ProxyRules, Rollout, Source, TimeLimits
from headgate.ledger import LedgerError
from headgate.web.doors.dispatch import BODY_MAX_BYTES
from headgate.web.http.idempotency import KEYS_MAX
from tests.controller.house import THREE, TWO, wish
from tests.web.web_services import ASKING, Place, at, second

READ_OF_ONE = ("", "/plan", "/events", "/series", "/explanation", "/verdicts", "/findings", "/approvals")
READ = (
    "/v1/health",
    "/v1/projects",
    "/v1/environments",
    "/v1/services",
    "/v1/releases",
    "/v1/freezes",
    "/v1/tokens",
    "/v1/ledger",
    "/v1/ledger/head",
    "/v1/openapi.json",
    *(f"/v1/releases/r1{one}" for one in READ_OF_ONE),
)


def test_everything_can_be_read_and_read_again_for_nothing() -> None:
    async def story(place: Place) -> None:
        token = await place.token("admin")
        for path in READ:
            first = await place.ask("GET", path, token=token)
            assert first.status_code == 200, path
            etag = first.headers["etag"]
            for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
                again = await place.ask("GET", path, token=token, if_none_match=known)
                assert (again.status_code, again.content) == (304, b""), path
            other = await place.ask("GET", path, token=token, if_none_match='"other"')
            assert other.status_code == 200, path

    at(story)


@pytest.mark.parametrize("one", READ_OF_ONE)
def test_a_release_that_is_not_there(one: str) -> None:
    async def story(place: Place) -> None:
        answer = await place.ask("GET", f"/v1/releases/r9{one}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "there is no release 'r9'"

    at(story)


def test_a_release_from_its_beginning_to_its_end() -> None:
    async def story(place: Place) -> None:
        begun = await place.ask("POST", "/v1/releases", second(ASKING))
        assert (begun.status_code, begun.json()) == (201, {"release": "r2"})
        await place.home.until("r2", "waiting for approval")
        found = await place.read("/v1/releases/r2")
        assert (found["stage"], found["waits_for"]) == ("forward", "look at it")
        assert (await place.read("/v1/releases/r2/approvals"))["waits_for_approval"] is True
        assert (await place.read("/v1/environments"))["environments"][0]["in_flight"] == ["r2"]
        paused = await place.ask("POST", "/v1/releases/r2/pause", {"by": "grace", "reason": "lunch"})
        assert paused.json() == {"release": "r2", "phase": "paused", "note": ""}
        assert (await place.ask("POST", "/v1/releases/r2/resume", {})).status_code == 200
        await place.home.until("r2", "waiting for approval")
        assert (await place.ask("POST", "/v1/releases/r2/approve", {"by": "grace"})).status_code == 200
        await place.home.until_closed("r2")
        said = (await place.read("/v1/releases/r2/approvals"))["remarks"]
        assert [(one["said"], one["by"]) for one in said] == [
            ("pause", "grace"),
            ("resume", "owner"),
            ("approve", "grace"),
        ]
        judged = (await place.read("/v1/releases/r2/verdicts?samples=true"))["verdicts"]
        assert judged[-1]["verdict"]["kind"] == "pass"
        assert sum(one["measured"]["canary"]["requests"] for one in judged) == sum(
            one["requests"][1] for one in judged
        )
        origins = {one["origin"] for one in (await place.read("/v1/releases/r2/findings"))["findings"]}
        assert origins == {"gates"}
        assert (await place.ask("POST", "/v1/releases/r2/abort", {})).status_code == 409

    at(story)


def test_a_release_is_aborted_or_promoted_by_word() -> None:
    async def story(place: Place) -> None:
        await place.ask("POST", "/v1/releases", second(ASKING))
        await place.home.until("r2", "waiting for approval")
        assert (await place.ask("POST", "/v1/releases/r2/promote", {})).status_code == 409
        assert (await place.ask("POST", "/v1/releases/r2/abort", {"reason": "no"})).status_code == 200
        await place.home.until_closed("r2")
        aborted = place.home.events("r2", ReleaseAborted)[0]
        assert isinstance(aborted, ReleaseAborted)
        assert aborted.reason == "no"
        await place.ask("POST", "/v1/releases", wish(THREE, ASKING))
        await place.home.until("r3", "waiting for approval")
        forced = await place.ask("POST", "/v1/releases/r3/promote", {"reason": "it must be"})
        assert forced.status_code == 200
        await place.home.until_closed("r3")
        assert (await place.read("/v1/releases/r3"))["summary"]["outcome"] == "promoted"

    at(story)


def test_what_was_promoted_is_rolled_back_and_restored() -> None:
    async def story(place: Place) -> None:
        first = await place.ask("POST", "/v1/releases/r1/rollback", {})
        assert (first.status_code, "nothing before it" in first.json()["detail"]) == (409, True)
        await place.ask("POST", "/v1/releases", second())
        early = await place.ask("POST", "/v1/releases/r2/rollback", {})
        assert (early.status_code, "still under way" in early.json()["detail"]) == (409, True)
        await place.home.until_closed("r2")
        assert (await place.read("/v1/releases/r2"))["undoable"] is True
        older = await place.ask("POST", "/v1/releases/r1/rollback", {})
        assert (older.status_code, "r2 was promoted after r1" in older.json()["detail"]) == (409, True)
        back = await place.ask("POST", "/v1/releases/r2/rollback", {"reason": "the prices are wrong"})
        assert (back.status_code, back.json()) == (201, {"release": "r3"})
        await place.home.until_closed("r3")
        services = (await place.read("/v1/services"))["services"]
        assert services[0]["stable"]["artifact"] == "1" * 64
        again = await place.ask("POST", "/v1/releases/r1/restore", {})
        assert (again.status_code, "runs that already" in again.json()["detail"]) == (409, True)
        assert (await place.ask("POST", "/v1/releases/r2/restore", {})).json() == {"release": "r4"}
        await place.home.until_closed("r4")
        services = (await place.read("/v1/services"))["services"]
        assert services[0]["stable"]["artifact"] == "2" * 64
        assert (await place.ask("POST", "/v1/releases/r9/rollback", {})).status_code == 404

    at(story)


def test_cursors_lead_through_everything_once() -> None:
    async def story(place: Place) -> None:
        for version in (TWO, THREE):
            await place.home.until_closed(await place.supervisor.submit(wish(version)))
        names, path = [], "/v1/releases?limit=1"
        cursor = ""
        while True:
            page = await place.read(path + cursor)
            names += [one["release"] for one in page["releases"]]
            if page["next"] is None:
                break
            cursor = f"&before={page['next']}"
        assert names == ["r3", "r2", "r1"]
        for path, key, inner in (
            ("/v1/ledger", "entries", "sequence"),
            ("/v1/releases/r2/events", "entries", "number"),
            ("/v1/releases/r2/verdicts", "verdicts", "number"),
        ):
            whole = (await place.read(f"{path}?limit=500"))[key]
            found: list[dict[str, int]] = []
            after: int | None = 0
            while after is not None:
                page = await place.read(f"{path}?limit=3&after={after}")
                found += page[key]
                assert len(page[key]) <= 3
                after = page["next"]
            assert found == whole
            assert [one[inner] for one in found] == sorted({one[inner] for one in found})

    at(story)


def test_the_ledgers_head_is_its_newest_entry_or_note() -> None:
    async def story(place: Place) -> None:
        ledger = place.home.ledger
        head = await place.read("/v1/ledger/head")
        assert head == {"sequence": 6, "hash": ledger.since(5)[0].hash}
        await place.token("viewer")
        head = await place.read("/v1/ledger/head")
        assert head == {"sequence": 7, "hash": ledger.notes()[0].hash}

    at(story)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/v1/releases?limit=0", "query"),
        ("/v1/releases?limit=501", "query"),
        ("/v1/releases?colour=red", "query"),
        ("/v1/releases?limit=1&limit=2", "query.limit"),
        ("/v1/releases?before=r9", "query.before"),
        ("/v1/ledger?after=-1", "query"),
        ("/v1/stream?after=x", "query"),
    ],
)
def test_a_query_that_cannot_be_understood(path: str, where: str) -> None:
    async def story(place: Place) -> None:
        answer = await place.ask("GET", path)
        assert (answer.status_code, answer.json()["where"]) == (422, where)

    at(story)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"content_type": "text/plain"}, 415),
        (b"{}", {"content_type": ""}, 415),
        (b"{", {}, 422),
        (b"", {}, 422),
        (b"[" * 100_000, {}, 422),
        (b'{"reason": "\xff"}', {}, 422),
        (b'{"reason": 1}', {}, 422),
        (b'{"raeson": "x"}', {}, 422),
        (b'{"reason": "' + b"x" * 2001 + b'"}', {}, 422),
        (b" " * (BODY_MAX_BYTES + 1), {}, 413),
    ],
)
def test_a_body_that_cannot_be_understood(body: bytes, headers: dict[str, str], status: int) -> None:
    async def story(place: Place) -> None:
        answer = await place.ask("POST", "/v1/releases/r1/pause", body, **headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"

    at(story)


@pytest.mark.parametrize(
    ("intent", "where"),
    [
        (
            {"candidate": replace(TWO, fresh=True)},
            "body.intents[0].candidate.fresh",
        ),
        (
            {"rollout": Rollout("rolling", fresh_baseline=True)},
            "body.intents[0].rollout.fresh_baseline",
        ),
        (
            {"rollout": Rollout(fresh_baseline=True), "sources": (Source("mesh", "prometheus", {}),)},
            "body.intents[0].rollout.fresh_baseline",
        ),
    ],
)
def test_a_fresh_baseline_that_could_not_be_carried_out(intent: dict[str, Any], where: str) -> None:
    async def story(place: Place) -> None:
        asked = wish(TWO)
        wrong = replace(asked, intents=(replace(asked.intents[0], **intent),))
        answer = await place.ask("POST", "/v1/releases", wrong)
        assert (answer.status_code, answer.json()["where"]) == (422, where)

    at(story)


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        (ProxyRules(trusted=("10.0.0.1/8",)), ".trusted"),
        (ProxyRules(trusted=("127.0.0.1",) * 201), ""),
        (ProxyRules(head_max_bytes=10), ".head_max_bytes"),
        (ProxyRules(body_max_bytes=0), ".body_max_bytes"),
        (ProxyRules(paths=(PathLimits("reports", TimeLimits()),)), ".paths"),
        (ProxyRules(paths=(PathLimits("/reports", TimeLimits(answer_s=-1.0)),)), ""),
        (ProxyRules(limits=TimeLimits(idle_s=0.0)), ""),
        (ProxyRules(client_idle_s=1e12), ""),
    ],
)
def test_rules_of_the_proxy_that_could_not_be_carried_out(rules: ProxyRules, where: str) -> None:
    async def story(place: Place) -> None:
        asked = wish(TWO)
        listener = replace(asked.intents[0].listener, proxy=rules)
        wrong = replace(asked, intents=(replace(asked.intents[0], listener=listener),))
        answer = await place.ask("POST", "/v1/releases", wrong)
        expected = f"body.intents[0].listener.proxy{where}"
        assert (answer.status_code, answer.json()["where"]) == (422, expected)

    at(story)


def test_a_body_without_an_announced_length_is_not_read_beyond_the_bound() -> None:
    async def story(place: Place) -> None:
        sent = 0

        async def endless() -> AsyncGenerator[bytes]:
            nonlocal sent
            while sent < 100 * 1024 * 1024:
                sent += 2**20
                yield b" " * 2**20

        transport = httpx2.ASGITransport(place.socket)
        async with httpx2.AsyncClient(transport=transport, base_url="http://headgate") as client:
            answer = await client.post(
                "/v1/releases", content=endless(), headers={"content-type": "application/json"}
            )
        assert answer.status_code == 413
        assert sent <= BODY_MAX_BYTES + 2 * 2**20

    at(story)


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    async def story(place: Place) -> None:
        async def never() -> AsyncGenerator[bytes]:
            yield b"{"
            await place.home.until("r9", "never")

        transport = httpx2.ASGITransport(place.socket)
        async with httpx2.AsyncClient(transport=transport, base_url="http://headgate") as client:
            answer = await client.post(
                "/v1/releases", content=never(), headers={"content-type": "application/json"}
            )
        assert answer.status_code == 408

    at(story)


def test_no_page_and_no_method_of_that_name() -> None:
    async def story(place: Place) -> None:
        assert (await place.ask("GET", "/v1/nothing")).status_code == 404
        assert (await place.ask("GET", "/v1/releases/")).status_code == 404
        wrong = await place.ask("DELETE", "/v1/services")
        assert (wrong.status_code, "GET" in wrong.headers["allow"]) == (405, True)
        assert wrong.headers["content-type"] == "application/problem+json"

    at(story)


def test_a_ledger_that_cannot_be_read_is_said_so() -> None:
    async def story(place: Place) -> None:
        def broken(**_: object) -> None:
            raise LedgerError("the disk is gone")

        place.home.ledger.summaries = broken  # type: ignore[assignment,method-assign]
        answer = await place.ask("GET", "/v1/services")
        del place.home.ledger.summaries
        assert (answer.status_code, answer.json()["detail"]) == (503, "the disk is gone")

    at(story)


# --- the same request twice -------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_request() -> None:
    async def story(place: Place) -> None:
        first = await place.ask("POST", "/v1/releases", second(ASKING), idempotency_key="k1")
        again = await place.ask("POST", "/v1/releases", second(ASKING), idempotency_key="k1")
        assert (
            (again.status_code, again.json()) == (first.status_code, first.json()) == (201, {"release": "r2"})
        )
        assert place.home.ledger.summary("r3") is None
        other = await place.ask("POST", "/v1/releases", wish(THREE), idempotency_key="k1")
        assert (other.status_code, other.json()["where"]) == (422, "header.idempotency-key")
        await place.home.until("r2", "waiting for approval")
        for _ in range(2):
            said = await place.ask("POST", "/v1/releases/r2/approve", {}, idempotency_key="k1")
            assert said.status_code == 200
        assert len(place.home.events("r2", StepApproved)) == 1
        elsewhere = await place.ask("POST", "/v1/releases/r1/approve", {}, idempotency_key="k1")
        assert elsewhere.status_code == 422

    at(story)


def test_a_key_is_its_senders_own_and_what_was_refused_may_be_tried_again() -> None:
    async def story(place: Place) -> None:
        freeze = {"reason": "holidays", "environments": ["staging"]}
        one = await place.token("operator", name="one")
        two = await place.token("operator", name="two")
        for token, name in ((one, "f1"), (two, "f2"), (one, "f1")):
            answer = await place.ask("POST", "/v1/freezes", freeze, token=token, idempotency_key="k")
            assert answer.json()["freeze"] == name
        early = await place.ask("POST", "/v1/releases/r2/rollback", {}, idempotency_key="back")
        assert early.status_code == 404
        await place.home.until_closed(await place.supervisor.submit(second()))
        back = await place.ask("POST", "/v1/releases/r2/rollback", {}, idempotency_key="back")
        assert back.status_code == 201
        for key in ("", "x" * 256):
            answer = await place.ask("POST", "/v1/freezes", freeze, idempotency_key=key)
            assert answer.status_code == 422

    at(story)


def test_only_so_many_keys_are_known() -> None:
    async def story(place: Place) -> None:
        for n in range(KEYS_MAX + 1):
            answer = await place.ask("POST", "/v1/freezes", {"reason": "x"}, idempotency_key=f"k{n}")
            assert answer.json()["freeze"] == f"f{n + 1}"
        again = await place.ask("POST", "/v1/freezes", {"reason": "x"}, idempotency_key="k1")
        assert again.json()["freeze"] == "f2"
        forgotten = await place.ask("POST", "/v1/freezes", {"reason": "x"}, idempotency_key="k0")
        assert forgotten.json()["freeze"] == f"f{KEYS_MAX + 2}"

    at(story)


def test_the_description_is_of_everything_that_is_served() -> None:
    async def story(place: Place) -> None:
        described = json.loads((await place.ask("GET", "/v1/openapi.json")).content)["paths"]
        served = {
            (route.path, method.lower())  # type: ignore[attr-defined]
            for route in place.socket.routes
            for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
        }
        assert served == {(path, method) for path, found in described.items() for method in found}

    at(story)
