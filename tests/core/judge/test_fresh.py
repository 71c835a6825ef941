"""A canary beside instances as new as itself: what is new about both of them speaks against neither."""

import random

from headgate.core.judge.judge import observe, start
from headgate.core.judge.metrics.errors import ErrorState
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, Sample, together
from headgate.core.model.verdict import Verdict
from tests.core.judge.traffic import FAST, UNIT, arm, judged

SPEC = JudgeSpec((ErrorRatio(),), external=True)
COLD = (0.05, 0.05, 0.1, 0.2, 0.2, 0.2, 0.2, 0.0, 0.0)
"""Latencies with an empty cache."""


def three(old: Arm, canary: Arm, fresh: Arm | None, weight: int = 10) -> Sample:
    stable = old if fresh is None else together(old, fresh)
    return Sample(UNIT, 1.0, 1.0, weight, stable, canary, fresh=fresh)


def errors(old: float, canary: float, fresh: float, times: int, *, seed: int = 1) -> list[Sample]:
    """80% of the traffic stays; canary and fresh baseline have a tenth of it each."""
    rng = random.Random(seed)
    return [three(arm(rng, 800, old), arm(rng, 100, canary), arm(rng, 100, fresh)) for _ in range(times)]


def without(samples: list[Sample]) -> list[Sample]:
    """The same canary beside the old version as it runs."""
    return [Sample(UNIT, 1.0, 1.0, 10, one.stable, one.canary) for one in samples]


def kinds(verdicts: list[Verdict]) -> set[str]:
    return {verdict.kind for verdict in verdicts}


def test_a_cold_start_fails_a_canary_beside_warm_instances_and_not_beside_cold_ones() -> None:
    cold = errors(0.001, 0.05, 0.05, 60)
    assert judged(SPEC, without(cold))[1][-1].kind == "fail"
    assert "fail" not in kinds(judged(SPEC, cold)[1])


def test_a_bad_canary_is_found_beside_a_fresh_baseline() -> None:
    assert judged(SPEC, errors(0.005, 0.2, 0.005, 60))[1][-1].kind == "fail"


def test_a_good_canary_passes_beside_one() -> None:
    assert judged(SPEC, errors(0.005, 0.005, 0.005, 120))[1][-1].kind == "pass"


def test_a_canary_that_is_worse_than_cold_instances_is_found_though_stable_is_warm() -> None:
    assert judged(SPEC, errors(0.001, 0.4, 0.05, 60))[1][-1].kind == "fail"


def test_false_alarms_beside_equals_are_rare() -> None:
    failed = sum(
        judged(SPEC, errors(0.001, 0.03, 0.03, 60, seed=seed))[1][-1].kind == "fail" for seed in range(100)
    )
    assert failed <= 3


def test_a_cold_start_is_no_bad_day_of_stable() -> None:
    before = [three(arm(random.Random(k), 900, 0.002), Arm(), None, 0) for k in range(60)]
    state = start(SPEC)
    for one in before:
        state, _ = observe(SPEC, state, one, -1)
    cold = errors(0.002, 0.02, 0.02, 20)
    assert "hold_external" not in kinds(judged(SPEC, cold, 1, state)[1])


def test_stables_own_trouble_is_seen_as_before() -> None:
    state = start(SPEC)
    for k in range(60):
        state, _ = observe(SPEC, state, three(arm(random.Random(k), 900, 0.002), Arm(), None, 0), -1)
    assert "hold_external" in kinds(judged(SPEC, errors(0.2, 0.2, 0.2, 20), 1, state)[1])


def test_stable_against_its_fresh_part_is_the_placebo() -> None:
    assert judged(SPEC, errors(0.01, 0.01, 0.01, 60))[1][-1].placebo < 100
    cold = judged(SPEC, errors(0.001, 0.1, 0.1, 60))[1][-1]
    assert cold.placebo > 100
    assert cold.kind != "fail"


def test_it_is_judged_as_stable_is_where_all_of_stable_is_fresh() -> None:
    rng, plain, fresh = random.Random(3), start(SPEC), start(SPEC)
    for _ in range(40):
        old, new = arm(rng, 500, 0.01), arm(rng, 500, 0.02)
        plain, one = observe(SPEC, plain, Sample(UNIT, 1.0, 1.0, 50, old, new), 0)
        fresh, other = observe(SPEC, fresh, Sample(UNIT, 1.0, 1.0, 50, old, new, fresh=old), 0)
        assert (one.evidence, one.kind, one.reason) == (other.evidence, other.kind, other.reason)


def test_an_absolute_limit_is_charged_as_before() -> None:
    spec = JudgeSpec((ErrorRatio(max=0.02),), external=True)
    verdicts = judged(spec, errors(0.001, 0.1, 0.1, 60))[1]
    assert verdicts[-1].kind == "fail"
    assert "(at most 2.0% allowed)" in verdicts[-1].reason


