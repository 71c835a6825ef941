"""What the samples of earlier releases say of a service: its traffic, its errors on a good day, and their bursts."""

from collections.abc import Iterable

import msgspec

from headgate.core.judge.evidence.dispersion import Dispersion, learn, plain_phi
from headgate.core.judge.evidence.histogram import histogram_defect, observations, over
from headgate.core.judge.metrics.business import mean_defect
from headgate.core.judge.metrics.errors import half_of_instances
from headgate.core.judge.traffic import Traffic, Workload
from headgate.core.model.sample import Arm, Sample

REQUESTS_MIN = 100
"""With fewer requests (or cases) in all nothing is said."""


class _Count(msgspec.Struct):
    """Counts of stable, and the cases of both arms together."""

    cases: int = 0
    stable_n: int = 0
    stable_x: float = 0.0
    dispersion: Dispersion = Dispersion()

    def add(self, canary_n: int, n: int, x: float, half: tuple[int, int] = (0, 0)) -> None:
        self.cases += canary_n + n
        self.stable_n += n
        self.stable_x += x
        self.dispersion = learn(self.dispersion, n, x, half)

    def traffic(self, seconds: float) -> Traffic | None:
        if self.cases < REQUESTS_MIN or not self.stable_n:
            return None
        return Traffic(self.cases / seconds, self.stable_x / self.stable_n, plain_phi(self.dispersion))


def measured(samples: Iterable[Sample]) -> Workload | None:
    """The traffic of both arms together, and what stable alone shows; None where too little was seen.

    Latency is counted at the newest bucket bounds.
    """
    seconds, errors, means, slow = 0.0, _Count(), dict[str, _Count](), _Slow()
    for sample in samples:
        stable, canary = sample.stable, sample.canary
        if stable is None or canary is None or sample.interval_s <= 0:
            continue
        seconds += sample.interval_s
        errors.add(canary.requests, stable.requests, stable.errors, half_of_instances(stable))
        slow.add(stable)
        for name, mean in stable.means.items():
            other = canary.means.get(name)
            if not mean_defect(mean):
                means.setdefault(name, _Count()).add(other.n if other else 0, mean.n, min(mean.sum, mean.n))
    traffic = errors.traffic(seconds)
    if traffic is None:
        return None
    known = {name: count.traffic(seconds) for name, count in means.items()}
    signals = tuple([(name, found) for name, found in sorted(known.items()) if found is not None])
    return Workload(traffic, slow.shares(), signals)


class _Slow(msgspec.Struct):
    """Stable's requests over each bound."""

    le: tuple[float, ...] = ()
    over: tuple[int, ...] = ()
    n: int = 0

    def add(self, stable: Arm) -> None:
        histogram = stable.latency_ms
        if histogram is None or histogram_defect(histogram):
            return
        if histogram.le != self.le:
            self.le, self.over, self.n = histogram.le, (0,) * len(histogram.le), 0
        n = observations(stable)
        self.n += n
        self.over = tuple([before + over(stable, k, n) for k, before in enumerate(self.over)])

    def shares(self) -> tuple[tuple[float, float], ...]:
        """The share over each bound; nothing while too little was seen."""
        if self.n < REQUESTS_MIN:
            return ()
        return tuple([(le, x / self.n) for le, x in zip(self.le, self.over, strict=True)])
