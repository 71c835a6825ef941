"""What happened between two readings of cumulative counters."""

import pytest

from headgate.core.model.sample import Arm, Counts, Histogram, Mean, carried, since

LE = (10.0, 100.0)


def arm(**instances: tuple[int, int]) -> Arm:
    counts = {name: Counts(*pair) for name, pair in instances.items()}
    return Arm(sum(c.requests for c in counts.values()), sum(c.errors for c in counts.values()), None, counts)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Arm(10, 1), Arm(25, 3), (15, 2)),
        (Arm(10, 1), Arm(10, 1), (0, 0)),
        (Arm(), Arm(7, 2), (7, 2)),
        (Arm(100, 9), Arm(20, 1), (20, 1)),
        (Arm(100, 9), Arm(120, 1), (120, 1)),
    ],
    ids=["grew", "stood still", "new", "reset", "reset and overtook"],
)
def test_totals(before: Arm, after: Arm, expected: tuple[int, int]) -> None:
    got = since(before, after)
    assert (got.requests, got.errors) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (arm(a=(100, 5), b=(100, 0)), arm(a=(110, 5), b=(110, 1)), (20, 1)),
        (arm(a=(100, 5), b=(100, 0)), arm(a=(4, 1), b=(110, 0)), (14, 1)),
        (arm(a=(100, 5), b=(1000, 9)), arm(a=(110, 5)), (10, 0)),
        (arm(a=(100, 5)), arm(a=(110, 5), c=(3, 1)), (13, 1)),
    ],
    ids=["grew", "one restarted", "one went away", "one is new"],
)
def test_totals_of_instances_are_summed_after_the_difference(
    before: Arm, after: Arm, expected: tuple[int, int]
) -> None:
    got = since(before, after)
    assert (got.requests, got.errors) == expected
    assert sum(c.requests for c in got.instances.values()) == got.requests


def test_instances_that_appear_beside_old_totals_do_not_bring_their_history() -> None:
    got = since(Arm(1000, 10), arm(a=(510, 5), b=(510, 6)))
    assert (got.requests, got.errors) == (20, 1)


def test_histograms() -> None:
    before = Arm(10, 0, Histogram(LE, (5, 9)))
    assert since(before, Arm(30, 0, Histogram(LE, (20, 28)))).latency_ms == Histogram(LE, (15, 19))
    assert since(before, Arm(4, 0, Histogram(LE, (3, 4)))).latency_ms == Histogram(LE, (3, 4))
    assert since(before, Arm(14, 0)).latency_ms is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Arm(100, 0), Arm(105, 0, Histogram(LE, (90, 100)))),
        (Arm(100, 0, Histogram((1.0, 2.0), (90, 100))), Arm(105, 0, Histogram(LE, (90, 100)))),
        (Arm(100, 0, Histogram(LE, (60, 100))), Arm(105, 0, Histogram(LE, (50, 103)))),
    ],
    ids=["came back", "other bounds", "one instance of several was reset"],
)
def test_a_histogram_that_cannot_be_of_this_interval_is_unknown(before: Arm, after: Arm) -> None:
    assert since(before, after).latency_ms is None


def test_means() -> None:
    before = Arm(means={"orders": Mean(5.0, 10), "gone": Mean(1.0, 1)})
    after = Arm(means={"orders": Mean(7.0, 14), "new": Mean(1.0, 2)})
    assert since(before, after).means == {"orders": Mean(2.0, 4), "new": Mean(1.0, 2)}
    assert since(after, Arm(means={"orders": Mean(1.0, 2)})).means == {"orders": Mean(1.0, 2)}
    assert since(after, Arm(means={"orders": Mean(6.0, 20)})).means == {"orders": Mean(6.0, 20)}


def test_a_series_that_was_away_is_not_new() -> None:
    first = Arm(10, 1, Histogram(LE, (9, 10)), {"a": Counts(10, 1)}, {"orders": Mean(3.0, 4)})
    gap = Arm(20, 1)
    back = Arm(30, 2, Histogram(LE, (28, 30)), {"a": Counts(30, 2)}, {"orders": Mean(5.0, 7)})
    got = since(carried(first, gap), back)
    assert (got.requests, got.errors) == (10, 1)
    assert got.means == {"orders": Mean(2.0, 3)}
    assert got.instances == {}  # unknown for this once


def test_an_instance_that_was_away_is_not_new() -> None:
    first, gap = arm(a=(10, 1), b=(500, 5)), arm(a=(20, 1))
    got = since(carried(first, gap), arm(a=(30, 1), b=(505, 5)))
    assert (got.requests, got.errors) == (15, 0)
