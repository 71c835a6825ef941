"""Simulated services: requests and errors per interval, arm and instance, with errors that come in bursts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headgate.core.model.identity import Unit
from headgate.core.model.sample import Arm, Counts, Histogram, Sample

UNIT = Unit("benchmark", "production", "service")
LE = (0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 60000.0)
MEDIAN_MS, SPREAD = 9.0, 0.6

Sizes = Callable[[np.random.Generator, int], np.ndarray]

BURSTS: dict[str, Sizes] = {
    "independent": lambda rng, n: np.ones(n, dtype=np.int64),
    "bursts of 1-4": lambda rng, n: rng.integers(1, 5, n),
    "geometric, mean 3": lambda rng, n: rng.geometric(1 / 3, n),
    "retry storms": lambda rng, n: np.where(rng.random(n) < 0.9, 1, rng.integers(5, 21, n)),
}
"""Sizes of bursts; a burst falls whole into one instance and one interval, which is the worst it can do."""
MEAN = {"independent": 1.0, "bursts of 1-4": 2.5, "geometric, mean 3": 3.0, "retry storms": 0.9 + 0.1 * 12.5}


@dataclass(frozen=True)
class Scene:
    """One deploy: `steps` are (weight, seconds); `drift` is a shared factor on both arms' errors, per interval."""

    steps: tuple[tuple[int, int], ...] = ((10, 20), (25, 20), (50, 20))
    rate: float = 200.0
    interval_s: float = 1.0
    stable_errors: float = 0.001
    canary_errors: float = 0.001
    bursts: str = "independent"
    stable_instances: int = 2
    lasts: int = 1
    drift: str = "none"
    latency: bool = False
    slow: float = 0.0


def _errors(rng: np.random.Generator, scene: Scene, requests: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Errors per interval; with `lasts` > 1 a burst is spread over that many intervals."""
    if scene.bursts == "independent":
        return rng.binomial(requests, np.minimum(ratio, 1.0))
    count = rng.poisson(requests * ratio / MEAN[scene.bursts])
    at = np.repeat(np.arange(len(requests)), count)
    sizes = BURSTS[scene.bursts](rng, len(at))
    at = np.repeat(at, sizes)
    if scene.lasts > 1:
        at = at + rng.integers(0, scene.lasts, len(at))
    errors = np.bincount(at[at < len(requests)], minlength=len(requests))
    return np.asarray(np.minimum(errors, requests))


def _drift(rng: np.random.Generator, scene: Scene, n: int) -> np.ndarray:
    if scene.drift == "incident":  # both arms fail twenty times as often for ten intervals
        factor = np.ones(n)
        begin = int(rng.integers(0, n - 10))
        factor[begin : begin + 10] = 20.0
        return factor
    if scene.drift == "gamma":  # a common cause that comes and goes
        return np.repeat(rng.gamma(0.5, 2.0, n // 5 + 1), 5)[:n]
    return np.ones(n)


def _histogram(rng: np.random.Generator, n: int, slow: float) -> Histogram:
    times = MEDIAN_MS * np.exp(SPREAD * rng.standard_normal(n)) * np.where(rng.random(n) < slow, 20.0, 1.0)
    return Histogram(LE, tuple(np.searchsorted(np.sort(times), LE, side="right").tolist()))


def samples(rng: np.random.Generator, scene: Scene) -> list[tuple[int, Sample]]:
    """The steps and samples of one deploy."""
    counts = [round(seconds / scene.interval_s) for _, seconds in scene.steps]
    weight = np.repeat([w for w, _ in scene.steps], counts)
    step = np.repeat(np.arange(len(counts)), counts)
    n = len(weight)
    total = rng.poisson(scene.rate * scene.interval_s, n)
    canary = rng.binomial(total, weight / 100)
    drift = _drift(rng, scene, n)
    instances: list[tuple[np.ndarray, np.ndarray]] = []
    left = total - canary
    for k in range(scene.stable_instances, 0, -1):
        requests = rng.binomial(left, 1 / k)
        left = left - requests
        instances.append((requests, _errors(rng, scene, requests, scene.stable_errors * drift)))
    canary_x = _errors(rng, scene, canary, scene.canary_errors * drift)
    return [
        (int(step[i]), _sample(rng, scene, i, int(weight[i]), (int(canary[i]), int(canary_x[i])), instances))
        for i in range(n)
    ]


def _sample(
    rng: np.random.Generator,
    scene: Scene,
    i: int,
    weight: int,
    canary: tuple[int, int],
    instances: list[tuple[np.ndarray, np.ndarray]],
) -> Sample:
    counts = {f"stable-{k}": Counts(int(n[i]), int(x[i])) for k, (n, x) in enumerate(instances)}
    requests, errors = sum(c.requests for c in counts.values()), sum(c.errors for c in counts.values())
    histogram = _histogram(rng, requests, 0.0) if scene.latency else None
    slow = _histogram(rng, canary[0], scene.slow) if scene.latency else None
    stable_arm = Arm(requests, errors, histogram, counts)
    canary_arm = Arm(*canary, slow, {"canary-0": Counts(*canary)})
    return Sample(UNIT, (i + 1) * scene.interval_s, scene.interval_s, weight, stable_arm, canary_arm)
