"""Whose fault: stable in trouble, the canary no worse."""

import msgspec
import pytest

from headgate.core.judge.evidence.known import KnownShare, remember
from headgate.core.judge.verdict.external import degraded
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, MeanCriterion
from tests.core.judge.traffic import counts, judged, orders

HELD = JudgeSpec((ErrorRatio(),), external=True)
GOOD = [counts(1800, 2, 200, 0)] * 40
BAD = [counts(1800, 180, 200, 20)] * 4


def test_stable_gets_plainly_worse_and_the_canary_is_no_worse() -> None:
    verdict = judged(HELD, GOOD + BAD)[1][-1]
    assert verdict.kind == "hold_external", verdict.reason
    assert "stable itself got worse: errors " in verdict.reason
    assert verdict.shared
    assert "s after the step: the canary may harm what both depend on" in verdict.reason


def test_long_after_the_step_it_is_a_bad_day() -> None:
    verdict = judged(HELD, GOOD * 2 + BAD)[1][-1]
    assert (verdict.kind, verdict.shared) == ("hold_external", False)


def test_it_is_said_only_where_it_was_asked_for() -> None:
    spec = msgspec.structs.replace(HELD, external=False)
    assert {verdict.kind for verdict in judged(spec, GOOD + BAD)[1]} <= {"watch", "pass"}


def test_a_canary_that_is_worse_than_a_bad_stable_is_still_blamed() -> None:
    assert judged(HELD, [*GOOD, *[counts(1800, 180, 200, 120)] * 6])[1][-1].kind == "fail"


def test_stable_breaks_its_own_limit() -> None:
    spec = JudgeSpec((ErrorRatio(max=0.01),), external=True)
    verdict = judged(spec, [counts(1800, 40, 200, 5)] * 30)[1][-1]
    assert verdict.kind == "hold_external"
    assert "stable itself breaks the limit" in verdict.reason


def test_it_ends_when_the_trouble_is_over() -> None:
    assert judged(HELD, GOOD + BAD + GOOD * 2)[1][-1].kind == "pass"


def test_a_business_signal_that_falls_on_both_arms() -> None:
    spec = JudgeSpec((MeanCriterion("orders"),), external=True)
    verdict = judged(spec, [orders(180, 170, 20, 19)] * 30 + [orders(180, 20, 20, 2)] * 6)[1][-1]
    assert verdict.kind == "hold_external"
    assert "lately against 91.0% before" in verdict.reason


@pytest.mark.parametrize("errors", [0, 1, 2, 4, 6])
def test_an_ordinary_day_is_no_trouble(errors: int) -> None:
    known = KnownShare()
    for _ in range(60):
        known = remember(known, 1000, 2, 1.0)
    for _ in range(3):
        known = remember(known, 1000, errors, 1.0)
    assert degraded(known, 1.0, 100.0) is None


def test_nothing_known_is_no_trouble() -> None:
    assert degraded(KnownShare(), 1.0, 100.0) is None
    assert degraded(remember(KnownShare(), 1000, 900, 1.0), 1.0, 100.0) is None
