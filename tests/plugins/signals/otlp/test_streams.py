"""Points of every temper add up to what happened."""

import math
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.core.traces import Party
from headgate.plugins.vendors.otlp import streams
from headgate.plugins.vendors.otlp.resource import Point
from headgate.plugins.vendors.otlp.spread import Explicit, Exponential, single
from headgate.plugins.vendors.otlp.streams import IDLE_S, SKEW_MAX_S, Refused, Streams

BEGAN_S = 1000.0
NS = 1_000_000_000
WEB = Party("web", "1", "production", "one")


def point(count: int, at_s: float, start_s: float = BEGAN_S + 1, *, cumulative: bool = True) -> Point:
    return Point(
        WEB, "m", b"s", int(start_s * NS), int(at_s * NS), cumulative, bad=False, count=count, spread=None
    )


def total(taken: Streams, *points: Point) -> int:
    added = [taken.take(one, one.at_ns / NS) for one in points]
    return sum(one.count for one in added if one is not None)


def test_cumulative_points_add_up() -> None:
    assert total(Streams(BEGAN_S), point(5, 1010), point(5, 1020), point(9, 1030)) == 9


def test_a_new_start_counts_from_zero() -> None:
    assert total(Streams(BEGAN_S), point(5, 1010), point(3, 1030, start_s=1020)) == 8


def test_processes_that_call_themselves_the_same_are_told_apart_by_their_starts() -> None:
    points = (
        point(n, at_s, start_s)
        for n, at_s in ((10, 1100), (20, 1200), (30, 1300))
        for start_s in (1001, 1002, 1003, 1004)
    )
    assert total(Streams(BEGAN_S), *points) == 4 * 30


def test_doubled_and_late_points_add_nothing() -> None:
    first, second = point(5, 1010), point(9, 1020)
    assert total(Streams(BEGAN_S), first, second, first, second) == 9
    first, second = (replace(one, cumulative=False) for one in (first, second))
    assert total(Streams(BEGAN_S), second, first, first, second) == 14


def test_what_a_process_counted_before_we_listened_is_left_out() -> None:
    assert total(Streams(BEGAN_S), point(500, 1010, start_s=900), point(507, 1020, start_s=900)) == 7
    assert total(Streams(BEGAN_S), point(500, 990, start_s=980, cumulative=False)) == 0


def test_a_clock_that_is_ahead_is_not_believed_to_be_young() -> None:
    taken, ahead_s = Streams(BEGAN_S), 2 * SKEW_MAX_S
    assert taken.take(point(500, 1010 + ahead_s, 1001), 1010) is None
    added = taken.take(point(503, 1020 + ahead_s, 1001), 1020)
    assert added is not None
    assert added.count == 3


def test_less_than_before_since_the_same_start_is_refused() -> None:
    taken = Streams(BEGAN_S)
    total(taken, point(9, 1010))
    with pytest.raises(Refused, match="less than the one before"):
        taken.take(point(5, 1020), 1020)


def test_without_a_start_a_fall_is_a_restart() -> None:
    assert total(Streams(BEGAN_S), point(9, 1010, 0), point(12, 1020, 0), point(4, 1030, 0)) == 3 + 4


def test_more_series_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS_MAX", 2)
    taken = Streams(BEGAN_S)
    one, two, three = (replace(point(5, 1010), stream=name) for name in (b"1", b"2", b"3"))
    assert total(taken, one, two) == 10
    with pytest.raises(Refused, match="more than 2 series"):
        taken.take(three, 1010)
    later = 1010 + IDLE_S
    taken.take(replace(three, at_ns=int(later * NS)), later)
    assert total(taken, replace(two, at_ns=int(later * NS))) == 0
    back = replace(one, at_ns=int((later + IDLE_S) * NS), count=8)
    assert taken.take(back, later + IDLE_S) is None  # its five were counted before it was forgotten


