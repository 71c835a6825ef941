"""Gauges: what is failed, what is only warned about, and what is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest

from headgate.core.judge.judge import observe, start
from headgate.core.judge.metrics import MetricState
from headgate.core.judge.metrics.saturation import SaturationState
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Saturation
from headgate.core.model.sample import Arm, Sample
from headgate.core.model.verdict import Evidence, Verdict
from tests.core.judge.gauges import MEMORY, World, samples
from tests.core.judge.traffic import judged, sample

ASKED = Saturation(MEMORY, max=200.0, warm_up_s=10.0)
SPEC = JudgeSpec((ErrorRatio(), ASKED), external=True)
ALONE = JudgeSpec((ASKED,), requests_min=0, promote=False)


def shown(canary: Mapping[str, float], stable: Mapping[str, float]) -> Sample:
    mine, theirs = ({MEMORY: dict(one)} if one else {} for one in (canary, stable))
    return sample(Arm(900, 0, gauges=theirs), Arm(100, 0, gauges=mine))


def flat(seconds: int, canary: float, stable: float = 100.0) -> list[Sample]:
    return [shown({"c": canary}, {"s": stable})] * seconds


def evidence(verdict: Verdict, metric: str) -> Evidence:
    return next(one for one in verdict.metrics if one.metric == metric)


def failed_after(
    spec: JudgeSpec, seed: int, world: World, seconds: float = 400.0
) -> tuple[float | None, bool]:
    """When it failed, and whether a rise was told before."""
    state, warned = start(spec), False
    for one in samples(seed, seconds, world):
        state, verdict = observe(spec, state, one, 0)
        warned = warned or "warning: " in verdict.reason
        if verdict.kind == "fail":
            return one.at, warned
    return None, warned


# --- what is failed ---------------------------------------------------------------------------------------------------


def test_over_the_limit_it_fails_within_a_minute_of_its_warm_up() -> None:
    _, verdicts = judged(SPEC, flat(80, 250.0, 240.0 / 1.2 - 1))
    at = next(k for k, verdict in enumerate(verdicts) if verdict.kind == "fail")
    assert 40 <= at <= 70
    assert "memory 250 (at most 200 allowed)" in verdicts[-1].reason
    assert evidence(verdicts[-1], "memory_limit").kind == "fail"


def test_much_more_than_stable_fails_under_the_limit_too() -> None:
    _, verdicts = judged(SPEC, flat(300, 190.0))
    assert verdicts[-1].kind == "fail"
    assert "memory 190 against 100 at most on stable (1.9x, allowed 1.5x)" in verdicts[-1].reason


def test_one_instance_of_three_over_the_limit_fails_in_the_end() -> None:
    """Each instance is judged: a middle that is well is no excuse."""
    leaking = [shown({"a": 100.0, "b": 100.0, "c": 300.0}, {"s": 100.0})] * 700
    assert judged(ALONE, leaking)[1][-1].kind == "fail"


# --- what is not ------------------------------------------------------------------------------------------------------


def test_as_much_as_stable_passes() -> None:
    _, verdicts = judged(SPEC, flat(40, 110.0))
    assert verdicts[-1].kind == "pass"
    assert (
        evidence(verdicts[-1], "memory").note
        == "memory 110 against 100 at most on stable (1.1x, allowed 1.5x)"
    )


def test_it_does_not_pass_before_its_warm_up_is_over() -> None:
    _, verdicts = judged(SPEC, flat(30, 100.0))
    reasons = [verdict.reason for verdict in verdicts]
    assert "memory: its instances are judged 10 s after they started" in reasons
    assert "memory: not one block of 10 s of the canary seen in this step yet" in reasons
    first = next(k for k, verdict in enumerate(verdicts) if verdict.kind == "pass")
    assert first >= 19


def test_a_start_that_takes_much_is_no_fault() -> None:
    spec = JudgeSpec((ErrorRatio(), Saturation(MEMORY, max=200.0, warm_up_s=30.0)))
    _, verdicts = judged(spec, [*flat(30, 900.0), *flat(40, 100.0)])
    assert all(verdict.evidence <= 1.0 for verdict in verdicts)
    assert verdicts[-1].kind == "pass"


def test_an_instance_that_started_again_is_new() -> None:
    """Its first minute is its warm-up again; an instance that is gone says nothing."""
    spec = JudgeSpec((Saturation(MEMORY, max=200.0, factor=None, warm_up_s=30.0),), requests_min=0)
    again = [shown({f"c/{k // 35}": 900.0 if k % 35 < 25 else 100.0}, {"s": 100.0}) for k in range(350)]
    assert all(verdict.kind != "fail" for verdict in judged(spec, again)[1])


def test_bursts_within_every_block_are_no_saturation() -> None:
    bursts = [shown({"c": 900.0 if k % 10 else 100.0}, {"s": 100.0}) for k in range(300)]
    assert judged(SPEC, bursts)[1][-1].kind == "pass"


def test_where_stable_breaks_the_limit_too_the_canary_is_not_blamed() -> None:
    _, verdicts = judged(SPEC, flat(200, 260.0, 250.0))
    assert verdicts[-1].kind == "hold_external"
    assert verdicts[-1].reason.startswith("stable itself breaks the limit for memory")


def test_a_queue_that_is_empty_on_stable_is_no_measure() -> None:
    spec = JudgeSpec((ErrorRatio(), Saturation(MEMORY, max=1000.0, warm_up_s=0.0)))
    assert judged(spec, flat(200, 3.0, 0.0))[1][-1].kind == "pass"


def test_under_a_tenth_of_the_limit_nothing_is_saturated() -> None:
    spec = JudgeSpec((ErrorRatio(), Saturation(MEMORY, max=1000.0, warm_up_s=0.0)))
    assert judged(spec, flat(200, 90.0, 10.0))[1][-1].kind == "pass"
    assert judged(spec, flat(200, 110.0, 10.0))[1][-1].kind == "fail"


def test_without_stable_the_limit_alone_is_judged() -> None:
    _, verdicts = judged(SPEC, [shown({"c": 100.0}, {})] * 40)
    assert verdicts[-1].kind == "pass"
    assert evidence(verdicts[-1], "memory").note == "memory 100, nothing on stable to compare with"


def test_silence_is_no_success() -> None:
    _, verdicts = judged(SPEC, [*flat(20, 100.0), *[shown({}, {"s": 100.0})] * 30])
    assert verdicts[-1].kind == "watch"
    assert verdicts[-1].reason == "memory: no reading from the canary"
    assert evidence(verdicts[-1], "memory").kind == "no_data"


def test_with_weight_0_it_is_shown_and_never_decides() -> None:
    spec = JudgeSpec((ErrorRatio(), Saturation(MEMORY, max=200.0, warm_up_s=0.0, weight=0.0)))
    _, verdicts = judged(spec, flat(200, 900.0))
    assert verdicts[-1].kind == "pass"
    assert evidence(verdicts[-1], "memory_limit").e_value > 1e6


def test_what_was_seen_against_it_in_one_step_counts_in_the_next() -> None:
    state, verdicts = judged(SPEC, flat(40, 250.0))
    assert verdicts[-1].evidence > 1.0
    after, _ = judged(SPEC, flat(1, 250.0), 1, state)
    (_, known), (_, before) = after.metrics, state.metrics
    assert isinstance(known, SaturationState)
    assert isinstance(before, SaturationState)
    assert (known.limit, known.comparison) == (before.limit, before.comparison)
    assert (known.blocks, known.block_s) == (0, 1.0)


# --- a rise -----------------------------------------------------------------------------------------------------------


def leaking(seconds: int, a_second: float, stable: float = 0.0) -> list[Sample]:
    return [shown({"c": 100.0 + a_second * k}, {"s": 100.0 + stable * k}) for k in range(seconds)]


def test_a_leak_is_told_long_before_its_limit() -> None:
    spec = JudgeSpec((ErrorRatio(), Saturation(MEMORY, max=1000.0, warm_up_s=10.0)))
    _, verdicts = judged(spec, leaking(150, 0.2))
    assert verdicts[-1].kind == "pass"
    assert "warning: memory rises by 12 a minute, to the limit in about 73 min" in verdicts[-1].reason
    assert evidence(verdicts[-1], "memory_trend").kind == "watch"


def test_a_rise_on_stable_too_is_no_leak() -> None:
    _, verdicts = judged(SPEC, leaking(150, 0.1, 0.1))
    assert "warning" not in verdicts[-1].reason


def test_a_rise_that_ends_nowhere_within_the_horizon_is_not_told() -> None:
    _, verdicts = judged(SPEC, leaking(150, 0.0005))
    assert "warning" not in verdicts[-1].reason


def test_a_rise_never_fails_by_itself() -> None:
    spec = JudgeSpec((Saturation(MEMORY, max=1e9, factor=None, warm_up_s=0.0),), requests_min=0)
    _, verdicts = judged(spec, leaking(900, 5.0))
    assert {verdict.kind for verdict in verdicts} <= {"watch", "pass"}
    assert all(verdict.evidence <= 1.0 for verdict in verdicts)


# --- under the null ---------------------------------------------------------------------------------------------------

PLACEBO = [World(canary=k, stable=n, tau_s=tau_s) for k, n in ((1, 1), (2, 4)) for tau_s in (2.0, 10.0, 30.0)]


@pytest.mark.parametrize("world", PLACEBO, ids=str)
def test_a_version_like_stable_is_not_failed(world: World) -> None:
    """Bursty, hanging together for up to three blocks, hosts 5% apart: none of 40 fails (docs/judge.md has more)."""
    assert [failed_after(ALONE, seed, world)[0] for seed in range(40)] == [None] * 40


def test_false_warnings_are_rare_where_blocks_are_apart() -> None:
    world = World(tau_s=3.0)
    assert sum(failed_after(ALONE, seed, world)[1] for seed in range(60)) <= 2


@pytest.mark.parametrize(
    ("world", "within_s"), [(World(factor=3.0), 90.0), (World(leak=0.5), 400.0)], ids=str
)
def test_a_bad_version_is_failed_through_the_same_noise(world: World, within_s: float) -> None:
    for seed in range(10):
        at, _ = failed_after(SPEC, seed, world)
        assert at is not None
        assert at <= within_s


def test_its_state_is_one_of_the_union() -> None:
    assert SaturationState in get_args(MetricState)
