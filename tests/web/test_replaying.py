"""A release judged again over the API and on its page: by its own criteria as it was, by others otherwise."""

import re

import pytest

from headgate.web.api import replay as module
from tests.web.shop import past
from tests.web.visitor import Visitor, play


def test_by_its_own_criteria_every_verdict_is_as_it_was() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        for release in ("r2", "r3", "r4"):
            found = (await visitor.http.get(f"/v1/releases/{release}/replay")).json()
            assert (found["differing"], found["missing"]) == (0, 0)
            assert found["intervals"] > 3
            assert found["fail_at"] == found["recorded_fail_at"]
            assert all(turn["recorded"] == turn["verdict"] for turn in found["turns"])
            page = (await visitor.http.get(f"/releases/{release}/replay")).text
            assert "every verdict is as it was" in page
        assert (await visitor.http.get("/v1/releases/r3/replay")).json()["fail_at"] is not None

    play(story, begin=False)


def test_by_other_criteria_it_says_what_would_have_been() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        lax = (await visitor.http.get("/v1/releases/r3/replay?factor=100&error_ratio_max=1")).json()
        assert lax["differing"] > 0
        assert lax["fail_at"] is None
        assert lax["recorded_fail_at"] is not None
        page = (await visitor.http.get("/releases/r3/replay?factor=100&max=100")).text
        assert "Then a fault was found; now there is none" in page
        assert re.search(r'name="factor" type="number"[^>]* value="100"', page)

    play(story, begin=False)


@pytest.mark.parametrize("wrong", ["factor=much", "factor=nan", "factor=0.5", "max=-1", "max=1e9"])
def test_criteria_that_are_none_are_said_to_be_wrong(wrong: str) -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        answer = await visitor.http.get(f"/releases/r3/replay?{wrong}")
        assert answer.status_code == 200
        assert "intervals judged again" not in answer.text
        assert "What happened, and why" in answer.text

    play(story, begin=False)


def test_what_is_too_long_is_replayed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVALS_MAX", 2)

    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        answer = await visitor.http.get("/v1/releases/r3/replay")
        assert answer.status_code == 409
        assert "headgate replay r3" in answer.json()["detail"]
        assert "headgate replay r3" in (await visitor.http.get("/releases/r3/replay")).text

    play(story, begin=False)


def test_without_samples_it_says_what_is_missing() -> None:
    home = past()

    async def story(visitor: Visitor) -> None:
        await visitor.enter("viewer")
        whole = (await visitor.http.get("/v1/releases/r3/replay")).json()["intervals"]
        await home.ledger.compact_samples(1e12)
        found = (await visitor.http.get("/v1/releases/r3/replay")).json()
        assert (found["intervals"], found["missing"]) == (0, whole)
        assert "have no samples any more" in (await visitor.http.get("/releases/r3/replay")).text

    play(story, lambda: home, begin=False)