def test_slow_with_an_empty_cache_beside_others_with_empty_caches() -> None:
    spec, rng = JudgeSpec((Latency(),), external=True), random.Random(5)

    def slow(canary: tuple[float, ...], fresh: tuple[float, ...]) -> list[Sample]:
        warm = [three(arm(rng, 400, 0.0, FAST), Arm(), None, 0) for _ in range(3)]
        one = [
            three(arm(rng, 400, 0.0, FAST), arm(rng, 50, 0.0, canary), arm(rng, 50, 0.0, fresh))
            for _ in range(40)
        ]
        return warm + one

    cold = slow(COLD, COLD)
    assert judged(spec, without(cold))[1][-1].kind == "fail"
    assert "fail" not in kinds(judged(spec, cold)[1])
    assert judged(spec, slow(COLD, FAST))[1][-1].kind == "fail"


def test_orders_are_compared_with_those_of_the_fresh_baseline() -> None:
    spec = JudgeSpec((MeanCriterion("orders"),))

    def sold(canary: float, fresh: float) -> list[Sample]:
        def shop(n: int, share: float) -> Arm:
            return Arm(10 * n, 0, means={"orders": Mean(n * share, n)})

        return [three(shop(80, 0.9), shop(10, canary), shop(10, fresh)) for _ in range(60)]

    assert judged(spec, without(sold(0.5, 0.5)))[1][-1].kind == "fail"
    assert "fail" not in kinds(judged(spec, sold(0.5, 0.5))[1])
    assert judged(spec, sold(0.5, 0.9))[1][-1].kind == "fail"


def test_orders_that_arrive_late_wait_for_their_cases_in_each_part() -> None:
    spec = JudgeSpec((MeanCriterion("orders"),))
    late, rest = Mean(12.0, 10), Mean(8.0, 10)
    parts = [Arm(100, 0, means={"orders": mean}) for mean in (late, rest) * 30]
    verdicts = judged(spec, [three(Arm(100, 0), part, part, 33) for part in parts])[1]
    assert verdicts[-1].kind == "pass"


def test_instances_are_picked_from_the_canary_and_the_fresh_baseline() -> None:
    """The old version's instances have nine times their load: beside those no blind pick is possible."""
    spec = JudgeSpec((ErrorRatio(),), exchangeable=True)
    rng = random.Random(7)

    def seen(canary: float) -> list[Sample]:
        found: list[Sample] = []
        for _ in range(60):
            old, fresh = arm(rng, 1800, 0.005, k=2), _named("f", arm(rng, 200, 0.005, k=2))
            found.append(three(old, arm(rng, 200, canary, k=2), fresh))
        return found

    assert judged(spec, seen(0.2))[1][-1].kind == "fail"
    state, _ = judged(spec, seen(0.005))
    (errors,) = state.metrics
    assert isinstance(errors, ErrorState)
    assert errors.key is not None


def _named(name: str, one: Arm) -> Arm:
    return Arm(one.requests, one.errors, instances={f"{name}{k}": c for k, c in one.instances.items()})


def test_a_part_with_negative_counts_is_a_defect() -> None:
    seen = Sample(UNIT, 1.0, 1.0, 10, Arm(100, 0), Arm(10, 0), fresh=Arm(-1, 0))
    verdict = judged(SPEC, [seen])[1][0]
    assert (verdict.kind, verdict.reason) == (
        "no_data",
        "in this interval: the fresh baseline has negative counts",
    )


# --- two parts as one arm ---------------------------------------------------------------------------------------------


def test_two_parts_are_one_arm() -> None:
    one = Arm(10, 1, Histogram((1.0, 2.0), (3, 10)), {"a": Counts(10, 1)}, {"orders": Mean(2.0, 3)})
    other = Arm(5, 0, Histogram((1.0, 2.0), (1, 4)), {"b": Counts(5, 0)}, {"orders": Mean(1.0, 1)})
    assert together(one, other) == Arm(
        15,
        1,
        Histogram((1.0, 2.0), (4, 14)),
        {"a": Counts(10, 1), "b": Counts(5, 0)},
        {"orders": Mean(3.0, 4)},
    )
    assert together(one, Arm()) == together(Arm(), one) == one


def test_latencies_that_do_not_fit_are_unknown() -> None:
    one, silent = Arm(10, 0, Histogram((1.0,), (3,))), Arm(5, 0)
    assert together(one, silent).latency_ms is together(silent, one).latency_ms is None
    assert together(one, Arm(5, 0, Histogram((2.0,), (3,)))).latency_ms is None
