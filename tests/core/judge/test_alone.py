"""The candidate with all of the traffic, and a stable that serves nobody: what there is to judge by then."""

from __future__ import annotations

import random

import pytest

from headgate.core.judge.evidence.alone import DOUBT, highest_share
from headgate.core.judge.judge import JudgeState, start
from headgate.core.judge.judgement import judge, learning_s
from headgate.core.machine.state import UNEXPOSED
from headgate.core.model import Arm, Mean, Sample, Verdict
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from tests.core.judge.traffic import UNIT, bad, histogram

ERRORS = JudgeSpec((ErrorRatio(),), external=True)
DEFAULTS = JudgeSpec(external=True)
NOBODY = Arm()
QUICK = (1.0,) + (0.0,) * 8
"""Every answer at once: an error that nothing had to be done for."""


def interval(stable: Arm, canary: Arm, weight: int) -> Sample:
    return Sample(UNIT, 1.0, 0.5, weight, stable, canary)


def learnt(
    spec: JudgeSpec, rng: random.Random, seconds: float = 30.0, *, n: int = 5, share: float = 0.0
) -> JudgeState:
    """The judge after so long of stable alone."""
    state = start(spec)
    for _ in range(int(2 * seconds)):
        stable = Arm(n, bad(rng, n, share), histogram(rng, n))
        state, _ = judge(spec, state, interval(stable, NOBODY, 0), UNEXPOSED)
    return state


def switched(
    spec: JudgeSpec, state: JudgeState, rng: random.Random, share: float, *, n: int = 5, times: int = 300
) -> tuple[int, Verdict]:
    """What is said once everything goes to the candidate: after how many intervals it is decided, and how."""
    verdict = Verdict("watch", "")
    for count in range(1, times + 1):
        canary = Arm(n, bad(rng, n, share), histogram(rng, n))
        state, verdict = judge(spec, state, interval(NOBODY, canary, 100), 3)
        if verdict.kind in ("pass", "fail"):
            return count, verdict
    return times, verdict


@pytest.mark.parametrize(("share", "within"), [(1.0, 20), (0.3, 60)])
def test_a_version_that_fails_its_users_after_the_switch_is_found_by_what_stable_did_before(
    share: float, within: int
) -> None:
    rng = random.Random(7)
    count, verdict = switched(DEFAULTS, learnt(DEFAULTS, rng), rng, share)
    assert (verdict.kind, count <= within) == ("fail", True), (count, verdict.reason)
    assert "on stable before" in verdict.reason


@pytest.mark.parametrize("left", [1, 3, 10])
def test_what_stable_was_still_answering_at_the_switch_hides_no_fault_that_begins_later(left: int) -> None:
    rng = random.Random(5)
    state = learnt(DEFAULTS, rng)
    state, _ = judge(DEFAULTS, state, interval(Arm(left), Arm(5), 100), 3)
    for _ in range(6):
        state, _ = judge(DEFAULTS, state, interval(NOBODY, Arm(5), 100), 3)
    kinds: list[str] = []
    for _ in range(20):
        state, verdict = judge(DEFAULTS, state, interval(NOBODY, Arm(5, 5), 100), 3)
        kinds.append(verdict.kind)
    assert "fail" in kinds
    assert "pass" not in kinds


def test_nothing_passes_at_the_moment_it_goes_bad() -> None:
    state, verdict = start(ERRORS), Verdict("watch", "")
    for _ in range(100):
        state, verdict = judge(ERRORS, state, interval(Arm(50), Arm(50), 50), 3)
    assert verdict.kind == "pass", verdict.reason
    state, verdict = judge(ERRORS, state, interval(Arm(50), Arm(50, 10), 50), 3)
    assert verdict.kind != "pass", verdict.reason


@pytest.mark.parametrize("n", [1, 2])
def test_bad_answers_that_nothing_could_be_compared_with_let_nothing_pass(n: int) -> None:
    state, verdict = start(ERRORS), Verdict("watch", "")
    for k in range(400):
        stable = Arm(3) if k % 4 == 0 else NOBODY
        broken = n if k % 4 else 0
        state, verdict = judge(ERRORS, state, interval(stable, Arm(n, broken), 50), 3)
        assert verdict.kind != "pass" or k < 8
    assert verdict.kind in ("watch", "inconclusive", "fail"), verdict.reason


def test_a_good_version_passes_after_the_switch_at_ten_requests_a_second() -> None:
    rng = random.Random(3)
    counts = [switched(DEFAULTS, learnt(DEFAULTS, rng), rng, 0.0) for _ in range(20)]
    assert {verdict.kind for _, verdict in counts} == {"pass"}
    assert max(count for count, _ in counts) <= 200, "100 s, of the 150 that there are"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
