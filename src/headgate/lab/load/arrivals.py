"""When customers come: a Poisson process, drawn from a seed."""

from collections.abc import Iterator
from itertools import islice
from random import Random


def arrivals(rate_per_s: float, duration_s: float, count_max: int, seed: int) -> Iterator[float]:
    """Seconds after the beginning at which journeys begin: rising, below `duration_s`, at most `count_max` of them.

    The gaps are independent and exponential with mean 1 / `rate_per_s`. The same arguments give the same
    times.
    """
    return islice(_poisson(rate_per_s, duration_s, Random(f"{seed}:arrivals")), count_max)


def _poisson(rate_per_s: float, duration_s: float, random: Random) -> Iterator[float]:
    at_s = random.expovariate(rate_per_s)
    while at_s < duration_s:
        yield at_s
        at_s += random.expovariate(rate_per_s)
