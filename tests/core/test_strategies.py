"""Strategies build steps: each one's list, as people read it."""

import pytest

from headgate.core.machine.steps import Promote, step_name
from headgate.core.model import Intent, Listener, Match, Rollout, Stage
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan, plan_back
from headgate.core.release.strategies import DEADLINE_LEAST_S, bake
from tests.core.ride import NEW, OLD

TEAM = (Match("header", "x-team", "us"),)
TWO = (Stage(weight=5, bake_s=60.0), Stage(weight=50, bake_s=60.0, smoke=(), pause="look"))


def steps(rollout: Rollout, instances: int = 1, *, first: bool = False, back: bool = False) -> list[str]:
    draw = plan_back if back else plan
    intent = Intent(NEW.unit, NEW, Listener(8000), rollout, JudgeSpec(), instances)
    drawn = draw((intent,), {} if first else {OLD.unit: OLD}, Policies())
    return [step_name(step) for step in drawn.legs[0].steps]


GOLDEN: dict[str, tuple[list[str], str]] = {
    "a canary without stages": (
        steps(Rollout("canary", soak_s=5.0)),
        "prepare 1 instance, watch the old version alone, canary 100%, bake 5 s, promote",
    ),
    "a canary in stages ends with everything": (
        steps(Rollout("canary", TWO, soak_s=5.0), 3),
        (
            "prepare 3 instances, canary 5%, bake 60 s, canary 50%, smoke test, bake 60 s, wait for approval, "
            "canary 100%, bake 5 s, promote"
        ),
    ),
    "a canary that declares everything": (
        steps(Rollout("canary", (Stage(weight=20, bake_s=1.0), Stage(weight=100, bake_s=2.0)))),
        "prepare 1 instance, canary 20%, bake 1 s, canary 100%, bake 2 s, promote",
    ),
    "everything in the middle is not the end": (
        steps(Rollout("canary", (Stage(weight=100, bake_s=1.0), Stage(weight=50, bake_s=2.0)))),
        (
            "prepare 1 instance, watch the old version alone, canary 100%, bake 1 s, canary 50%, bake 2 s, "
            "canary 100%, bake 0 s, promote"
        ),
    ),
    "a last question leaves everything as it is": (
        steps(Rollout("canary", (Stage(weight=100, bake_s=1.0), Stage(pause="look")))),
        "prepare 1 instance, watch the old version alone, canary 100%, bake 1 s, wait for approval, promote",
    ),
    "internal users first, then copies": (
        steps(Rollout("canary", (Stage(matches=TEAM, smoke=("order",)), Stage(mirror=20, bake_s=9.0)))),
        (
            "prepare 1 instance, watch the old version alone, header x-team=us, smoke test order, "
            "mirror 20%, bake 9 s, canary 100%, bake 0 s, promote"
        ),
    ),
    "blue-green": (
        steps(Rollout("blue-green", soak_s=30.0), 2),
        "prepare 2 instances, smoke test, watch the old version alone, preview, canary 100%, bake 30 s, promote",
    ),
    "a canary that switches like blue-green": (
        steps(Rollout("blue-green", (Stage(weight=10, bake_s=5.0),))),
        "prepare 1 instance, smoke test, preview, canary 10%, bake 5 s, canary 100%, bake 0 s, promote",
    ),
    "rolling, one at a time": (
        steps(Rollout("rolling", soak_s=3.0), 3),
        (
            "prepare 1 instance, canary 33%, bake 3 s, keep 2 of the old version, "
            "prepare 2 instances, canary 67%, bake 3 s, keep 1 of the old version, "
            "prepare 3 instances, canary 100%, bake 3 s, promote"
        ),
    ),
    "rolling, in batches that do not come out even": (
        steps(Rollout("rolling", batch=2), 5),
        (
            "prepare 2 instances, canary 40%, bake 0 s, keep 3 of the old version, "
            "prepare 4 instances, canary 80%, bake 0 s, keep 1 of the old version, "
            "prepare 5 instances, canary 100%, bake 0 s, promote"
        ),
    ),
    "rolling, a batch larger than all": (
        steps(Rollout("rolling", batch=9), 2),
        "prepare 2 instances, watch the old version alone, canary 100%, bake 0 s, promote",
    ),
    "all at once": (
        steps(Rollout("all-at-once")),
        "prepare 1 instance, smoke test, canary 100%, promote",
    ),
    "a first release has nothing to be compared with": (
        steps(Rollout("canary", TWO), first=True),
        "prepare 1 instance, smoke test, canary 100%, promote",
    ),
    "a rollback goes back at once, then proves it": (
        steps(Rollout("canary", TWO), back=True),
        "prepare 1 instance, canary 100%, smoke test, promote",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_steps(name: str) -> None:
    built, expected = GOLDEN[name]
    assert ", ".join(built) == expected


@pytest.mark.parametrize(
    ("strategy", "judged"), [("canary", True), ("rolling", True), ("all-at-once", False)]
)
def test_only_what_cannot_be_judged_is_promoted_without(strategy: str, judged: bool) -> None:  # noqa: FBT001
    intent = Intent(NEW.unit, NEW, Listener(8000), Rollout(strategy), JudgeSpec())  # type: ignore[arg-type]
    drawn = plan((intent,), {OLD.unit: OLD}, Policies())
    assert drawn.legs[0].steps[-1] == Promote(judged=judged)


def test_a_bake_has_a_deadline() -> None:
    assert bake(60.0).deadline_s == 300.0
    assert bake(1.0).deadline_s == DEADLINE_LEAST_S
    assert bake(60.0, 90.0).deadline_s == 90.0
