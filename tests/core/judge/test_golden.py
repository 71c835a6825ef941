"""Whole verdict streams, as they were when somebody last read them: `golden/*.txt`.

A change of the judge that changes them is looked at line by line. HEADGATE_GOLDEN=write writes them anew.
"""

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from headgate.core.judge.judge import observe, start
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.sample import Arm, Mean, Sample
from tests.core.judge.traffic import FAST, arm, sample

GOLDEN = Path(__file__).parent / "golden"
SPEC = JudgeSpec((ErrorRatio(max=0.01), Latency(max_ms=1000.0), MeanCriterion("orders")))
SLOW = (0.35, 0.3, 0.2, 0.05, 0.02, 0.01, 0.0, 0.07, 0.0)
Second = tuple[int, float, float, tuple[float, ...], float, int]
"""Weight, error ratio of stable and canary, the canary's latency, its completed orders, the step."""

STREAMS: dict[str, Sequence[Second]] = {
    "good": [(10, 0.002, 0.002, FAST, 0.9, 0)] * 15 + [(50, 0.002, 0.002, FAST, 0.9, 1)] * 10,
    "one request in five fails": [(10, 0.001, 0.2, FAST, 0.9, 0)] * 6,
    "one request in twenty fails": [(10, 0.001, 0.05, FAST, 0.9, 0)] * 20,
    "slow tail": [(10, 0.001, 0.001, SLOW, 0.9, 0)] * 20,
    "no order completed": [(10, 0.001, 0.001, FAST, 0.0, 0)] * 15,
    "incident on both arms": [(10, 0.001, 0.001, FAST, 0.9, 0)] * 5 + [(10, 0.2, 0.2, FAST, 0.9, 0)] * 15,
    "a late fault": [(25, 0.001, 0.001, FAST, 0.9, 0)] * 25 + [(25, 0.001, 0.1, FAST, 0.9, 0)] * 6,
    "no traffic": [(0, 0.001, 0.0, FAST, 0.9, 0)] * 33,
}


def made(rng: random.Random, at: float, second: Second) -> Sample:
    weight, stable_errors, canary_errors, shares, completed, _ = second
    n1 = 2 * weight
    stable = arm(rng, 200 - n1, stable_errors, FAST, 2)
    canary = arm(rng, n1, canary_errors, shares)
    return sample(_with_orders(rng, stable, 0.9), _with_orders(rng, canary, completed), at=at, weight=weight)


def _with_orders(rng: random.Random, one: Arm, completed: float) -> Arm:
    n = one.requests // 10
    done = float(sum(rng.random() < completed for _ in range(n)))
    return Arm(one.requests, one.errors, one.latency_ms, one.instances, {"orders": Mean(done, n)})


def stream(name: str) -> str:
    rng, state, lines = random.Random(name), start(SPEC), list[str]()
    for at, second in enumerate(STREAMS[name], 1):
        state, verdict = observe(SPEC, state, made(rng, float(at), second), second[-1])
        lines.append(f"{at:3} {verdict.kind:12} {verdict.evidence:10.4g}  {verdict.reason}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", STREAMS)
def test_the_stream_is_as_it_was(name: str) -> None:
    file = GOLDEN / f"{name.replace(' ', '-')}.txt"
    got = stream(name)
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(got, encoding="utf-8")
    assert got == file.read_text(encoding="utf-8")
