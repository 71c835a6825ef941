"""Windows never overlap, never skip and never count twice, whatever the clock does; tallies never fall."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import Arm
from headgate.core.model.sample import since
from headgate.core.model.window import Counted, Pace, Tally, Window

PACES = st.builds(Pace, st.integers(1, 600), st.floats(0, 600))
CLOCKS = st.lists(st.floats(-5000, 5000), min_size=1, max_size=40)
COUNTS = st.floats(0, 1000)


@given(PACES, CLOCKS)
def test_windows_follow_each_other_whatever_the_clock_does(pace: Pace, steps: list[float]) -> None:
    now = 1_700_000_000.0
    cursor = begun = pace.newest(now)
    windows: list[Window] = []
    for step in steps:
        now += step
        window = pace.due(cursor, now)
        if window is None:
            assert pace.newest(now) <= cursor
            continue
        assert window.end <= now - pace.lag_s
        assert now - pace.lag_s - window.end < pace.resolution_s
        windows.append(window)
        cursor = window.end
    assert [window.start for window in windows] == [begun, *(window.end for window in windows)][
        : len(windows)
    ]
    assert all(window.start < window.end for window in windows)
    assert all(at % pace.resolution_s == 0 for window in windows for at in (window.start, window.end))


@given(PACES, st.integers(0, 10_000), st.floats(0, 90_000))
def test_the_windows_before_are_aligned_and_long_enough(pace: Pace, n: int, at_least_s: float) -> None:
    end = n * pace.resolution_s
    window = pace.before(end, at_least_s)
    assert window.end == end
    assert window.length_s % pace.resolution_s == 0
    assert max(at_least_s, pace.resolution_s) <= window.length_s < at_least_s + 2 * pace.resolution_s


SOME = st.builds(
    Counted,
    COUNTS,
    COUNTS,
    st.fixed_dictionaries({10.0: COUNTS, 100.0: COUNTS, 1000.0: COUNTS}),
    st.dictionaries(st.sampled_from(["orders", "carts"]), st.tuples(COUNTS, COUNTS)),
)


@given(st.lists(SOME, max_size=12))
def test_a_tally_fits_itself_over_every_interval(counted: list[Counted]) -> None:
    tallies = [Tally()]
    for more in counted:
        tallies.append(tallies[-1].plus(more))
    for n, before in enumerate(tallies[:-1]):
        for after in tallies[n + 1 :]:
            assert before.arm.requests <= after.arm.requests
            interval = since(before.arm, after.arm)
            assert interval.requests == after.arm.requests - before.arm.requests
            assert 0 <= interval.errors <= interval.requests
            assert interval.latency_ms is not None
            assert list(interval.latency_ms.count) == sorted(interval.latency_ms.count)
            assert 0 <= interval.latency_ms.count[0] <= interval.latency_ms.count[-1] <= interval.requests


def test_nothing_is_lost_where_counts_fit() -> None:
    more = Counted(10.0, 2.0, {100.0: 7.0, 500.0: 9.0}, {"orders": (3.0, 4.0)})
    arm = Tally().plus(more).plus(more).arm
    assert (arm.requests, arm.errors) == (20, 4)
    assert arm.latency_ms is not None
    assert (arm.latency_ms.le, arm.latency_ms.count) == ((100.0, 500.0), (14, 18))
    assert (arm.means["orders"].sum, arm.means["orders"].n) == (6.0, 8)


def test_errors_that_come_before_their_requests_wait_for_them() -> None:
    early = Tally().plus(Counted(1.0, 3.0))
    assert (early.arm.requests, early.arm.errors) == (1, 1)
    assert early.plus(Counted(5.0)).arm.errors == 3


def test_fractions_add_up_before_they_are_rounded() -> None:
    tally = Tally()
    for _ in range(100):
        tally = tally.plus(Counted(0.1))
    assert tally.arm == Arm(requests=10)
