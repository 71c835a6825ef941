"""Reads both arms, takes the difference to the reading before, and asks the judge."""

import asyncio
from dataclasses import dataclass

from headgate.controller.readings import Reading, read_arm
from headgate.controller.world import World
from headgate.core.judge.harm import harmed
from headgate.core.judge.judge import JudgeState, observe, start
from headgate.core.model import Arm, Leg, Sample, Verdict, Version
from headgate.core.model.sample import carried, since

Readings = tuple[Arm | None, Arm | None]


@dataclass(frozen=True)
class Observation:
    """One sample and what the judge makes of it; it counts only when the ledger has it.

    `harmed` is how many of the canary's requests in it went badly.
    """

    sample: Sample
    verdict: Verdict
    judge: JudgeState
    harmed: int


class Watcher:
    """The watch over one leg: where the last sample ended and what the judge remembers.

    Nothing moves forward before `commit`: an observation that was abandoned leaves no gap and no trace.
    """

    def __init__(self, leg: Leg, world: World) -> None:
        self._leg = leg
        self._world = world
        self._judge = start(leg.judge)
        self._readings: Readings = (None, None)
        self._read_at = 0.0

    async def open(self, at: float) -> None:
        """Read the counters where the first sample begins; does nothing once samples follow each other."""
        if self._readings == (None, None):
            stable, canary = await self._read()
            self._readings = (stable.arm, canary.arm)
            self._read_at = at

    async def observe(self, at: float, weight: int, exposure: int) -> Observation:
        """Sample the time since the last committed observation, up to `at`, and judge it. Never raises PortError."""
        stable, canary = await self._read()
        before = self._readings
        sample = Sample(
            unit=self._leg.unit,
            at=at,
            interval_s=max(0.0, at - self._read_at),
            weight=weight,
            stable=_between(before[0], stable.arm),
            canary=_between(before[1], canary.arm),
            problems=(*stable.problems, *canary.problems),
            readings=(stable.arm, canary.arm),
        )
        return self._judged(sample, exposure)

    def _judged(self, sample: Sample, exposure: int) -> Observation:
        """Ask the judge; should it break down, that is no data, and the same again when the ledger is replayed."""
        try:
            judge, verdict = observe(self._leg.judge, self._judge, sample, exposure)
        except Exception as error:  # noqa: BLE001 - a fault in the judge must neither pass nor blind the release
            judge, verdict = (
                self._judge,
                Verdict("no_data", f"the judge broke down: {type(error).__name__}: {error}"),
            )
        return Observation(sample, verdict, judge, harmed(self._leg.judge, sample.canary))

    def commit(self, observation: Observation) -> None:
        """The ledger has it: the next sample starts where this one ended; what was silent keeps its start."""
        self._judge = observation.judge
        (stable, canary), after = self._readings, observation.sample.readings
        self._readings = (_newest(stable, after[0]), _newest(canary, after[1]))
        self._read_at = observation.sample.at

    def replay(self, sample: Sample, exposure: int) -> Verdict:
        """Judge a sample from the ledger again, and carry on from it."""
        observation = self._judged(sample, exposure)
        self.commit(observation)
        return observation.verdict

    async def _read(self) -> tuple[Reading, Reading]:
        """Both arms, side by side."""
        stable, canary = await asyncio.gather(self._arm(self._leg.baseline), self._arm(self._leg.candidate))
        return stable, canary

    async def _arm(self, version: Version | None) -> Reading:
        if version is None:
            return Reading(Arm())
        return await read_arm(self._world.signals, version, self._world.patience.signal_s)


def _between(before: Arm | None, after: Arm | None) -> Arm | None:
    return since(before, after) if before is not None and after is not None else None


def _newest(before: Arm | None, after: Arm | None) -> Arm | None:
    return carried(before, after) if before is not None and after is not None else after or before
