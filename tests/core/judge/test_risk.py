"""What a step has to prove grows with what the next one risks."""

from __future__ import annotations

import random

import pytest

from headgate.core.judge.evidence.mirror import Harm
from headgate.core.judge.evidence.risk import at_risk, risk_after
from headgate.core.judge.judge import start
from headgate.core.judge.judgement import judge
from headgate.core.machine.state import UNEXPOSED
from headgate.core.machine.steps import Expose
from headgate.core.model import Arm, Intent, Listener, Rollout, Sample, Stage
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan
from tests.core.judge.traffic import UNIT, bad, histogram
from tests.core.ride import NEW, OLD

DEFAULTS = (Stage(weight=5, bake_s=60.0), Stage(weight=25, bake_s=60.0), Stage(weight=50, bake_s=60.0))
SOAK_S = 30.0
RATE = 10
SPEC = JudgeSpec(requests_min=20, external=True)


def drawn() -> tuple[JudgeSpec, tuple[Expose, ...], list[int]]:
    """The criteria of a canary at its defaults, its exposures and their indices."""
    intent = Intent(NEW.unit, NEW, Listener(8000), Rollout("canary", DEFAULTS, soak_s=SOAK_S), SPEC)
    (leg,) = plan((intent,), {OLD.unit: OLD}, Policies()).legs
    found = [(index, step) for index, step in enumerate(leg.steps) if isinstance(step, Expose)]
    return leg.judge, tuple(step for _, step in found), [index for index, _ in found]


def test_a_plan_says_what_each_step_risks() -> None:
    spec, _, indices = drawn()
    assert [risk_after(spec, index) for index in indices] == [0.25, 0.5, 1.0, 1.0]
    assert risk_after(spec, 99) == 1.0, "where nobody says: everybody"


@pytest.mark.parametrize(
    ("risk", "share", "difference"),
    [(1.0, 0.0, 0.05), (0.25, 0.01, 0.2), (0.25, 0.8, 0.1), (0.25, 0.94, 0.05)],
)
def test_less_risk_allows_more_harm_within_what_can_be_told(
    risk: float, share: float, difference: float
) -> None:
    assert at_risk(Harm(2.0, 0.05), risk, share).difference == pytest.approx(difference)


def test_a_share_that_has_no_difference_stays_as_it_is() -> None:
    assert at_risk(Harm(0.5, None), 0.25, 0.9) == Harm(0.5, None)


def minutes(seed: int, errors: float = 0.001) -> float | None:
    """How long a good version takes at ten requests a second, from the first exposure on; None: it is held."""
    rng, (spec, exposures, indices) = random.Random(seed), drawn()
    state, total = start(spec), 0.0
    for _ in range(6):
        state, _ = judge(spec, state, _interval(rng, 0, errors), UNEXPOSED)
    bakes = [60.0, 60.0, 60.0, SOAK_S]
    for expose, index, bake_s in zip(exposures, indices, bakes, strict=True):
        passed_s, kind = 0.0, "watch"
        while kind != "pass" or passed_s < bake_s:
            passed_s += 0.5
            state, verdict = judge(spec, state, _interval(rng, expose.weight, errors), index)
            kind = verdict.kind
            if kind == "fail" or passed_s > 5 * bake_s:
                return None
        total += passed_s
    return total / 60


def _interval(rng: random.Random, weight: int, errors: float) -> Sample:
    n = RATE // 2
    shifted = sum(rng.random() < weight / 100 for _ in range(n))
    stable, canary = (
        Arm(size, bad(rng, size, errors), histogram(rng, size)) for size in (n - shifted, shifted)
    )
    return Sample(UNIT, 1.0, 0.5, weight, stable, canary)


def test_a_good_version_at_ten_requests_a_second_is_promoted_in_five_minutes() -> None:
    took = sorted(minutes(seed) or 99.0 for seed in range(40))
    assert took[len(took) // 2] <= 4.0
    assert sum(one > 5.0 for one in took) <= 2, took