def test_good_versions_are_hardly_ever_undone_after_the_switch(share: float) -> None:
    rng = random.Random(11)
    spec = JudgeSpec((ErrorRatio(),), promote=False)
    failed = sum(
        switched(spec, learnt(spec, rng, share=share), rng, share, times=120)[1].kind == "fail"
        for _ in range(150)
    )
    assert failed <= 3, "1% promised"


def test_before_stable_is_known_nothing_is_charged() -> None:
    rng = random.Random(5)
    assert switched(ERRORS, learnt(ERRORS, rng, 1.0), rng, 1.0)[1].kind == "watch"


def test_orders_that_stay_away_after_the_switch() -> None:
    spec = JudgeSpec((MeanCriterion("orders"),))
    rng, state, verdict = random.Random(2), start(spec), Verdict("watch", "")
    for _ in range(60):
        stable = Arm(20, 0, means={"orders": Mean(5 - bad(rng, 5, 0.1), 5)})
        state, verdict = judge(spec, state, interval(stable, NOBODY, 0), UNEXPOSED)
    assert verdict.learnt
    for _ in range(60):
        canary = Arm(20, 0, means={"orders": Mean(bad(rng, 5, 0.1), 5)})
        state, verdict = judge(spec, state, interval(NOBODY, canary, 100), 3)
    assert verdict.kind == "fail", verdict.reason


def test_the_highest_share_is_over_the_measured_one_and_nears_it() -> None:
    bounds = [highest_share(n, n / 100) for n in (100, 1000, 10_000, 100_000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == pytest.approx(0.01, rel=0.2)
    assert highest_share(300, 0) == pytest.approx(1 - DOUBT ** (1 / 300), rel=1e-3), (
        "the exact one, without errors"
    )


# --- learning ---------------------------------------------------------------------------------------------------------


def test_stable_is_known_after_as_many_requests_as_its_latency_takes() -> None:
    rng, state, said = random.Random(1), start(DEFAULTS), list[Verdict]()
    for _ in range(60):
        state, verdict = judge(DEFAULTS, state, interval(Arm(5, 0, histogram(rng, 5)), NOBODY, 0), UNEXPOSED)
        said.append(verdict)
    first = next(at for at, verdict in enumerate(said, start=1) if verdict.learnt)
    assert "requests of stable seen" in said[0].reason
    assert first / 2 == pytest.approx(learning_s(DEFAULTS, 10.0), abs=2.0)
    assert {verdict.kind for verdict in said} == {"watch"}


def test_what_does_not_decide_is_not_waited_for() -> None:
    spec = JudgeSpec((ErrorRatio(weight=0.0), Latency(factor=None, max_ms=100.0)))
    _, verdict = judge(spec, start(spec), interval(Arm(1, 0), NOBODY, 0), UNEXPOSED)
    assert verdict.learnt


# --- a stable that serves nobody --------------------------------------------------------------------------------------


def beside_a_dead_stable(rng: random.Random, share: float, times: int = 200) -> tuple[int, Verdict]:
    """Stable fails everything at once, from before the release on; the candidate has a fifth of the traffic."""
    state, spec, verdict = start(DEFAULTS), DEFAULTS, Verdict("watch", "")
    for _ in range(20):
        dead = Arm(10, 10, histogram(rng, 10, QUICK))
        state, verdict = judge(spec, state, interval(dead, NOBODY, 0), UNEXPOSED)
    assert verdict.kind == "watch", "no weight waits for it"
    for count in range(1, times + 1):
        dead = Arm(8, 8, histogram(rng, 8, QUICK))
        sample = interval(dead, Arm(2, bad(rng, 2, share), histogram(rng, 2)), 20)
        state, verdict = judge(spec, state, sample, 2)
        if verdict.kind in ("pass", "fail"):
            return count, verdict
    return times, verdict


def test_the_fix_for_a_dead_stable_passes_by_its_own_evidence() -> None:
    count, verdict = beside_a_dead_stable(random.Random(4), 0.0)
    assert (verdict.kind, count < 120) == ("pass", True), (count, verdict.reason)


def test_what_fails_like_the_dead_stable_does_not_pass() -> None:
    _, verdict = beside_a_dead_stable(random.Random(4), 0.5)
    assert verdict.kind == "watch"
    assert "more good requests of the canary show that it serves" in verdict.reason


def test_a_stable_that_dies_during_the_release_holds_no_weight_back() -> None:
    rng, state = random.Random(6), learnt(DEFAULTS, random.Random(6), 60.0)
    kinds: list[str] = []
    for _ in range(200):
        dead = Arm(8, 8, histogram(rng, 8, QUICK))
        sample = interval(dead, Arm(2, 0, histogram(rng, 2)), 20)
        state, verdict = judge(DEFAULTS, state, sample, 2)
        kinds.append(verdict.kind)
    assert "fail" not in kinds
    assert kinds[-1] == "pass"
