"""Reads both arms, takes the difference to the reading before, and asks the judge."""

import asyncio
from dataclasses import dataclass

from headgate.controller.readings import Reading, read_arm
from headgate.controller.sources import Opening
from headgate.controller.world import World
from headgate.core.judge.harm import harmed
from headgate.core.judge.judge import JudgeState, start
from headgate.core.judgement import judge
from headgate.core.model import Arm, Leg, Sample, Verdict, Version
from headgate.core.model.sample import carried, since
from headgate.core.state import UNEXPOSED
from headgate.ports import Signals

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
        declared = [Opening(world.open_source, source) for source in leg.sources]
        self._sources: tuple[Signals, ...] = (*world.signals, *declared)
        names = [source.name for source in leg.sources]
        self._measuring = len(world.signals) + names.index(leg.measured_by) if leg.measured_by else 0
        self._judge = start(leg.judge)
        self._readings: Readings = (None, None)
        self._read_at = 0.0

    async def open(self, at: float, exposure: int) -> None:
        """Read the counters where an arm's first sample begins; does nothing once samples follow each other."""
        if self._readings == (None, None):
            stable, canary = await self._read(exposure)
            self._readings = (stable.arm, canary.arm)
            self._read_at = at
        elif self._readings[1] is None and exposure != UNEXPOSED:
            canary = await self._arm(self._leg.candidate)
            self._readings = (self._readings[0], canary.arm)

    async def observe(self, at: float, weight: int, exposure: int, *, deadline: bool = False) -> Observation:
        """Sample the time since the last committed observation, up to `at`, and judge it. Never raises PortError.

        While no traffic reaches the canary on purpose it is not read, and its arm is empty.
        """
        stable, canary = await self._read(exposure)
        before = self._readings
        sample = Sample(
            unit=self._leg.unit,
            at=at,
            interval_s=max(0.0, at - self._read_at),
            weight=weight,
            stable=_between(before[0], stable.arm),
            canary=Arm() if exposure == UNEXPOSED else _between(before[1], canary.arm),
            problems=(*stable.problems, *canary.problems),
            readings=(stable.arm, canary.arm),
        )
        return self._judged(sample, exposure, deadline=deadline)

    def _judged(self, sample: Sample, exposure: int, *, deadline: bool) -> Observation:
        spec = self._leg.judge
        known, verdict = judge(spec, self._judge, sample, exposure, deadline=deadline)
        return Observation(sample, verdict, known, harmed(spec, sample.canary))

    def commit(self, observation: Observation) -> None:
        """The ledger has it: the next sample starts where this one ended; what was silent keeps its start."""
        self._judge = observation.judge
        (stable, canary), after = self._readings, observation.sample.readings
        self._readings = (_newest(stable, after[0]), _newest(canary, after[1]))
        self._read_at = observation.sample.at

    def replay(self, sample: Sample, exposure: int, *, deadline: bool = False) -> Verdict:
        """Judge a sample from the ledger again, and carry on from it."""
        observation = self._judged(sample, exposure, deadline=deadline)
        self.commit(observation)
        return observation.verdict

    async def _read(self, exposure: int) -> tuple[Reading, Reading]:
        """Both arms, side by side; stable alone while nobody is sent to the canary."""
        if exposure == UNEXPOSED:
            return await self._arm(self._leg.baseline), Reading(None)
        stable, canary = await asyncio.gather(self._arm(self._leg.baseline), self._arm(self._leg.candidate))
        return stable, canary

    async def _arm(self, version: Version | None) -> Reading:
        if version is None:
            return Reading(Arm())
        return await read_arm(self._sources, version, self._world.patience.signal_s, self._measuring)


def _between(before: Arm | None, after: Arm | None) -> Arm | None:
    return since(before, after) if before is not None and after is not None else None


def _newest(before: Arm | None, after: Arm | None) -> Arm | None:
    return carried(before, after) if before is not None and after is not None else after or before
