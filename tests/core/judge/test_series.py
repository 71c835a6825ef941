"""Two arrays of values, point by point."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.judge.evidence.series import above_half, compare


@pytest.mark.parametrize("n", [1, 5, 20])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
def test_its_mean_is_at_most_one_under_the_null(n: int, p: float) -> None:
    mean = sum(math.comb(n, a) * p**a * (1 - p) ** (n - a) * above_half(a, n) for a in range(n + 1))
    assert mean <= 1 + 1e-12
    assert p < 0.5 or mean == pytest.approx(1.0)


@given(st.integers(0, 60), st.integers(0, 60))
def test_it_is_the_mean_over_chances_above_a_half(above: int, below: int) -> None:
    steps = 4000
    nodes = [0.5 + 0.5 * (k + 0.5) / steps for k in range(steps)]
    mean = sum((2 * p) ** above * (2 * (1 - p)) ** below for p in nodes) / steps
    assert above_half(above, above + below) == pytest.approx(mean, rel=2e-3)


def ever(rng: random.Random, shift: float) -> bool:
    points: list[tuple[float, float]] = []
    for _ in range(60):
        day = rng.gauss(0, 3)
        points.append((50 + day + rng.gauss(0, 1), 50 + day + shift + rng.gauss(0, 1)))
        if compare(points, 1.0, 2.0, up=True, down=True).against >= 100:
            return True
    return False


def test_alike_is_rarely_called_worse_and_worse_is_found() -> None:
    rng = random.Random(2)
    assert sum(ever(rng, 0.0) for _ in range(200)) <= 4
    assert all(ever(rng, 3.0) for _ in range(20))


def test_the_direction_that_is_bad_counts() -> None:
    low = [(10.0, 5.0)] * 20
    assert compare(low, 1.25, 2.0, up=True, down=False).against < 1
    assert compare(low, 1.25, 3.0, up=False, down=True).against > 100
    both = compare(low, 1.25, 2.0, up=True, down=True)
    assert (both.against > 100, both.higher) == (True, False)


def test_no_points_say_nothing() -> None:
    seen = compare([], 1.25, 2.0, up=True, down=True)
    assert (seen.n, seen.against, seen.harmless) == (0, 1.0, 1.0)
