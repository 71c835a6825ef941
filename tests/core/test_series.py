"""Charts: bounded, and true at every size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import Arm, Evidence, Histogram, Sample, Unit, Verdict
from headgate.core.story.series import Count, Course

UNIT = Unit("shop", "production", "web")
LE = (10.0, 100.0, 1000.0)


def sample(at: float, n: int = 10, x: int = 0, count: tuple[int, ...] = (4, 8, 10)) -> Sample:
    arm = Arm(n, x, Histogram(LE, count))
    return Sample(UNIT, at, 1.0, 5, Arm(2 * n, 0), arm)


def verdict(evidence: float = 1.0) -> Verdict:
    errors = Evidence("error_ratio", "watch", evidence, ratio=2.0, low=1.0, high=4.0)
    return Verdict("watch", ".", evidence, 100.0, (errors,))


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=200), st.integers(2, 9)
)
def test_nothing_is_lost_and_there_are_never_too_many_points(
    counts: list[tuple[int, int]], most: int
) -> None:
    course = Course(most)
    for at, (n, x) in enumerate(counts, 1):
        course.add(sample(float(at), n, min(n, x)), verdict(float(at)))
        assert len(course.points()) <= most
    points = course.points()
    assert sum(point.canary.requests for point in points) == sum(n for n, _ in counts)
    assert sum(point.canary.errors for point in points) == sum(min(n, x) for n, x in counts)
    assert sum(point.interval_s for point in points) == len(counts)
    assert [point.at for point in points] == sorted({point.at for point in points})
    assert (points[-1].at, points[-1].evidence) == (len(counts), len(counts))


def test_a_point_says_what_the_judge_said() -> None:
    course = Course()
    course.add(sample(1.0, 10, 1), verdict(7.0))
    (point,) = course.points()
    assert (point.weight, point.evidence, point.ratio, point.low, point.high) == (5, 7.0, 2.0, 1.0, 4.0)
    assert point.canary.error_ratio == 0.1
    assert Count().error_ratio is None


@pytest.mark.parametrize(
    ("q", "expected"), [(0.2, 5.0), (0.4, 10.0), (0.6, 55.0), (0.8, 100.0), (0.9, 550.0), (1.0, 1000.0)]
)
def test_a_quantile_lies_where_its_bucket_says(q: float, expected: float) -> None:
    assert Count(10, 0, Histogram(LE, (4, 8, 10))).quantile_ms(q) == pytest.approx(expected)


def test_a_quantile_beyond_the_last_bound_is_unknown() -> None:
    assert Count(20, 0, Histogram(LE, (4, 8, 10))).quantile_ms(0.99) is None
    assert Count(0, 0, Histogram(LE, (0, 0, 0))).quantile_ms(0.5) is None
    assert Count().quantile_ms(0.5) is None


def test_an_arm_that_is_unknown_counts_nothing() -> None:
    course = Course()
    course.add(Sample(UNIT, 1.0, 1.0, 5, None, None, ("no answer",)), Verdict("no_data", "."))
    (point,) = course.points()
    assert (point.stable, point.canary, point.ratio) == (Count(), Count(), None)
