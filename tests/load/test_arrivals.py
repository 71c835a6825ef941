"""Arrivals are a Poisson process, and the same one for the same seed."""

import math
from itertools import pairwise
from statistics import fmean, pvariance

import pytest

from headgate.lab.load.runner import arrivals


def gaps_of(rate_per_s: float, duration_s: float, seed: int) -> list[float]:
    return [later - earlier for earlier, later in pairwise(arrivals(rate_per_s, duration_s, 10**6, seed))]


def test_the_same_seed_gives_the_same_times() -> None:
    assert list(arrivals(50, 10, 10**6, 7)) == list(arrivals(50, 10, 10**6, 7))
    assert list(arrivals(50, 10, 10**6, 7)) != list(arrivals(50, 10, 10**6, 8))


def test_seed_7_gives_these_times_on_every_machine_and_python() -> None:
    first = [round(at_s, 9) for at_s in arrivals(50, 10, 4, 7)]
    assert first == [0.041052678, 0.049435222, 0.067615589, 0.09555684]


def test_times_rise_and_stay_below_the_duration() -> None:
    times = list(arrivals(200, 5, 10**6, 1))
    assert all(earlier < later for earlier, later in pairwise([0.0, *times, 5.0]))


@pytest.mark.parametrize("count_max", [0, 1, 17])
def test_never_more_than_the_count(count_max: int) -> None:
    assert len(list(arrivals(1000, 10, count_max, 3))) == count_max


def test_gaps_are_exponential() -> None:
    gaps = gaps_of(100, 200, 11)
    # Mean 1/rate and standard deviation 1/rate, each within 4 standard errors of 20,000 gaps.
    assert fmean(gaps) == pytest.approx(0.01, rel=4 / math.sqrt(20_000))
    assert math.sqrt(pvariance(gaps)) == pytest.approx(0.01, rel=4 * math.sqrt(2 / 20_000))
    # The whole distribution (Kolmogorov and Smirnov): 1.95 / sqrt(n) is passed once in a thousand seeds.
    ordered = sorted(gaps)
    distance = max(
        abs((rank + 0.5) / len(ordered) - (1 - math.exp(-100 * gap))) for rank, gap in enumerate(ordered)
    )
    assert distance < 1.95 / math.sqrt(len(gaps))


def test_seconds_are_independent_of_each_other() -> None:
    counts = [0] * 1000
    for at_s in arrivals(20, 1000, 10**6, 5):
        counts[int(at_s)] += 1
    # A Poisson count has the variance of its mean.
    assert pvariance(counts) / fmean(counts) == pytest.approx(1, abs=4 * math.sqrt(2 / 1000))
    mean = fmean(counts)
    lagged = fmean((one - mean) * (next_one - mean) for one, next_one in pairwise(counts)) / pvariance(counts)
    assert abs(lagged) < 4 / math.sqrt(1000)
