"""Sessions of browsers at the pages' door: fixed, stolen, expired, and those of somebody who may only look."""

import time
from functools import partial

from headgate.core.home.facts import ActionDenied
from headgate.web.doors.front_door import COOKIE
from headgate.web.doors.sessions import AGE_MAX_S, IDLE_S
from headgate.web.doors.tokens import Grant, token_id
from headgate.web.pages.signing_in import FORM_MAX_BYTES
from tests.web.visitor import Visitor, play

VERBS = ("abort", "pause", "resume", "approve", "promote", "rollback", "restore")


def later(seconds: float) -> float:
    """The time of a clock that is ahead."""
    return time.time() + seconds


def test_a_session_that_expired_opens_nothing() -> None:
    async def story(visitor: Visitor) -> None:
        for ahead_s in (IDLE_S, AGE_MAX_S):
            visitor.door.now = time.time
            await visitor.enter()
            csrf = await visitor.csrf()
            visitor.door.now = partial(later, ahead_s)
            for path in ("/", "/incident", f"/releases/{visitor.release}"):
                answer = await visitor.http.get(path)
                wanted = "" if path == "/" else f"?next={path}"
                assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{wanted}")
            answer = await visitor.http.post(f"/releases/{visitor.release}/abort", data={"csrf": csrf})
            assert answer.headers["location"].startswith(f"/sign-in?next=/releases/{visitor.release}")
            assert (await visitor.http.get("/v1/stream")).status_code == 401
        assert visitor.home.phase(visitor.release) == "baking"

    play(story)


def test_a_stolen_cookie_changes_nothing_from_elsewhere_and_ends_with_its_token() -> None:
    async def story(visitor: Visitor) -> None:
        token = await visitor.door.tokens.issue(Grant("eve", "admin"), "owner", time.time())
        answer = await visitor.http.post("/sign-in", data={"token": token})
        stolen = {"cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
        visitor.http.cookies.clear()
        abort = f"/releases/{visitor.release}/abort"
        for csrf in ("", "guess", answer.cookies[COOKIE]):
            forged = await visitor.http.post(abort, data={"csrf": csrf}, headers=stolen)
            assert forged.status_code == 403
            over_api = await visitor.http.post(
                f"/v1{abort}", json={}, headers=stolen | {"x-headgate-csrf": csrf}
            )
            assert over_api.status_code == 403
        assert visitor.home.phase(visitor.release) == "baking"
        await visitor.door.tokens.revoke(token_id(token), "owner", time.time(), "stolen")
        assert (await visitor.http.get("/", headers=stolen)).status_code == 303
        assert (await visitor.http.get("/v1/releases", headers=stolen)).status_code == 401

    play(story)


def test_a_viewer_is_refused_at_every_form_and_each_time_it_is_on_record() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        await visitor.post("/freezes", reason="the sale", environments="staging")
        visitor.http.cookies.clear()
        await visitor.enter("viewer")
        paths = ["/freezes", "/freezes/f1/lift", *(f"/releases/{visitor.release}/{verb}" for verb in VERBS)]
        for path in paths:
            answer = await visitor.post(path, reason="mine")
            assert answer.status_code == 403, path
        denied = [note.event for note in visitor.home.ledger.notes(0)]
        assert sum(isinstance(event, ActionDenied) for event in denied) == len(paths)
        assert visitor.home.phase(visitor.release) == "baking"

    play(story)


def test_a_form_that_anybody_may_send_is_small() -> None:
    async def story(visitor: Visitor) -> None:
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = await visitor.http.post(
            "/sign-in", content=b"token=" + b"%FF" * (FORM_MAX_BYTES // 3), headers=form
        )
        assert answer.status_code == 413
        answer = await visitor.http.post("/sign-in", content=b"token=" + b"%FF" * 1000, headers=form)
        assert answer.status_code == 401

    play(story)
