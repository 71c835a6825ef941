"""What the samples of earlier releases say of a service: its traffic, its errors on a good day, and their bursts."""

from collections.abc import Iterable

from headgate.core.judge.dispersion import Dispersion, learn, plain_phi
from headgate.core.judge.errors import half_of_instances
from headgate.core.judge.planner.traffic import Traffic
from headgate.core.model.sample import Sample

REQUESTS_MIN = 100
"""With fewer requests in all nothing is said."""


def measured(samples: Iterable[Sample]) -> Traffic | None:
    """The traffic of both arms together, and the errors of stable alone; None where too little was seen."""
    seconds, requests, stable_n, stable_x, seen = 0.0, 0, 0, 0, Dispersion()
    for sample in samples:
        if sample.stable is None or sample.canary is None or sample.interval_s <= 0:
            continue
        seconds += sample.interval_s
        requests += sample.stable.requests + sample.canary.requests
        stable_n += sample.stable.requests
        stable_x += sample.stable.errors
        seen = learn(seen, sample.stable.requests, sample.stable.errors, half_of_instances(sample.stable))
    if requests < REQUESTS_MIN or not stable_n:
        return None
    return Traffic(requests / seconds, stable_x / stable_n, plain_phi(seen))
