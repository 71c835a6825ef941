"""History under other criteria: rollbacks gained and lost, harm and time saved."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from headgate.core.again.replay import Replay, ReplayedInterval
from headgate.core.machine.state import UNEXPOSED
from headgate.core.model import VerdictKind

Change = Literal["same", "gained", "lost", "earlier", "later", "unknown"]


class BacktestOutcome(msgspec.Struct, frozen=True):
    """One release. `gained`: it would be rolled back now; `lost`: it would not be, as far as the record goes.

    `harm_saved` is in failed requests of the canary, `time_saved_s` in seconds until its fault was found or, for a good
    release, until its steps passed; negative where more is lost. A record ends where the release did, so what a lost
    rollback would have cost cannot be known. `unknown`: its samples are compacted.
    """

    release: str
    change: Change
    found_s: float | None = None
    recorded_found_s: float | None = None
    harm_saved: int = 0
    time_saved_s: float = 0.0


class Backtest(msgspec.Struct, frozen=True):
    """Many releases, and their sums."""

    outcomes: tuple[BacktestOutcome, ...]

    def count(self, change: Change) -> int:
        """How many changed like this."""
        return sum(one.change == change for one in self.outcomes)

    @property
    def harm_saved(self) -> int:
        """Failed requests."""
        return sum(one.harm_saved for one in self.outcomes)

    @property
    def time_saved_s(self) -> float:
        """Seconds."""
        return sum(one.time_saved_s for one in self.outcomes)


def backtest(replays: Iterable[Replay]) -> Backtest:
    """What the criteria of these replays would have changed."""
    return Backtest(tuple(outcome(one) for one in replays))


def outcome(replay: Replay) -> BacktestOutcome:
    """What they would have changed for one release."""
    then, now = replay.recorded_fail, replay.fail
    if replay.missing or not replay.intervals:
        return BacktestOutcome(replay.release, "unknown")
    if then is None and now is None:
        return BacktestOutcome(replay.release, "same", time_saved_s=_passing_saved_s(replay))
    if now is None:
        return BacktestOutcome(replay.release, "lost", recorded_found_s=_since(replay, then))
    end = then if then is not None else replay.intervals[-1]
    saved = replay.harm_until(end.at) - replay.harm_until(now.at)
    time_s = end.at - now.at
    change: Change = (
        "gained" if then is None else "same" if not time_s else "earlier" if time_s > 0 else "later"
    )
    return BacktestOutcome(
        replay.release,
        change,
        _since(replay, now),
        _since(replay, then),
        saved,
        time_s if then is not None else 0.0,
    )


def _since(replay: Replay, one: ReplayedInterval | None) -> float | None:
    """Seconds from the beginning of the first sample in which somebody was exposed."""
    first = next((one for one in replay.intervals if one.exposure != UNEXPOSED), replay.intervals[0])
    return None if one is None else one.at - (first.at - first.sample.interval_s)


def _passing_saved_s(replay: Replay) -> float:
    """How much sooner its steps would have passed, where they did both times."""
    saved = 0.0
    for place in dict.fromkeys((one.leg, one.exposure) for one in replay.intervals):
        inside = [one for one in replay.intervals if (one.leg, one.exposure) == place]
        then = _first(inside, [one.recorded.kind for one in inside])
        now = _first(inside, [one.verdict.kind for one in inside])
        if then is not None and now is not None:
            saved += then - now
    return saved


def _first(inside: list[ReplayedInterval], kinds: list[VerdictKind]) -> float | None:
    return next((one.at for one, kind in zip(inside, kinds, strict=True) if kind == "pass"), None)