@dataclass
class Process:
    """Counts, restarts, and says what it has, each as its kind says it."""

    chance: random.Random
    cumulative: bool
    now: int = int((BEGAN_S + 1) * NS)
    start: int = int((BEGAN_S + 1) * NS)
    counted: int = 0
    truth: int = 0
    sent: list[Point] = field(default_factory=list)

    def step(self) -> None:
        self.now += self.chance.randint(1, 100)
        if self.chance.random() < 0.2:
            self.start, self.counted = self.now, 0
            self.now += 1
        n = self.chance.randint(0, 9)
        self.counted, self.truth = self.counted + n, self.truth + n
        self.sent.append(
            Point(
                WEB,
                "m",
                b"s",
                self.start,
                self.now,
                self.cumulative,
                bad=False,
                count=self.counted,
                spread=None,
            )
        )
        if not self.cumulative:
            self.start, self.counted = self.now, 0


@given(st.randoms(use_true_random=False), st.booleans())
def test_whatever_comes_twice_adds_up(chance: random.Random, cumulative: bool) -> None:  # noqa: FBT001
    process = Process(chance, cumulative)
    for _ in range(20):
        process.step()
    points = [one for one in process.sent for _ in range(chance.randint(1, 2))]
    assert total(Streams(BEGAN_S), *points) == process.truth


# --- distributions --------------------------------------------------------------------------------------------------


def exponential(values: list[float], scale: int) -> Exponential:
    """The histogram of these seconds, by the definition: bucket i holds (base^i, base^(i+1)]."""
    found = Counter(math.ceil(math.log2(value) * 2.0**scale) - 1 for value in values)
    low, high = min(found, default=0), max(found, default=-1)
    return Exponential(scale, low, tuple(found[index] for index in range(low, high + 1)), 0, 1000.0)


SECONDS = st.lists(
    st.sampled_from([0.0007, 0.0031, 0.012, 0.0499, 0.0501, 0.24, 0.9, 3.3, 70.0]), max_size=12
)


@given(SECONDS, SECONDS, st.integers(0, 4), st.integers(0, 4))
def test_what_was_added_is_found_at_any_scale(
    before: list[float], more: list[float], fine: int, coarser: int
) -> None:
    old, new = exponential(before, fine + coarser), exponential(before + more, fine)
    added = new.since(old)
    assert added is not None
    assert added.buckets() == exponential(more, fine).buckets()
    assert added.total == len(more)


@given(SECONDS)
def test_fine_buckets_count_as_each_value_would(values: list[float]) -> None:
    counted = exponential(values, 10).buckets().count
    each = [single(value * 1000).count for value in values]
    assert counted == tuple(map(sum, zip(*each, strict=True))) if each else not any(counted)


def test_a_bucket_over_a_bound_is_never_counted_as_faster_than_it() -> None:
    coarse = Exponential(0, 3, (4,), 0, 1.0)  # four observations in (8 ms, 16 ms]
    below = dict(zip(coarse.buckets().le_ms, coarse.buckets().count, strict=True))
    assert (below[10.0], below[25.0]) == (0, 4)


def test_bounds_that_are_powers_of_the_base_are_exact() -> None:
    whole = Exponential(0, 0, (1, 1), 2, 1.0)  # (1, 2], (2, 4] ms, and two of zero
    below = dict(zip(whole.buckets().le_ms, whole.buckets().count, strict=True))
    assert (below[1.0], below[2.0], below[5.0]) == (2, 1, 1)


def test_extreme_offsets_end() -> None:
    for offset in (-(2**31), 2**31 - 1):
        for scale in (-10, 20):
            far = Exponential(scale, offset, (1, 2), 0, 1000.0)
            assert sum(far.buckets().count) in (0, 1, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        Explicit((), (1,)),
        Explicit((2.0, 1.0), (0, 0, 0)),
        Explicit((1.0, float("nan")), (0, 0, 0)),
        Explicit((1.0,), (0,)),
        Explicit(tuple(map(float, range(600))), (0,) * 601),
        Exponential(21, 0, (), 0, 1.0),
        Exponential(0, 0, (0,) * 600, 0, 1.0),
    ],
)
def test_what_cannot_be_is_said(wrong: Explicit | Exponential) -> None:
    assert "must" in wrong.wrong()


def test_other_bounds_are_no_continuation() -> None:
    assert Explicit((1.0,), (5, 5)).since(Explicit((2.0,), (1, 1))) is None
    assert Explicit((1.0,), (5, 5)).since(Explicit((1.0,), (6, 1))) is None
    assert Exponential(0, 0, (5,), 1, 1.0).since(Exponential(0, 0, (6,), 1, 1.0)) is None
