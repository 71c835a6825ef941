"""No way back: a release that becomes one-way and fails is frozen, its fix takes it over, and no door leads back."""

import pytest

from tests.e2e.project import Settings
from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(240)]

REASON = "the queue's format is new"
LEGAL = f"is illegal: {REASON}"
BROKEN = """
async def broken(*_):
    raise RuntimeError("no catalogue")
Shop.catalogue = broken
"""
"""Every request for the catalogue fails."""

ONE_WAY: Settings = {"rollback": {"one_way": REASON, "after": "50%"}}


def test_a_frozen_release_is_taken_over_by_its_fix_and_nobody_goes_back(town: Town) -> None:
    good = town.stable()
    bad, fix = town.build(main=BROKEN), town.build()
    town.plan(ONE_WAY)
    assert "going back ends when step" in town.headgate("plan", "--artifact", bad).said
    town.up()
    with town.customers():
        town.deploy(bad, "--detach")
        town.comes_to("waiting for approval")
        frozen = town.releases()[0].release
        assert town.headgate("approve", frozen).code == 0
        town.comes_to("held")
        (unit,) = town.status()["units"]
        assert (unit["moving"]["phase"], unit["moving"]["weight"]) == ("held", 50)
        assert LEGAL in unit["moving"]["waits_for"]
        said = town.headgate("status").said
        assert LEGAL in said
        assert "headgate deploy -e production web (deploy a fix, which takes its traffic over)" in said
        assert LEGAL in town.headgate("explain", frozen).said
        assert LEGAL in town.headgate("barrier", "list").said
        aborted = town.headgate("abort", frozen)
        assert (aborted.code, LEGAL in aborted.said) == (3, True), aborted.said
        assert LEGAL in town.headgate("deploy", "--artifact", good).said

        taken = town.deploy(fix, "--reason", "the fix")
        assert (taken.code, taken.report["outcome"]) == (0, "promoted"), taken.said
    assert town.answerers() == {fix}
    ended = town.until(
        lambda: next((one for one in town.releases() if one.release == frozen and one.closed), None),
        "the frozen release to end",
    )
    assert ended is not None
    assert ended.outcome == "aborted"
    assert f"taken over by {taken.report['release']}" in ended.reason

    dry = town.headgate("rollback", "--dry-run")
    assert (dry.code, LEGAL in dry.said) == (3, True), dry.said
    assert LEGAL in town.headgate("status").said
    assert town.answerers() == {fix}
    lifted = town.headgate("barrier", "lift", "web", "--reason", "both formats work")
    assert lifted.code == 0, lifted.said
    back = town.headgate("rollback", "--json")
    assert (back.code, back.report["outcome"]) == (0, "promoted"), back.said
    assert town.answerers() == {good}
    town.verify()
