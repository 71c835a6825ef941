"""Windows of time over which a source counts: aligned, one after the other, none twice."""

import math

import msgspec


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
