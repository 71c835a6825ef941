"""A second key: errors must be more than a blind pick of instances explains.

Whatever storms do, while the canary is like stable they hit its instances no more than others: given the interval's
counts, which of the n instances are the canary's k is a blind pick. With g the product of exp(theta min(x, c)) over the
canary's instances, g over its mean for all picks of k has a mean of exactly 1, whatever the dispersion; it is mixed
over theta and c and multiplied interval by interval. It needs instances with about the same load, and knows no margin:
where it is asked for, the comparison of counts *and* this must reach 1/alpha. No interval is worth more than C(n, k).
"""

import math

from headgate.core.judge.evidence.process import CEILING, Process, advance, start_process
from headgate.core.model.sample import Arm

BETS = tuple((theta, top) for theta in (0.25, 1.0) for top in (4, 20))
"""Strength of the bet, and the errors of one instance that count in one interval."""
LOAD_FACTOR_MAX = 1.5
INSTANCES_MAX = 64


def start_exchange() -> Process:
    """Nothing seen yet."""
    return start_process(len(BETS))


def alike(stable: Arm, canary: Arm) -> bool:
    """Whether both arms have several instances, each with about the same load."""
    loads = [c.requests for arm in (stable, canary) for c in arm.instances.values()]
    enough = min(len(stable.instances), len(canary.instances)) > 1 and len(loads) <= INSTANCES_MAX
    return enough and 0 < max(loads) <= LOAD_FACTOR_MAX * min(loads)


def mean_over_picks(weights: list[float], k: int) -> float:
    """The mean, over all picks of `k`, of the product of their weights (an elementary symmetric polynomial)."""
    sums = [1.0] + [0.0] * k
    for weight in weights:
        for size in range(k, 0, -1):
            sums[size] += weight * sums[size - 1]
    return sums[k] / math.comb(len(weights), k)


def exchange_logs(canary: list[int], stable: list[int]) -> list[float]:
    """Each bet's log-factor, for the errors of every instance in one interval."""
    logs: list[float] = []
    for theta, top in BETS:
        bad = [min(x, top) for x in canary]
        most = min(max(canary + stable), top)
        weights = [math.exp(theta * (min(x, top) - most)) for x in canary + stable]
        own = theta * (sum(bad) - most * len(bad))
        logs.append(own - math.log(mean_over_picks(weights, len(bad))))
    return logs


def scaled(key: Process, gained: float) -> Process:
    """The key after evidence of another kind: while instances are not alike, both keys turn alike."""
    gained = min(gained, CEILING)
    mass = tuple([min(m * gained, CEILING) for m in key.mass])
    return Process(mass, min(key.waiting * gained, CEILING), min(key.fresh * gained, CEILING))


def observe_exchange(key: Process, arms: tuple[Arm, Arm], release: float) -> Process:
    """One more interval; `arms` are stable and canary, whose instances are `alike`."""
    stable, canary = ([c.errors for c in arm.instances.values()] for arm in arms)
    if not any(stable) and not any(canary):
        return key
    return advance(key, exchange_logs(canary, stable), math.inf, release)
