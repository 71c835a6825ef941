"""No way back: a release that becomes one-way and fails is frozen, its fix takes it over, and no door leads back."""

from typing import Any

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(240)]

REASON = "the queue's format is new"
LEGAL = f"is illegal: {REASON}"
STEPS = [
    {"weight": "20%", "bake": "1s", "deadline": "60s", "pause": "no way back?"},
    {"weight": "50%", "bake": "1s", "deadline": "60s"},
]
BROKEN = "Shop.catalogue = None"
"""Every page of the catalogue fails."""


def declared(after: str = "50%") -> dict[str, Any]:
    return {"rollback": {"one_way": REASON, "after": after}, "rollout": {"steps": STEPS}}


def test_it_is_frozen_at_its_weight_and_its_fix_takes_it_over(town: Town) -> None:
    good = town.stable()
    bad, fix = town.build(main=BROKEN), town.build()
    town.plan(declared())
    shown = town.headgate("plan", "--artifact", bad)
    assert "going back ends when step" in shown.said
    with town.customers():
        town.start("deploy", "--artifact", bad, "--json")
        town.comes_to("waiting for approval", "held", "rolled back")
