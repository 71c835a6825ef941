"""Samples made by hand, and seeded traffic for the verdict tests."""

import random
from collections.abc import Sequence
from itertools import pairwise

from headgate.core.judge.judge import JudgeState, observe, start
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.identity import Unit
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, Sample
from headgate.core.model.verdict import Verdict

UNIT = Unit("shop", "production", "web")
LE = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 60000.0)
FAST = (0.35, 0.3, 0.25, 0.07, 0.025, 0.004, 0.001, 0.0, 0.0)
"""The share of requests in each bucket of a healthy service: 3% over 50 ms, 0.5% over 100 ms."""


def histogram(rng: random.Random, n: int, shares: Sequence[float] = FAST) -> Histogram:
    ends = [sum(shares[: k + 1]) for k in range(len(shares))]
    seen = [rng.random() * ends[-1] for _ in range(n)]
    return Histogram(LE, (*(sum(x < end for x in seen) for end in ends[:-1]), n))


def bad(rng: random.Random, n: int, share: float) -> int:
    return sum(rng.random() < share for _ in range(n))


def arm(rng: random.Random, n: int, errors: float, shares: Sequence[float] | None = None, k: int = 1) -> Arm:
    parts = [n * i // k for i in range(k + 1)]
    sizes = [high - low for low, high in pairwise(parts)]
    instances = {f"i{i}": Counts(size, bad(rng, size, errors)) for i, size in enumerate(sizes)}
    total = sum(c.errors for c in instances.values())
    return Arm(n, total, None if shares is None else histogram(rng, n, shares), instances)


def sample(
    stable: Arm | None,
    canary: Arm | None,
    *,
    at: float = 1.0,
    weight: int = 10,
    interval_s: float = 1.0,
    problems: tuple[str, ...] = (),
) -> Sample:
    return Sample(UNIT, at, interval_s, weight, stable, canary, problems)


def counts(n0: int, x0: int, n1: int, x1: int, *, weight: int = 10) -> Sample:
    return sample(Arm(n0, x0), Arm(n1, x1), weight=weight)


def orders(n0: int, s0: float, n1: int, s1: float, name: str = "orders") -> Sample:
    return sample(
        Arm(10 * n0, 0, means={name: Mean(s0, n0)}), Arm(10 * n1, 0, means={name: Mean(s1, n1)}), weight=0
    )


def judged(
    spec: JudgeSpec, samples: Sequence[Sample], step: int = 0, state: JudgeState | None = None
) -> tuple[JudgeState, list[Verdict]]:
    state = start(spec) if state is None else state
    verdicts: list[Verdict] = []
    for one in samples:
        state, verdict = observe(spec, state, one, step)
        verdicts.append(verdict)
    return state, verdicts
