"""What a few instances can prove at best."""

import math

import pytest

from headgate.core.judge.evidence.exchange import exchange_logs
from headgate.core.judge.planner.promotion import smallest_p_value, too_few_instances
from headgate.core.model.criteria import JudgeSpec

ASKED = JudgeSpec(exchangeable=True)


def test_the_smallest_p_value() -> None:
    assert smallest_p_value(4, 2) == pytest.approx(1 / 6)
    assert smallest_p_value(6, 1) == pytest.approx(1 / 6)
    assert smallest_p_value(12, 3) == pytest.approx(1 / 220)


@pytest.mark.parametrize(("n", "k"), [(4, 0), (4, 4), (0, 0)])
def test_one_arm_is_no_comparison(n: int, k: int) -> None:
    with pytest.raises(ValueError, match="no comparison"):
        smallest_p_value(n, k)


def test_no_interval_proves_more() -> None:
    logs = exchange_logs([500, 500], [0, 0, 0])
    assert max(logs) <= math.log(1 / smallest_p_value(5, 2)) + 1e-9


def test_a_plan_is_told() -> None:
    assert too_few_instances(JudgeSpec(), 2, 2) == ""
    assert too_few_instances(ASKED, 12, 4) == ""
    assert too_few_instances(ASKED, 2, 1) == (
        "1 and 2 instances cannot be told apart by a blind pick: each arm needs two at least"
    )
    assert too_few_instances(ASKED, 2, 2) == (
        "2 of 4 instances: one interval proves at most 1 in 6 (16.7%, 1.0% is asked): it takes 3 bad intervals at least"
    )
