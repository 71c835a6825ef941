"""Windows of time over which a source counts: aligned, one after the other, none twice."""

import math

import msgspec

from headgate.core.model.sample import Arm, Histogram, Mean


class Window(msgspec.Struct, frozen=True):
    """From `start` (included) to `end` (not included), whole seconds since the epoch."""

    start: int
    end: int

    @property
    def length_s(self) -> int:
        """How long it is."""
        return self.end - self.start


class Pace(msgspec.Struct, frozen=True):
    """How a source counts: in windows of `resolution_s`, each readable `lag_s` after its end.

    What reaches the source later than that is counted by nobody: each window is read once.
    """

    resolution_s: int
    lag_s: float

    def newest(self, now: float) -> int:
        """Where the newest readable window ends."""
        return math.floor((now - self.lag_s) / self.resolution_s) * self.resolution_s

    def due(self, cursor: int, now: float) -> Window | None:
        """Everything readable that was not read, where everything before `cursor` was. A clock set back gives None."""
        newest = self.newest(now)
        return Window(cursor, newest) if newest > cursor else None

    def before(self, end: int, at_least_s: float) -> Window:
        """The windows up to `end`, as many as take `at_least_s`."""
        windows = max(1, math.ceil(at_least_s / self.resolution_s))
        return Window(end - windows * self.resolution_s, end)


# What a source counted window by window, added up to counters that never fall.


class Counted(msgspec.Struct, frozen=True):
    """What happened in some windows. `latency` are the requests that took at most each bound (milliseconds).

    `means` are the good cases and all cases of each share. Counts may be fractions: a source may have sampled.
    """

    requests: float = 0.0
    errors: float = 0.0
    latency: dict[float, float] = {}
    means: dict[str, tuple[float, float]] = {}


class Tally(msgspec.Struct, frozen=True):
    """All that was counted until now, and `arm`: what of it is given out.

    A source answers each question by itself, so that its counts need not fit each other exactly. What is given out
    does, over every interval: errors <= requests, and no bucket grows by more than the next one or than the requests.
    What is held back for that comes later.
    """

    counted: Counted = Counted()
    arm: Arm = Arm()

    def plus(self, more: Counted) -> "Tally":
        """The tally with what happened since."""
        total = _sum(self.counted, more)
        requests = round(total.requests)
        added = requests - self.arm.requests
        return Tally(
            total,
            Arm(
                requests=requests,
                errors=min(round(total.errors), self.arm.errors + added),
                latency_ms=_buckets(total.latency, self.arm.latency_ms, added),
                means={name: Mean(good, round(cases)) for name, (good, cases) in total.means.items()},
            ),
        )


def _sum(one: Counted, other: Counted) -> Counted:
    nothing = (0.0, 0.0)
    means = {
        name: (
            one.means.get(name, nothing)[0] + other.means.get(name, nothing)[0],
            one.means.get(name, nothing)[1] + other.means.get(name, nothing)[1],
        )
        for name in one.means | other.means
    }
    latency = {
        le: one.latency.get(le, 0.0) + other.latency.get(le, 0.0) for le in one.latency | other.latency
    }
    return Counted(one.requests + other.requests, one.errors + other.errors, latency, means)


def _buckets(latency: dict[float, float], given: Histogram | None, added: int) -> Histogram | None:
    if not latency:
        return None
    le = tuple(sorted(latency))
    before = given.count if given is not None else (0,) * len(le)
    count: list[int] = []
    room = added
    for bound, old in zip(reversed(le), reversed(before), strict=True):
        now = min(round(latency[bound]), old + room)
        count.append(now)
        room = now - old
    return Histogram(le, tuple(reversed(count)))
