"""The mixture over alternatives and moments of onset."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.core.judge.evidence.comparison import (
    Comparison,
    ComparisonRule,
    enter_step,
    observe_pair,
    start_comparison,
)
from headgate.core.judge.evidence.counts import Pair
from headgate.core.judge.evidence.dispersion import BLOCK, SETTLED_BLOCKS, Dispersion
from headgate.core.judge.evidence.mirror import Harm, Mirror
from headgate.core.judge.evidence.process import CEILING, advance, grid_above, idle, start_process

CAP = math.log(400) / 2
NOTHING = (0, 0)


def rule(phi: float | None = None, exact: bool = False) -> ComparisonRule:  # noqa: FBT001, FBT002
    return ComparisonRule(grid_above(1.25, 20), Harm(2.0, 0.05), CAP, phi, 1000.0, 20.0, exact=exact)


def test_it_starts_at_one_and_waiting_costs_nothing() -> None:
    process = start_process(20)
    for _ in range(1000):
        process = idle(process, 0.01)
    assert process.e_value == pytest.approx(1.0)
    assert process.waiting < 0.001


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans(), st.sampled_from([None, 1.0, 3.0]))
def test_its_mean_is_at_most_one_over_whole_paths(sizes: list[int], exact: bool, phi: float | None) -> None:  # noqa: FBT001
    """Two intervals, every outcome, weighted exactly: what was learnt in the first weighs the second."""
    n1, n0, p0 = 1 + sizes[0], 2 + sizes[-1], 0.3
    p1, judged = 1.25 * p0, rule(phi, exact)
    before = start_comparison(judged)
    for pair in (Pair(3, 1, 30, 9), Pair(3, 0, 30, 2))[: len(sizes) % 3]:
        before = observe_pair(judged, before, pair, NOTHING, 10.0)
    mean = 0.0
    ranges = (range(n1 + 1), range(n0 + 1)) * 2
    for a1, a0, b1, b0 in product(*ranges):
        chance = math.prod(
            math.comb(n, x) * p**x * (1 - p) ** (n - x)
            for n, x, p in ((n1, a1, p1), (n0, a0, p0), (n1, b1, p1), (n0, b0, p0))
        )
        after = before
        for x1, x0 in ((a1, a0), (b1, b0)):
            after = observe_pair(judged, after, Pair(n1, x1, n0, x0), NOTHING, 10.0)
        mean += chance * after.process.e_value
    assert mean <= before.process.e_value * (1 + 1e-9)


def test_one_interval_is_never_enough_unless_dispersion_is_declared() -> None:
    flood = Pair(100, 100, 900, 0)
    learnt, declared = rule(None), rule(1.0)
    one = observe_pair(learnt, start_comparison(learnt), flood, NOTHING, 1.0)
    two = observe_pair(learnt, one, flood, NOTHING, 1.0)
    assert one.process.e_value < 100 < two.process.e_value
    assert observe_pair(declared, start_comparison(declared), flood, NOTHING, 1.0).process.e_value > 1e9


def test_where_storms_last_no_single_one_is_enough() -> None:
    """Sixteen errors of the canary in four seconds, after stable has shown storms that go on for seconds."""
    judged = rule(None)
    reached: list[float] = []
    for lasts in (1, 8):
        c, stormy = (
            start_comparison(judged),
            Dispersion(block_squares=400.0 * (lasts - 1), block_weight=100.0),
        )
        for _ in range(4):
            c = observe_pair(judged, replace(c, dispersion=stormy), Pair(20, 16, 180, 0), NOTHING, 1.0)
        reached.append(c.process.e_value)
    assert reached[1] < 100 < reached[0]


def seconds_until_failed(judged: ComparisonRule, c: Comparison, pair: Pair) -> int:
    seconds = 0
    while c.process.e_value < 100:
        c, seconds = observe_pair(judged, c, pair, NOTHING, 1.0), seconds + 1
    return seconds


def test_a_storm_over_a_canary_that_was_well_is_not_enough() -> None:
    """Sixteen errors in four seconds: a fault from the start, or a storm that stable has not shown yet."""
    judged = rule(None)
    burst = [Pair(20, 4, 180, 0)] * 4
    fresh = start_comparison(judged)
    calm = fresh
    for _ in range(10):
        calm = observe_pair(judged, calm, Pair(20, 0, 180, 0), NOTHING, 1.0)
    for pair in burst:
        fresh, calm = (observe_pair(judged, c, pair, NOTHING, 1.0) for c in (fresh, calm))
    assert calm.process.e_value < 100 < fresh.process.e_value


def test_what_goes_on_is_no_storm_and_hundreds_neither() -> None:
    judged = rule(None)
    calm = start_comparison(judged)
    for _ in range(10):
        calm = observe_pair(judged, calm, Pair(20, 0, 180, 0), NOTHING, 1.0)
    assert 3 <= seconds_until_failed(judged, calm, Pair(20, 4, 180, 0)) <= 8
    assert seconds_until_failed(judged, calm, Pair(100, 50, 100, 0)) <= 2
    for _ in range(BLOCK * SETTLED_BLOCKS):
        calm = observe_pair(judged, calm, Pair(20, 0, 180, 0), NOTHING, 1.0)
    assert seconds_until_failed(judged, calm, Pair(20, 4, 180, 0)) <= 3


def test_a_lull_between_storms_proves_little() -> None:
    judged, stormy = rule(None), Dispersion(block_squares=2800.0, block_weight=100.0)
    c, intervals = start_comparison(judged), 0
    while c.proof < judged.proof:
        c = observe_pair(judged, replace(c, dispersion=stormy), Pair(20_000, 0, 180_000, 0), NOTHING, 1.0)
        intervals += 1
    assert intervals >= BLOCK


def test_evidence_has_a_ceiling_and_no_overflow() -> None:
    process = start_process(3)
    for _ in range(5):
        process = advance(process, [700.0, -800.0, 1.0], math.inf, 0.1)
    assert CEILING <= process.e_value < 4 * CEILING


def test_a_late_fault_is_found_although_the_start_was_good() -> None:
    judged = rule(1.0)
    good = start_comparison(judged)
    for _ in range(900):
        good = observe_pair(judged, good, Pair(20, 1, 180, 9), NOTHING, 1.0)
    late = good
    seconds = 0
    while late.process.e_value < 100:
        seconds += 1
        late = observe_pair(judged, late, Pair(20, 8, 180, 9), NOTHING, 1.0)
    assert seconds <= 3
    assert good.process.e_value < 1


def test_a_new_step_keeps_the_evidence_and_forgets_the_proof() -> None:
    judged = rule(1.0)
    c = start_comparison(judged)
    for _ in range(5):
        c = observe_pair(judged, c, Pair(20, 1, 180, 0), NOTHING, 1.0)
    entered = enter_step(c)
    assert entered.process == c.process
    assert (entered.known, entered.dispersion) == (c.known, c.dispersion)
    assert (entered.canary_n, entered.mirror, entered.proof) == (0, Mirror(), 1.0)


def test_clean_requests_prove_no_harm_after_about_the_promised_number() -> None:
    judged = rule(1.0)
    c = start_comparison(judged)
    for _ in range(10):  # what stable is like is known
        c = observe_pair(judged, c, Pair(0, 0, 1000, 0), NOTHING, 1.0)
    requests = 0
    while c.proof < judged.proof:
        c = observe_pair(judged, c, Pair(1, 0, 9, 0), NOTHING, 0.05)
        requests += 1
    promised = math.log(judged.proof) / 0.05
    assert promised * 0.9 <= requests <= promised * 1.15


@given(st.integers(1, 200), st.integers(1, 10))
def test_a_shared_incident_is_no_evidence(n1: int, factor: int) -> None:
    """Both arms fail alike, however badly."""
    judged = rule(1.0)
    c = start_comparison(judged)
    for k in range(20):
        each = factor * (k % 3)
        c = observe_pair(
            judged, c, Pair(10 * n1, n1 * each // 4, 90 * n1, 9 * (n1 * each // 4)), NOTHING, 1.0
        )
    assert c.process.e_value < 1.5
