"""Where no two versions serve side by side: a switch of everybody at once, and a stable that serves nobody."""

from __future__ import annotations

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(240)]

BLUE_GREEN = {
    "rollout": {"strategy": "blue-green", "steps": None, "soak": "2s", "warm": "5m"},
    "criteria": {"error_ratio": {"max": None, "no_worse_than": "1.25x"}},
}
TIRES = """
from shop.message import as_json
asked = iter(range(100_000))
catalogue = Shop.catalogue
async def tired(self, request):
    return await catalogue(self, request) if next(asked) < 40 else as_json({"error": "tired"}, 500)
Shop.catalogue = tired
"""
"""Good for whoever tries it out, and soon bad for everybody."""

DIES = """
import os
from shop.message import as_json
catalogue = Shop.catalogue
async def dead(self, request):
    if os.path.exists(self.settings.database + ".dead"):
        return as_json({"error": "dead"}, 500)
    return await catalogue(self, request)
Shop.catalogue = dead
"""


def test_a_good_version_is_switched_to_once_stable_is_known(town: Town) -> None:
    old, new = town.stable(), town.build("v2")
    town.plan(BLUE_GREEN)
    with town.customers() as customers:
        planned = town.headgate("plan", "--artifact", new).said
        assert "watch the old version alone" in planned
        done = town.deploy(new)
        assert town.answerers() == {new}
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert customers.seen.by_version.keys() == {old, new}
    customers.seen.nothing_bad()


def test_a_version_that_fails_everybody_after_the_switch_is_undone(town: Town) -> None:
    old, bad = town.stable(), town.build(main=TIRES)
    town.plan(BLUE_GREEN)
    with town.customers():
        done = town.deploy(bad)
        assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
        assert town.answerers() == {old}
    assert "on stable before" in done.report["reason"]


def test_the_fix_for_a_stable_that_fails_everybody_goes_on_by_its_own_evidence(town: Town) -> None:
    dead = town.build(main=DIES)
    town.promoted(dead, "--break-glass", "a test is in a hurry")
    switch = town.folder / "shop.db.dead"
    town.plan(steps=[{"weight": "20%", "bake": "1s", "deadline": "60s"}])
    fix = town.build("v2")
    try:
        with town.customers():
            switch.touch()
            town.until(lambda: town.get().status == 500, "the old version to fail")
            done = town.deploy(fix)
            assert town.answerers() == {fix}
        assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    finally:
        switch.unlink(missing_ok=True)
